package agent_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestCommandsAnswerWithOutputAndStatus(t *testing.T) {
	c := newGround(t).login(t)
	for name, tc := range map[string]struct {
		command, stdin, stdout, stderr string
		status                         int
		signal                         string
	}{
		"status":          {command: "exit 7", status: 7},
		"both streams":    {command: "echo out; echo err >&2", stdout: "out\n", stderr: "err\n"},
		"standard input":  {command: "cat", stdin: "hello", stdout: "hello"},
		"script on stdin": {command: "exec bash --noprofile --norc -c '. /dev/stdin'", stdin: "echo $((6*7)); exit 3", stdout: "42\n", status: 3},
		"killed":          {command: "kill -TERM $$", signal: "TERM"},
		"odd signal":      {command: "kill -BUS $$", signal: "7@labmark"},
		"not found":       {command: "no-such-command 2>/dev/null", status: 127},
		"no terminal":     {command: "tty", stdout: "not a tty\n", status: 1},
		"home":            {command: `[ "$PWD" = "$HOME" ] && echo yes`, stdout: "yes\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, c)
			var stdout, stderr bytes.Buffer
			s.Stdin, s.Stdout, s.Stderr = strings.NewReader(tc.stdin), &stdout, &stderr
			err := s.Run(tc.command)
			var exit *ssh.ExitError
			status, signal := 0, ""
			if errors.As(err, &exit) {
				status, signal = exit.ExitStatus(), exit.Signal()
			} else if err != nil {
				t.Fatal(err)
			}
			if tc.signal != "" {
				status = 0 // x/crypto makes one up
			}
			if stdout.String() != tc.stdout || stderr.String() != tc.stderr || status != tc.status || signal != tc.signal {
				t.Errorf("got %q, %q, status %d, signal %q", stdout.String(), stderr.String(), status, signal)
			}
		})
	}
}

func TestEnvironmentIsCleanButForWhatIsAllowed(t *testing.T) {
	t.Setenv("SECRET_OF_THE_AGENT", "x")
	s := session(t, newGround(t).login(t))
	for name, value := range map[string]string{"LABMARK_STEP": "two", "LD_PRELOAD": "/evil.so", "LANG": "de_DE.UTF-8"} {
		if err := s.Setenv(name, value); err != nil {
			t.Fatal(err)
		}
	}
	out, err := s.Output("env")
	if err != nil {
		t.Fatal(err)
	}
	env := "\n" + string(out)
	for _, want := range []string{"\nLABMARK_STEP=two\n", "\nLANG=de_DE.UTF-8\n", "\nPATH=/usr/local/sbin:"} {
		if !strings.Contains(env, want) {
			t.Errorf("%q is missing in %s", want, env)
		}
	}
	for _, bad := range []string{"SECRET", "LD_PRELOAD"} {
		if strings.Contains(env, bad) {
			t.Errorf("%s got through", bad)
		}
	}
}

// pidsOf starts a command that writes process numbers to files in a folder
// and then waits, and returns a probe for each.
func aliveAfter(t *testing.T, s *ssh.Session, dir string) (leader, background, daemon func() bool) {
	t.Helper()
	command := `cd ` + dir + `; set -m
	sleep 1000 & echo $! >bg.tmp; mv bg.tmp background
	setsid sh -c 'echo $$ >d.tmp; mv d.tmp daemon; exec sleep 1000' &
	trap '' TERM HUP; echo $$ >l.tmp; mv l.tmp leader; while :; do sleep 1000; done`
	if err := s.Start(command); err != nil {
		t.Fatal(err)
	}
	probe := func(name string) func() bool {
		path := filepath.Join(dir, name)
		eventually(t, name+" has started", func() bool { return exists(path) })
		pid, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		proc := "/proc/" + strings.TrimSpace(string(pid)) + "/stat"
		return func() bool {
			data, err := os.ReadFile(proc)
			return err == nil && !strings.Contains(string(data), ") Z ")
		}
	}
	return probe("leader"), probe("background"), probe("daemon")
}

func TestSessionEndsWithItsChannelButDaemonsLive(t *testing.T) {
	for name, end := range map[string]func(c *ssh.Client, s *ssh.Session){
		"channel closed":  func(_ *ssh.Client, s *ssh.Session) { _ = s.Close() },
		"connection lost": func(c *ssh.Client, _ *ssh.Session) { _ = c.Close() },
		"signal KILL":     func(_ *ssh.Client, s *ssh.Session) { _ = s.Signal(ssh.SIGKILL) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c := newGround(t).login(t)
			s := session(t, c)
			leader, background, daemon := aliveAfter(t, s, dir)
			end(c, s)
			eventually(t, "command and its background are gone", func() bool { return !leader() && !background() })
			if !daemon() {
				t.Error("the daemon was ended too")
			}
			pid, _ := os.ReadFile(filepath.Join(dir, "daemon"))
			killPid(t, string(pid))
		})
	}
}

func TestBackgroundProcessDoesNotHoldUpTheEnd(t *testing.T) {
	s := session(t, newGround(t).login(t))
	start := time.Now()
	out, err := s.Output("sleep 1000 & echo $!; seq 1000 | tail -1")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(out))
	if len(lines) != 2 || lines[1] != "1000" {
		t.Fatalf("got %q", out)
	}
	if time.Since(start) > patience {
		t.Error("the session waited for the background process")
	}
	killPid(t, lines[0]) // fails if it was ended: sshd leaves it, and so do we
}

func TestEndlessOutputWaitsForTheClient(t *testing.T) {
	s := session(t, newGround(t).login(t))
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("yes"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, out, 20<<20); err != nil {
		t.Fatal(err)
	}
}

func TestLargeTransfersArriveWhole(t *testing.T) {
	s := session(t, newGround(t).login(t))
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MB
	s.Stdin = bytes.NewReader(data)
	out, err := s.Output("cat")
	if err != nil || !bytes.Equal(out, data) {
		t.Errorf("%d bytes came back (%v)", len(out), err)
	}
}

func TestHundredCommandsOneAfterAnother(t *testing.T) {
	g := newGround(t)
	for i := range 100 {
		c := g.login(t)
		out, err := session(t, c).Output("echo ok")
		if err != nil || string(out) != "ok\n" {
			t.Fatalf("round %d: %q %v", i, out, err)
		}
		_ = c.Close()
	}
}

func TestUnknownUserIsTold(t *testing.T) {
	g := newGround(t)
	g.user = "nobody-of-that-name"
	s := session(t, g.login(t))
	var stderr bytes.Buffer
	s.Stderr = &stderr
	var exit *ssh.ExitError
	if err := s.Run("true"); !errors.As(err, &exit) || exit.ExitStatus() != 126 {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(stderr.String(), "no user") {
		t.Errorf("the message is %q", stderr.String())
	}
}

func BenchmarkExec(b *testing.B) {
	c := newGround(b).login(b)
	for b.Loop() {
		s, err := c.NewSession()
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Run("true"); err != nil {
			b.Fatal(err)
		}
	}
}
