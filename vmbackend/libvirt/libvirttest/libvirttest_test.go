package libvirttest

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

func TestNodesOfAllKinds(t *testing.T) {
	nodes := Three(t)
	for _, n := range append(nodes[:], System(t)) {
		c := n.Connect()
		version, err := wire.Ask(t.Context(), c, "ask the version", func(l *libvirt.Libvirt) (uint64, error) {
			return l.ConnectGetLibVersion()
		})
		if err != nil || version < 1e6 {
			t.Errorf("%s: version %d, %v", n.Endpoint.URI, version, err)
		}
	}
}

func TestSystemLimitsItsGuests(t *testing.T) {
	n := System(t)
	c := n.Connect()
	ask := func(what string, f func(l *libvirt.Libvirt) error) {
		t.Helper()
		if err := c.Call(t.Context(), what, f); err != nil {
			t.Fatal(err)
		}
	}
	ask("start", func(l *libvirt.Libvirt) error {
		_, err := l.DomainCreateXML(`<domain type='qemu'><name>one</name><memory unit='MiB'>16</memory>
<os><type arch='x86_64' machine='pc'>hvm</type></os><cputune><shares>512</shares></cputune>
<devices><controller type='usb' model='none'/><channel type='unix'><source mode='bind' path='`+n.Dir+`/one.sock'/>
<target type='virtio' name='a'/></channel></devices></domain>`, libvirt.DomainStartPaused)
		return err
	})
	guests := n.Guests()
	if len(guests) != 1 {
		t.Fatalf("guests %v, want one", guests)
	}
	if cgroup := read(t, "/proc/"+strconv.Itoa(guests[0])+"/cgroup"); !strings.Contains(cgroup, "/machine/qemu-") {
		t.Errorf("the guest is in no cgroup of its own:\n%s", cgroup)
	}
	n.KillLibvirtd()
	Until(t, "libvirtd is lost", func() bool { return !c.Up() })
	Until(t, "libvirtd is back", c.Up)
	ask("destroy", func(l *libvirt.Libvirt) error {
		d, err := l.DomainLookupByName("one")
		if err != nil {
			return err
		}
		// libvirt may notice the end of the process before it answers.
		if err := l.DomainDestroy(d); !libvirt.IsNotFound(err) {
			return err
		}
		return nil
	})
	if left := n.Guests(); len(left) != 0 {
		t.Errorf("the guest's process %v is left", left)
	}
}

// TestKilledTestLeavesNothing runs a test of this program that makes a node and
// hangs, and kills it.
func TestKilledTestLeavesNothing(t *testing.T) {
	if os.Getenv("LABMARK_HANG") != "" {
		n := SSH(t)
		_ = os.WriteFile(os.Getenv("LABMARK_HANG"), []byte(n.root+" "+n.ns.path()), 0o600)
		select {}
	}
	said := t.TempDir() + "/said"
	cmd := exec.Command("/proc/self/exe", "-test.run", "^TestKilledTestLeavesNothing$")
	cmd.Env = append(os.Environ(), "LABMARK_HANG="+said)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	var made []string
	Until(t, "the other test has its node", func() bool {
		select {
		case <-ended:
			return true
		default:
		}
		content, _ := os.ReadFile(said)
		made = strings.Fields(string(content))
		return len(made) == 2
	})
	if len(made) != 2 {
		t.Skip("skipped: the other test could not make a node, as only root can")
	}
	_ = cmd.Process.Kill()
	<-ended
	begun := time.Now()
	for _, path := range made {
		Until(t, path+" is gone", func() bool {
			_, err := os.Stat(path)
			return os.IsNotExist(err)
		})
	}
	if left := processes(made[0]); len(left) != 0 {
		t.Errorf("processes %v are left", left)
	}
	t.Logf("all gone after %v", time.Since(begun))
}
