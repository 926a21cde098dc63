package agent_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/agent"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// TestMain lets the agent start this very program as its binary, too.
func TestMain(m *testing.M) {
	if os.Args[0] == "labmark-agent" {
		if err := agent.SFTP(); err != nil {
			panic(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// patience is how long anything may take on a slow and noisy machine.
const patience = 2 * time.Minute

// ground is an agent on this machine, as this user, with real processes.
type ground struct {
	agent   *agent.Agent
	user    string
	key     ssh.Signer
	hostKey ssh.PublicKey
	serving sync.WaitGroup
}

func newGround(tb testing.TB) *ground {
	tb.Helper()
	a, err := agent.New(false)
	if err != nil {
		tb.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		tb.Fatal(err)
	}
	host, hostPublic, err := guestssh.NewHostKey()
	if err != nil {
		tb.Fatal(err)
	}
	login, loginPublic, err := guestssh.NewHostKey()
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(login)
	if err != nil {
		tb.Fatal(err)
	}
	if err := a.SetKeys(host, ssh.MarshalAuthorizedKey(loginPublic)); err != nil {
		tb.Fatal(err)
	}
	g := &ground{agent: a, user: me.Username, key: signer, hostKey: hostPublic}
	tb.Cleanup(g.serving.Wait)
	return g
}

// Dial makes a ground a guestssh.Dialer.
func (g *ground) Dial(context.Context, string) (net.Conn, error) {
	ours, theirs, err := connPair()
	if err != nil {
		return nil, err
	}
	g.serving.Go(func() { g.agent.ServeStream(context.Background(), theirs) })
	return ours, nil
}

func connPair() (ours, theirs net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = l.Close() }()
	if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	theirs, err = l.Accept()
	return ours, theirs, err
}

func (g *ground) login(tb testing.TB) *ssh.Client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := guestssh.Connect(ctx, g, "test", g.user, g.hostKey, g.key)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func session(tb testing.TB, c *ssh.Client) *ssh.Session {
	tb.Helper()
	s, err := c.NewSession()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// eventually polls until ok, or fails the test.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tb.Fatalf("has not happened: %s", what)
		}
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// screen collects what a terminal shows.
type screen struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func watch(r io.Reader) *screen {
	s := &screen{}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			s.mu.Lock()
			s.buf.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

func (s *screen) shows(tb testing.TB, text string) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(s.String(), text) {
		if time.Now().After(deadline) {
			tb.Fatalf("the terminal never showed %q, only %q", text, s.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (g *ground) attach(tb testing.TB, name string) (*guestssh.Terminal, *screen) {
	tb.Helper()
	t, err := guestssh.Attach(g.login(tb), name, 80, 24)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = t.Close() })
	return t, watch(t)
}

func typeLine(tb testing.TB, w io.Writer, line string) {
	tb.Helper()
	if _, err := io.WriteString(w, line+"\r"); err != nil {
		tb.Fatal(err)
	}
}

// leave ends a kept terminal, so that nothing outlives the test.
func leave(tb testing.TB, t *guestssh.Terminal) {
	tb.Helper()
	ended := make(chan error, 1)
	go func() { _, err := t.Wait(); ended <- err }()
	_, _ = io.WriteString(t, "\x03")
	// The interrupt may swallow what is typed too soon after it.
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		_, _ = io.WriteString(t, "\x15exit 0\r")
		select {
		case err := <-ended:
			if err != nil {
				tb.Error(err)
			}
			return
		case <-time.After(300 * time.Millisecond):
		}
	}
	tb.Error("the shell does not end")
}

// killPid ends a process that a test left running. It fails if there is none.
func killPid(tb testing.TB, text string) {
	tb.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		tb.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		tb.Errorf("process %d: %v", pid, err)
	}
}
