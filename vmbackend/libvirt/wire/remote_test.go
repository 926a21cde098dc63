package wire_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

func TestSSH(t *testing.T) {
	n := libvirttest.SSH(t)
	c := n.Connect()
	testCommand(t, n, c)
	events := c.Events(t.Context())
	_, socket := startIdle(t, n, c, "one")
	await(t, events, "the guest's start", func(e wire.Event) bool {
		return e.Domain.Name == "one" && e.Kind == int(libvirt.DomainEventStarted)
	})
	conn, err := c.DialSocket(within(t, time.Minute), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()

	n.KillLibvirtd()
	await(t, events, "the loss of libvirtd", func(e wire.Event) bool { return e.Link && !e.Up })
	await(t, events, "its return", func(e wire.Event) bool { return e.Link && e.Up })
	if err := stillOpen(conn); err != nil {
		t.Errorf("the stream to the guest did not outlive libvirtd: %v", err)
	}

	n.KillSSHD()
	await(t, events, "the loss of sshd", func(e wire.Event) bool { return e.Link && !e.Up })
	if _, err := io.ReadAll(conn); err != nil { // it returns: the stream ended
		t.Log("the stream ended with", err)
	}
	n.StartSSHD()
	await(t, events, "its return", func(e wire.Event) bool { return e.Link && e.Up })
	if got := names(t, c); len(got) != 1 {
		t.Errorf("there are the guests %v, want one", got)
	}
	if _, err := c.DialSocket(within(t, time.Minute), filepath.Join(n.Dir, "none")); err == nil || !strings.Contains(err.Error(), "AllowStreamLocalForwarding") {
		t.Errorf("a socket that is not there: %v", err)
	}
}

func TestCutNetwork(t *testing.T) {
	for name, node := range map[string]func(testing.TB) *libvirttest.Node{"ssh": libvirttest.SSH, "tls": libvirttest.TLS} {
		t.Run(name, func(t *testing.T) {
			n := node(t)
			c := n.Connect()
			before := names(t, c)
			n.Cut()
			begun := time.Now()
			err := c.Call(within(t, 10*time.Second), "list", func(l *libvirt.Libvirt) error {
				_, _, err := l.ConnectListAllDomains(1, 0)
				return err
			})
			if !errors.Is(err, vmbackend.ErrUnreachable) {
				t.Errorf("with the network cut, a call gives %v", err)
			}
			t.Logf("a call into a cut network ended after %v", time.Since(begun))
			if c.Up() {
				t.Error("the node counts as connected")
			}
			n.Mend()
			begun = time.Now()
			libvirttest.Until(t, "the node is back", c.Up)
			t.Logf("the node was back after %v", time.Since(begun))
			if after := names(t, c); len(after) != len(before) {
				t.Errorf("guests before %v, after %v", before, after)
			}
		})
	}
}

func TestTLS(t *testing.T) {
	n := libvirttest.TLS(t)
	c := n.Connect()
	events := c.Events(t.Context())
	startIdle(t, n, c, "one")
	await(t, events, "the guest's start", func(e wire.Event) bool {
		return e.Domain.Name == "one" && e.Kind == int(libvirt.DomainEventStarted)
	})
	if _, err := c.DialSocket(t.Context(), "/x"); !errors.Is(err, vmbackend.ErrNotOffered) {
		t.Errorf("a socket by TLS: %v", err)
	}
	if _, err := c.Command(t.Context(), nil, "true"); !errors.Is(err, vmbackend.ErrNotOffered) {
		t.Errorf("a command by TLS: %v", err)
	}
	n.KillLibvirtd()
	await(t, events, "the loss of libvirtd", func(e wire.Event) bool { return e.Link && !e.Up })
	await(t, events, "its return", func(e wire.Event) bool { return e.Link && e.Up })
	if got := names(t, c); len(got) != 1 {
		t.Errorf("there are the guests %v, want one", got)
	}
}

// refused connects where it must not succeed, and returns why it didn't.
func refused(t *testing.T, e wire.Endpoint) string {
	t.Helper()
	c, err := wire.New(e, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for begun := time.Now(); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		err = c.Call(ctx, "look", func(*libvirt.Libvirt) error { return nil })
		cancel()
		if !errors.Is(err, vmbackend.ErrUnreachable) {
			t.Fatalf("connected, or the wrong error: %v", err)
		}
		tried := !strings.Contains(err.Error(), "no connection was made yet")
		if tried || time.Since(begun) > libvirttest.Patience {
			return err.Error()
		}
	}
}

func TestStrangersByTLS(t *testing.T) {
	n := libvirttest.TLS(t)
	stranger := libvirttest.NewCA(t)

	e := n.Endpoint
	e.PKI = filepath.Join(t.TempDir(), "pki")
	stranger.Client(t, e.PKI)
	if why := refused(t, e); !strings.Contains(why, "was not signed by") {
		t.Errorf("a node of a strange CA: %s", why)
	}

	// Our CA is known, but the certificate is a stranger's.
	copyFile(t, filepath.Join(n.Endpoint.PKI, "cacert.pem"), filepath.Join(e.PKI, "cacert.pem"))
	if why := refused(t, e); !strings.Contains(why, "does not take our certificate") {
		t.Errorf("a client of a strange CA: %s", why)
	}

	if err := os.Remove(filepath.Join(e.PKI, "clientcert.pem")); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.New(e, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "clientcert.pem") {
		t.Errorf("without a certificate: %v", err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestStrangersBySSH(t *testing.T) {
	n := libvirttest.SSH(t)
	host := strings.TrimSuffix(strings.SplitAfter(n.Endpoint.URI, "@")[1], "/session?socket="+n.Daemon.Socket())
	key, err := wire.ScanHostKey(within(t, time.Minute), net.JoinHostPort(host, "22"))
	if err != nil || key != n.Endpoint.HostKey {
		t.Errorf("the scanned host key is %q, %v; want %q", key, err, n.Endpoint.HostKey)
	}

	other := libvirttest.SSH(t)
	e := n.Endpoint
	e.HostKey = other.Endpoint.HostKey
	if why := refused(t, e); !strings.Contains(why, n.Endpoint.HostKey) {
		t.Errorf("a wrong host key is refused without saying which came: %s", why)
	}
	e = n.Endpoint
	e.Identity = other.Endpoint.Identity
	if why := refused(t, e); !strings.Contains(why, "authorized_keys") {
		t.Errorf("a wrong key of ours: %s", why)
	}
}

func TestChannel(t *testing.T) {
	for name, node := range map[string]func(testing.TB) *libvirttest.Node{
		"local": libvirttest.Local, "ssh": libvirttest.SSH, "tls": libvirttest.TLS} {
		t.Run(name, func(t *testing.T) {
			n := node(t)
			c := n.Connect()
			// Instead of a guest, the test answers at the channel's socket:
			// with mode connect, QEMU and libvirt both dial it.
			answering := filepath.Join(n.Dir, "echo.sock")
			echo(t, answering)
			d := start(t, c, strings.Replace(idle("one", answering), "mode='bind'", "mode='connect'", 1))
			for round := range 2 {
				conn, err := c.OpenChannel(within(t, time.Minute), d, "org.labmark.test.0")
				if err != nil {
					t.Fatal(err)
				}
				there(t, conn, 3<<20)
				if round == 1 {
					_ = conn.Close()
				} // else the next one takes it away
			}
			if _, err := c.OpenChannel(within(t, time.Minute), d, "org.labmark.none.0"); err == nil || errors.Is(err, vmbackend.ErrUnreachable) {
				t.Errorf("a channel that is not there: %v", err)
			}
		})
	}
}

// there sends size bytes through a stream that echoes and holds what comes
// back against them.
func there(t *testing.T, conn net.Conn, size int) {
	t.Helper()
	sent := make([]byte, size)
	_, _ = rand.Read(sent)
	go func() {
		if _, err := conn.Write(sent); err != nil {
			t.Error(err)
		}
	}()
	got := make([]byte, size)
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	if string(got) != string(sent) {
		t.Error("what came back is not what was sent")
	}
}

// echo listens at a socket, as QEMU does for a guest's channel.
func echo(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
}
