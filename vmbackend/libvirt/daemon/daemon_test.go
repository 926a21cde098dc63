package daemon_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend/libvirt/daemon"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// options are those of the daemon that a test node has.
func options(n *libvirttest.Node) daemon.Options {
	socket := n.Daemon.Socket()
	return daemon.Options{Dir: strings.TrimSuffix(socket, "/r/libvirt/libvirt-sock"), Log: slog.New(slog.DiscardHandler)}
}

// startGuest starts a guest that stands still and returns its process.
func startGuest(t *testing.T, n *libvirttest.Node, c *wire.Conn) int {
	t.Helper()
	err := c.Call(t.Context(), "start", func(l *libvirt.Libvirt) error {
		_, err := l.DomainCreateXML(`<domain type='qemu'><name>one</name><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os><devices><controller type='usb' model='none'/></devices></domain>`, libvirt.DomainStartPaused)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	guests := n.Guests()
	if len(guests) != 1 {
		t.Fatalf("the guests' processes are %v, want one", guests)
	}
	return guests[0]
}

// kill ends a process as a crash would, and returns when it is gone.
func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	libvirttest.Until(t, "the process is gone", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func TestLivingDaemonIsTakenOver(t *testing.T) {
	n := libvirttest.Local(t)
	before := n.Daemon.Pid()
	second, err := daemon.Start(t.Context(), options(n))
	if err != nil {
		t.Fatal(err)
	}
	if second.Pid() != before || before == 0 {
		t.Errorf("the daemon was process %d and is %d", before, second.Pid())
	}
}

func TestGuestsOutliveSettingsAndStop(t *testing.T) {
	n := libvirttest.Local(t)
	c := n.Connect()
	guest := startGuest(t, n, c)
	before := n.Daemon.Pid()
	o := options(n)
	ca := libvirttest.NewCA(t)
	cert, key := ca.Sign(t, "node", "127.0.0.1")
	o.Listen = &daemon.TLS{Address: "127.0.0.1", Port: freePort(t), CA: ca.PEM, Cert: cert, Key: key}
	changed, err := daemon.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if changed.Pid() == before {
		t.Error("libvirtd runs on with its old settings")
	}
	libvirttest.Until(t, "the node is connected anew", c.Up)
	if err := changed.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if changed.Pid() != 0 || changed.KeeperPid() != 0 {
		t.Error("libvirtd or its keeper runs after Stop")
	}
	if got := n.Guests(); len(got) != 1 || got[0] != guest {
		t.Errorf("after Stop the guests' processes are %v, want %d", got, guest)
	}
}

func TestKilledDaemonComesBack(t *testing.T) {
	n := libvirttest.Local(t)
	go n.Daemon.Keep(t.Context())
	before := n.Daemon.Pid()
	begun := time.Now()
	kill(t, before)
	back := func() bool { pid := n.Daemon.Pid(); return pid != 0 && pid != before }
	libvirttest.Until(t, "libvirtd is back", back)
	t.Logf("libvirtd was back after %v", time.Since(begun))

	before = n.Daemon.Pid()
	keeper := n.Daemon.KeeperPid()
	kill(t, keeper)
	kill(t, before)
	libvirttest.Until(t, "libvirtd is back without its keeper", back)
	libvirttest.Until(t, "there is a new keeper", func() bool { pid := n.Daemon.KeeperPid(); return pid != 0 && pid != keeper })
}

// TestDestroyDoesNotWaitForInit: the process of a guest must be reaped at once,
// whatever init does; libvirt waits for it.
func TestDestroyDoesNotWaitForInit(t *testing.T) {
	n := libvirttest.Local(t)
	c := n.Connect()
	guest := startGuest(t, n, c)
	begun := time.Now()
	err := c.Call(t.Context(), "destroy", func(l *libvirt.Libvirt) error {
		d, err := l.DomainLookupByName("one")
		if err != nil {
			return err
		}
		return l.DomainDestroy(d)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("destroyed in %v", time.Since(begun))
	if _, err := os.Stat("/proc/" + strconv.Itoa(guest)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the guest's process is still there, perhaps as a zombie: %v", err)
	}
}

func TestWhatKeepsItFromStarting(t *testing.T) {
	short, err := os.MkdirTemp("/tmp", "lmv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	if err := os.Chmod(short, 0o700); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		o    daemon.Options
		says string
	}{
		"long folder":    {daemon.Options{Dir: "/tmp/" + strings.Repeat("long", 10)}, "at most 40 bytes"},
		"relative":       {daemon.Options{Dir: "guests"}, "absolute"},
		"no such user":   {daemon.Options{Dir: filepath.Join(short, "a"), User: "nobody-of-this-name"}, "useradd --system"},
		"root":           {daemon.Options{Dir: filepath.Join(short, "b"), User: "root"}, "not run as root"},
		"closed folders": {daemon.Options{Dir: filepath.Join(short, "c", "d")}, "can't reach the folder"},
	}
	for name, c := range cases {
		if name == "closed folders" && os.Geteuid() != 0 {
			t.Log("closed folders: not tried, only root runs libvirtd as another user")
			continue
		}
		c.o.Log = slog.New(slog.DiscardHandler)
		d, err := daemon.Start(t.Context(), c.o)
		if err == nil {
			_ = d.Stop(t.Context())
			t.Errorf("%s: it started", name)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error %q does not say %q", name, err, c.says)
		}
	}
}

// A setting that libvirtd refuses is told with its own words.
func TestRefusedCertificateIsTold(t *testing.T) {
	n := libvirttest.Local(t)
	o := options(n)
	if err := n.Daemon.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.Listen = &daemon.TLS{Address: "127.0.0.1", Port: freePort(t), CA: []byte("x"), Cert: []byte("y"), Key: []byte("z")}
	d, err := daemon.Start(t.Context(), o)
	if err == nil {
		_ = d.Stop(t.Context())
		t.Fatal("it started without certificates")
	}
	if !strings.Contains(err.Error(), "cert.pem") {
		t.Errorf("the error does not name the file: %v", err)
	}
}
