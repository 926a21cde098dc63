package sshserver_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

func newSigner(tb testing.TB) ssh.Signer {
	tb.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		tb.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		tb.Fatal(err)
	}
	return signer
}

// serve starts a server for one connection, and returns the client's end and
// what the server returns.
func serve(tb testing.TB, c sshserver.Config) (net.Conn, <-chan error) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	theirs, err := l.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- sshserver.Serve(context.Background(), theirs, c) }()
	tb.Cleanup(func() { _ = ours.Close() })
	return ours, done
}

// login logs in to a server with h.
func login(tb testing.TB, h sshserver.HandlerFunc) *ssh.Client {
	tb.Helper()
	key := newSigner(tb)
	conn, done := serve(tb, sshserver.Config{HostKey: newSigner(tb), AuthorizedKeys: []ssh.PublicKey{key.PublicKey()}, Handler: h})
	c, channels, requests, err := ssh.NewClientConn(conn, "", clientConfig(key))
	if err != nil {
		tb.Fatal(err)
	}
	client := ssh.NewClient(c, channels, requests)
	tb.Cleanup(func() {
		_ = client.Close()
		select {
		case err := <-done:
			if err != nil {
				tb.Errorf("the server ended with %v", err)
			}
		case <-time.After(patience):
			tb.Error("the server does not end with its connection")
		}
	})
	return client
}

func clientConfig(key ssh.Signer) *ssh.ClientConfig {
	return &ssh.ClientConfig{User: "student", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
}

func newSession(tb testing.TB, c *ssh.Client) *ssh.Session {
	tb.Helper()
	s, err := c.NewSession()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStrangersDoNotGetIn(t *testing.T) {
	owner := newSigner(t)
	for name, auth := range map[string]ssh.AuthMethod{
		"another key": ssh.PublicKeys(newSigner(t)),
		"a password":  ssh.Password("root"),
		"nothing":     ssh.PublicKeys(),
	} {
		t.Run(name, func(t *testing.T) {
			conn, done := serve(t, sshserver.Config{
				HostKey: newSigner(t), AuthorizedKeys: []ssh.PublicKey{owner.PublicKey()},
				Handler: sshserver.HandlerFunc(func(*sshserver.Session) sshserver.Exit {
					t.Error("a session was started")
					return sshserver.Exit{}
				}),
			})
			config := clientConfig(owner)
			config.Auth = []ssh.AuthMethod{auth}
			if _, _, _, err := ssh.NewClientConn(conn, "", config); err == nil {
				t.Error("got in")
			}
			_ = conn.Close()
			if err := <-done; err == nil {
				t.Error("the server took it for a login")
			}
		})
	}
}

func TestHandlerSeesWhatTheClientAsksFor(t *testing.T) {
	seen := make(chan string, 1)
	c := login(t, func(s *sshserver.Session) sshserver.Exit {
		input, _ := io.ReadAll(s)
		seen <- fmt.Sprintf("%s %s %q %s %v %s", s.User, s.Kind, s.Command, s.Getenv("A"), s.Pty.Size, input)
		fmt.Fprint(s, "out")
		fmt.Fprint(s.Stderr(), "err")
		return sshserver.Exit{Status: 3}
	})
	s := newSession(t, c)
	_ = s.Setenv("A", "1")
	_ = s.Setenv("A", "2")
	if err := s.RequestPty("xterm", 30, 100, nil); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	s.Stdin, s.Stdout, s.Stderr = strings.NewReader("in"), &stdout, &stderr
	var exit *ssh.ExitError
	if err := s.Run("do it"); !errors.As(err, &exit) || exit.ExitStatus() != 3 {
		t.Errorf("ended with %v", err)
	}
	if got, want := <-seen, `student exec "do it" 2 {100 30} in`; got != want {
		t.Errorf("the handler saw %s, want %s", got, want)
	}
	if stdout.String() != "out" || stderr.String() != "err" {
		t.Errorf("the client got %q and %q", &stdout, &stderr)
	}
}

func TestSignalsAndResizesReachTheHandler(t *testing.T) {
	c := login(t, func(s *sshserver.Session) sshserver.Exit {
		size := <-s.Resizes()
		sig := <-s.Signals()
		return sshserver.Exit{Signal: fmt.Sprintf("%s-%d", sig, size.Cols)}
	})
	s := newSession(t, c)
	if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.WindowChange(40, 120), s.Signal(ssh.SIGTERM)); err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.Signal() != "TERM-120" {
		t.Errorf("got %v", err)
	}
}

func TestContextEndsWithTheChannel(t *testing.T) {
	for name, end := range map[string]func(*ssh.Client, *ssh.Session){
		"channel":    func(_ *ssh.Client, s *ssh.Session) { _ = s.Close() },
		"connection": func(c *ssh.Client, _ *ssh.Session) { _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan struct{})
			c := login(t, func(s *sshserver.Session) sshserver.Exit {
				<-s.Context().Done()
				close(ended)
				return sshserver.Exit{}
			})
			s := newSession(t, c)
			if err := s.Start("wait"); err != nil {
				t.Fatal(err)
			}
			end(c, s)
			select {
			case <-ended:
			case <-time.After(patience):
				t.Error("the handler was not told")
			}
		})
	}
}

func TestNothingIsForwarded(t *testing.T) {
	c := login(t, func(*sshserver.Session) sshserver.Exit { return sshserver.Exit{} })
	if _, err := c.Dial("tcp", "127.0.0.1:22"); err == nil {
		t.Error("a connection was forwarded")
	}
	if _, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("a port was forwarded")
	}
}

func TestSignalFloodDoesNotHoldUpTheConnection(t *testing.T) {
	release := make(chan struct{})
	c := login(t, func(s *sshserver.Session) sshserver.Exit {
		if s.Command == "deaf" {
			<-release
		}
		return sshserver.Exit{}
	})
	deaf := newSession(t, c)
	if err := deaf.Start("deaf"); err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		if err := deaf.Signal(ssh.SIGUSR1); err != nil {
			t.Fatal(err)
		}
	}
	if err := newSession(t, c).Run("other"); err != nil {
		t.Error(err)
	}
	close(release)
	if err := deaf.Wait(); err != nil {
		t.Error(err)
	}
}

func TestSessionsOfOneConnectionAreBounded(t *testing.T) {
	release := make(chan struct{})
	c := login(t, func(*sshserver.Session) sshserver.Exit { <-release; return sshserver.Exit{} })
	defer close(release)
	for n := range 1000 {
		s, err := c.NewSession()
		if err != nil {
			if n < 16 {
				t.Errorf("only %d sessions were allowed", n)
			}
			return
		}
		if err := s.Start("wait"); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("1000 sessions were allowed")
}

func TestKeysAreReadOrExplained(t *testing.T) {
	if _, _, err := sshserver.ParseKeys([]byte("rubbish"), nil); err == nil || !strings.Contains(err.Error(), "host key") {
		t.Errorf("got %v", err)
	}
}
