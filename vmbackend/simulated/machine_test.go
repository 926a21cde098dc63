package simulated_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/simulated"
)

func TestDefaultMachine(t *testing.T) {
	l := newLab(t)
	l.running("g")
	client := l.mustConnect("g")
	for _, c := range []struct{ command, want string }{
		{"echo one; echo two", "one\ntwo\n"},
		{"false && echo never; echo 'a  b' \"c\"", "a  b c\n"},
		{"echo x >/f && echo y >>/f && cat /f", "x\ny\n"},
		{"true > /empty && ls", "/empty\n/f\n"},
		{"rm /f /empty && ls && echo gone", "gone\n"},
		{"no-such-thing && echo never", "sh: no-such-thing: not found\n"},
		{"echo 'open", "sh: a quote is not closed\n"},
		{"exit 0; echo never", ""},
		{"id -un && hostname", "student\ng\n"},
	} {
		got, err := l.output(client, c.command, "")
		var exit *ssh.ExitError
		if err != nil && !errors.As(err, &exit) || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.command, got, err, c.want)
		}
	}
}

func TestScriptedMachine(t *testing.T) {
	l := newLab(t, func(o *simulated.Options) {
		o.Machine = func(spec vmbackend.Spec, disk *simulated.Disk) simulated.Machine {
			return simulated.Machine{Exec: func(command, stdin string) (string, string, int) {
				disk.Write("/last", command)
				return strings.ToUpper(stdin), spec.ID + " ran " + command, 5
			}}
		}
	})
	l.running("one")
	out, err := l.output(l.mustConnect("one"), "check it", "input")
	var exit *ssh.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 5 {
		t.Errorf("got %v, want status 5", err)
	}
	if !strings.Contains(out, "INPUT") || !strings.Contains(out, "one ran check it") {
		t.Errorf("got %q", out)
	}
}

// A check sends a printf format with the separator in front of each field.
func TestCheckAnswer(t *testing.T) {
	nonce := strings.Repeat("ABC234", 5)[:26]
	stdin := "printf '" + strings.Repeat(`\036`+nonce+"%s", 6) + `\036` + nonce + "' \"$1\""
	mark := "\x1e" + nonce
	for _, c := range []struct {
		kind, message string
		want          []string
		status        int
	}{
		{"pass", "", []string{"0", "pass", "", "", "", ""}, 0},
		{"fail", "Not yet.", []string{"1", "fail", "", "", "Not yet.", ""}, 1},
		{"partial", "2 3 Two of three.", []string{"1", "partial", "2", "3", "Two of three.", ""}, 1},
		{"unsure", "Who knows?", []string{"75", "unsure", "", "", "Who knows?", ""}, 75},
	} {
		_, stderr, status := simulated.CheckAnswer(stdin, c.kind, c.message)
		want := mark + strings.Join(c.want, mark) + mark
		if stderr != want || status != c.status {
			t.Errorf("%s: got %q, status %d; want %q, %d", c.kind, stderr, status, want, c.status)
		}
	}
	if _, _, status := simulated.CheckAnswer("ls", "pass", ""); status == 0 {
		t.Error("what is no check was passed")
	}
}

// screen is a terminal and all that it has shown.
type screen struct {
	*testing.T
	*guestssh.Terminal
	shown string
}

func (s *screen) until(text string) {
	s.Helper()
	buffer := make([]byte, 1024)
	for !strings.Contains(s.shown, text) {
		n, err := s.Read(buffer)
		s.shown += string(buffer[:n])
		if err != nil {
			s.Fatalf("the terminal ended with %v after %q, want %q", err, s.shown, text)
		}
	}
}

func (s *screen) typeKeys(keys string) {
	s.Helper()
	if _, err := fmt.Fprint(s, keys); err != nil {
		s.Fatal(err)
	}
}

func (l *lab) terminal(client *ssh.Client) *screen {
	l.Helper()
	t, err := guestssh.Attach(client, "main", 80, 24)
	if err != nil {
		l.Fatal(err)
	}
	return &screen{T: l.T, Terminal: t}
}

func TestTerminal(t *testing.T) {
	l := newLab(t)
	l.running("g")
	s := l.terminal(l.mustConnect("g"))
	if s.Replayed {
		t.Error("a new terminal claims to have been there")
	}
	s.until("student@g:~$ ")
	s.typeKeys("echo helo\x7flo\r")
	s.until("hello\r\nstudent@g")
	if err := s.Resize(100, 30); err != nil {
		t.Fatal(err)
	}
	for range 100 { // a resize overtakes what was typed before it or not
		s.typeKeys("stty size\r")
		s.until("\r\nstudent")
		if s.until("student@g:~$ "); strings.Contains(s.shown, "30 100") {
			break
		}
		s.shown = ""
	}
	s.shown = ""
	s.typeKeys("abandoned\x03echo fresh\r")
	s.until("\r\nfresh\r\n")
	s.typeKeys("exit 3\r")
	for {
		if _, err := s.Read(make([]byte, 100)); err != nil {
			break
		}
	}
	if status, err := s.Wait(); status != 3 || err != nil {
		t.Errorf("the shell ended with status %d, error %v", status, err)
	}
}

func TestTerminalIsKept(t *testing.T) {
	l := newLab(t)
	l.running("g")
	first := l.mustConnect("g")
	s := l.terminal(first)
	s.typeKeys("echo remember me\r")
	s.until("remember me\r\n")
	_ = first.Close()
	again := l.terminal(l.mustConnect("g"))
	if !again.Replayed {
		t.Error("the kept terminal claims to be new")
	}
	again.until("remember me\r\n")
	again.typeKeys("\x04")
	for {
		if _, err := again.Read(make([]byte, 100)); err != nil {
			break
		}
	}
	if third := l.terminal(l.mustConnect("g")); third.Replayed {
		t.Error("a terminal whose shell has ended is still kept")
	}
}

func TestThousandGuests(t *testing.T) {
	l := newLab(t)
	const many = 1000
	failed := make(chan error, many)
	for i := range many {
		go func() {
			id := fmt.Sprintf("g-%d", i)
			failed <- errors.Join(l.create(id), l.Start(t.Context(), id))
		}()
	}
	for range many {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	if all, err := l.List(t.Context()); err != nil || len(all) != many {
		t.Errorf("List has %d guests, error %v", len(all), err)
	}
}
