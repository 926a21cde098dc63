package wire_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// within is a context for what should take no time.
func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// idle is a guest without a system that stands still: enough for libvirt.
func idle(name, socket string) string {
	return `<domain type='qemu'><name>` + name + `</name><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<controller type='usb' model='none'/><memballoon model='none'/>
<channel type='unix'><source mode='bind' path='` + socket + `'/>
<target type='virtio' name='org.labmark.test.0'/></channel></devices></domain>`
}

// startIdle starts such a guest; its channel is the socket that it returns.
func startIdle(t *testing.T, n *libvirttest.Node, c *wire.Conn, name string) (libvirt.Domain, string) {
	t.Helper()
	socket := filepath.Join(n.Dir, name+".sock")
	return start(t, c, idle(name, socket)), socket
}

func start(t *testing.T, c *wire.Conn, xml string) libvirt.Domain {
	t.Helper()
	d, err := wire.Ask(within(t, libvirttest.Patience), c, "start a guest", func(l *libvirt.Libvirt) (libvirt.Domain, error) {
		return l.DomainCreateXML(xml, libvirt.DomainStartPaused)
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func names(t *testing.T, c *wire.Conn) []string {
	t.Helper()
	domains, err := wire.Ask(within(t, libvirttest.Patience), c, "list", func(l *libvirt.Libvirt) ([]libvirt.Domain, error) {
		domains, _, err := l.ConnectListAllDomains(1, 0)
		return domains, err
	})
	if err != nil {
		t.Fatal(err)
	}
	var result []string
	for _, d := range domains {
		result = append(result, d.Name)
	}
	return result
}

// await reads events until one fits.
func await(t *testing.T, events <-chan wire.Event, what string, fits func(wire.Event) bool) {
	t.Helper()
	late := time.After(libvirttest.Patience)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the events ended before %s", what)
			}
			if fits(e) {
				return
			}
		case <-late:
			t.Fatalf("no event of %s", what)
		}
	}
}

func TestLocal(t *testing.T) {
	n := libvirttest.Local(t)
	c := n.Connect()
	events := c.Events(t.Context())
	if c.Transport() != wire.Local {
		t.Errorf("the transport is %v", c.Transport())
	}
	d, socket := startIdle(t, n, c, "one")
	await(t, events, "the guest's start", func(e wire.Event) bool {
		return e.Domain.Name == "one" && e.Kind == int(libvirt.DomainEventStarted)
	})
	conn, err := c.DialSocket(within(t, time.Minute), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if len(n.Guests()) != 1 {
		t.Errorf("processes of guests: %v, want one", n.Guests())
	}

	n.KillLibvirtd()
	await(t, events, "the loss of libvirtd", func(e wire.Event) bool { return e.Link && !e.Up })
	await(t, events, "its return", func(e wire.Event) bool { return e.Link && e.Up })
	if got := names(t, c); len(got) != 1 || got[0] != "one" {
		t.Errorf("after libvirtd's death there are the guests %v, want one", got)
	}
	if err := stillOpen(conn); err != nil {
		t.Errorf("the stream to the guest did not outlive libvirtd: %v", err)
	}
	if err := c.Call(within(t, time.Minute), "destroy", func(l *libvirt.Libvirt) error { return l.DomainDestroy(d) }); err != nil {
		t.Error(err)
	}
	await(t, events, "the guest's end", func(e wire.Event) bool {
		return e.Domain.Name == "one" && e.Kind == int(libvirt.DomainEventStopped)
	})
}

// stillOpen says whether a stream that has nothing to read is open all the same.
func stillOpen(conn net.Conn) error {
	read := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}()
	select {
	case err := <-read:
		return errors.Join(errors.New("it ended or said something"), err)
	case <-time.After(300 * time.Millisecond):
		return nil
	}
}

func itoa(n int) string { return strconv.Itoa(n) }

func TestHungDaemonHoldsNobody(t *testing.T) {
	n := libvirttest.Local(t)
	c := n.Connect()
	n.Stop()
	begun := time.Now()
	err := c.Call(within(t, time.Second), "list the guests", func(l *libvirt.Libvirt) error {
		_, _, err := l.ConnectListAllDomains(1, 0)
		return err
	})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "list the guests") {
		t.Errorf("a call to a libvirtd that hangs: %v", err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %v instead of a second", took)
	}
	n.Resume()
	names(t, c)
}

func TestNobodyThere(t *testing.T) {
	n := libvirttest.Local(t)
	c := n.Connect()
	if err := n.Daemon.Stop(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	libvirttest.Until(t, "the connection is lost", func() bool { return !c.Up() })
	err := c.Call(within(t, 100*time.Millisecond), "look", func(*libvirt.Libvirt) error {
		t.Error("called without a connection")
		return nil
	})
	if !errors.Is(err, vmbackend.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

func TestCommandHere(t *testing.T) {
	n := libvirttest.Local(t)
	testCommand(t, n, n.Connect())
}

// testCommand holds wherever commands run.
func testCommand(t *testing.T, n *libvirttest.Node, c *wire.Conn) {
	t.Helper()
	file := filepath.Join(n.Dir, "it's $HOME")
	out, err := c.Command(within(t, time.Minute), strings.NewReader("in"), `cat > "$1"; echo "$2"; stat -c %u "$1"`, file, "a  b")
	if want := "a  b\n" + itoa(n.Daemon.Uid()) + "\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
	if _, err = c.Command(within(t, time.Minute), nil, "echo why >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("a script that fails gives %v", err)
	}
	begun := time.Now()
	if _, err = c.Command(within(t, 500*time.Millisecond), nil, "sleep 600"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > time.Minute {
		t.Errorf("a script without end gives %v after %v", err, time.Since(begun))
	}
	if _, err = c.Command(within(t, time.Minute), nil, "head -c 9000000 /dev/zero"); err == nil {
		t.Error("nine megabytes of output were taken")
	}
}
