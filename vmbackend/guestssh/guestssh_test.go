package guestssh_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/sshserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// guests dials a scripted guest, or one that says nothing if handler is nil.
type guests struct {
	handler sshserver.HandlerFunc
	host    []byte
	hostKey ssh.PublicKey
	login   ssh.Signer
	serving sync.WaitGroup
}

func newGuests(tb testing.TB, h sshserver.HandlerFunc) *guests {
	tb.Helper()
	g := &guests{handler: h}
	var err error
	if g.host, g.hostKey, err = guestssh.NewHostKey(); err != nil {
		tb.Fatal(err)
	}
	login, _, err := guestssh.NewHostKey()
	if err != nil {
		tb.Fatal(err)
	}
	if g.login, err = ssh.ParsePrivateKey(login); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(g.serving.Wait)
	return g
}

func (g *guests) Dial(ctx context.Context, _ string) (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	theirs, err := l.Accept()
	if err != nil {
		return nil, err
	}
	g.serving.Go(func() { g.serve(theirs) })
	return ours, nil
}

func (g *guests) serve(conn net.Conn) {
	if g.handler == nil {
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
		return
	}
	signer, keys, err := sshserver.ParseKeys(g.host, ssh.MarshalAuthorizedKey(g.login.PublicKey()))
	if err == nil {
		err = sshserver.Serve(context.Background(), conn, sshserver.Config{HostKey: signer, AuthorizedKeys: keys, Handler: g.handler})
	}
	_ = err
}

func (g *guests) connect(tb testing.TB) *ssh.Client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := guestssh.Connect(ctx, g, "g1", "student", g.hostKey, g.login)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func TestWrongGuestIsRefused(t *testing.T) {
	g := newGuests(t, func(*sshserver.Session) sshserver.Exit { return sshserver.Exit{} })
	_, other, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	_, err = guestssh.Connect(t.Context(), g, "g1", "root", other, g.login)
	if err == nil || !strings.Contains(err.Error(), "not the guest that was started") {
		t.Errorf("got %v", err)
	}
}

func TestSilentGuestIsGivenUp(t *testing.T) {
	g := newGuests(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	_, err := guestssh.Connect(ctx, g, "g1", "root", g.hostKey, g.login)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestClientOutlivesTheContextOfItsLogin(t *testing.T) {
	g := newGuests(t, func(*sshserver.Session) sshserver.Exit { return sshserver.Exit{Status: 4} })
	c := g.connect(t) // its context has ended
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := s.Run("x"); !errors.As(err, &exit) || exit.ExitStatus() != 4 {
		t.Errorf("got %v", err)
	}
}

func TestTerminalEndsAsItsShellDoes(t *testing.T) {
	for name, c := range map[string]struct {
		exit sshserver.Exit
		want int
	}{
		"status": {sshserver.Exit{Status: 9}, 9},
		"signal": {sshserver.Exit{Signal: "KILL"}, 137},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGuests(t, func(s *sshserver.Session) sshserver.Exit {
				_ = s.Tell("kept-terminal@labmark", []byte{1})
				_, _ = io.WriteString(s, s.Getenv("LABMARK_TERMINAL"))
				return c.exit
			})
			term, err := guestssh.Attach(g.connect(t), "main", 80, 24)
			if err != nil {
				t.Fatal(err)
			}
			out, err := io.ReadAll(term)
			if err != nil || string(out) != "main" || !term.Replayed {
				t.Errorf("read %q, %v, replayed %v", out, err, term.Replayed)
			}
			if status, err := term.Wait(); err != nil || status != c.want {
				t.Errorf("ended with %d, %v", status, err)
			}
			if err := term.Close(); err != nil {
				t.Errorf("closing what has ended: %v", err)
			}
		})
	}
}

func TestLostConnectionIsNoEnd(t *testing.T) {
	g := newGuests(t, func(s *sshserver.Session) sshserver.Exit {
		_ = s.Tell("kept-terminal@labmark", []byte{0})
		<-s.Context().Done()
		return sshserver.Exit{}
	})
	c := g.connect(t)
	term, err := guestssh.Attach(c, "main", 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if _, err := term.Wait(); !errors.Is(err, guestssh.ErrDetached) {
		t.Errorf("got %v", err)
	}
}

func TestRefusedTerminalSaysWhy(t *testing.T) {
	g := newGuests(t, func(s *sshserver.Session) sshserver.Exit {
		_, _ = io.WriteString(s.Stderr(), "no shell can be started")
		return sshserver.Exit{Status: 126}
	})
	_, err := guestssh.Attach(g.connect(t), "main", 80, 24)
	if err == nil || !strings.Contains(err.Error(), "no shell can be started") {
		t.Errorf("got %v", err)
	}
}
