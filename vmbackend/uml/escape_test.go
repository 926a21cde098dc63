package uml

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/vmbackendtest"
)

// TestEscape makes the attempts that are made on every backend.
func TestEscape(t *testing.T) {
	var backend *Backend
	vmbackendtest.Escape(t, vmbackendtest.EscapeOptions{
		Options: vmbackendtest.Options{
			New: func(t *testing.T, dir string) vmbackend.Backend {
				var err error
				if backend, err = New(Config{Dir: dir, Images: testStore(t), Kernel: os.Getenv("LABMARK_TEST_KERNEL")}); err != nil {
					t.Fatal(err)
				}
				return backend
			},
			Image: testImage(t, "tiny").Digest, Patience: patience,
		},
		Answers: []string{"arp 10.0.2.1", "icmp 10.0.2.1"},
		Line:    "/dev/ttyS0",
		Machine: func(t *testing.T, id string) int {
			g, err := backend.handle(id)
			if err == nil {
				err = backend.glance(t.Context(), g)
			}
			if err != nil {
				t.Fatal(err)
			}
			return g.now().Pid
		},
		Words: []string{"initrd=" + jailedInitrd},
	})
}

// TestEscapeByCards: a network of guests leads to its guests and nowhere else.
func TestEscapeByCards(t *testing.T) {
	vmbackendtest.Escape(t, vmbackendtest.EscapeOptions{
		Options: vmbackendtest.Options{
			New: func(t *testing.T, dir string) vmbackend.Backend {
				b, err := New(Config{Dir: dir, Images: testStore(t), Kernel: os.Getenv("LABMARK_TEST_KERNEL")})
				if err != nil {
					t.Fatal(err)
				}
				return b
			},
			Image: testImage(t, "tiny").Digest, Patience: patience,
		},
		Cards: true,
	})
}

// TestNetworksEndWithTheirGuests: nothing is left of them on disk, whatever
// ended the guests, the backend or a supervisor.
func TestNetworksEndWithTheirGuests(t *testing.T) {
	dir := t.TempDir()
	b := newBackend(t, dir)
	sockets := func() []string {
		t.Helper()
		list, err := filepath.Glob(filepath.Join(networksOf(dir), "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for i, id := range []string{"one", "two"} {
		k := newKeys(t, id, "tiny")
		k.spec.Cards = []vmbackend.Card{{Network: "lab", Name: "lan", MAC: fmt.Sprintf("02:4c:00:00:00:%02x", i)}}
		if err := errors.Join(b.Create(t.Context(), k.spec), b.Start(t.Context(), id)); err != nil {
			t.Fatal(err)
		}
	}
	if got := sockets(); len(got) != 2 {
		t.Errorf("two guests that run have the sockets %v", got)
	}
	g, err := b.handle("one")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(g.now().Shim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the guest of a killed supervisor has stopped", func() bool { return state(t, b, "one") == vmbackend.Stopped })
	if err := b.Start(t.Context(), "one"); err != nil {
		t.Errorf("start after the supervisor was killed: %v", err)
	}
	if err := errors.Join(b.Destroy(t.Context(), "one"), b.Destroy(t.Context(), "two")); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(networksOf(dir)); err != nil || len(left) != 0 {
		t.Errorf("after the last guest %v is left of its networks, %v", left, err)
	}
	// What a crash between two steps of Destroy leaves, the next backend sweeps.
	stale := filepath.Join(networksOf(dir), "lab", "gone")
	if err := errors.Join(os.Mkdir(filepath.Dir(stale), 0o700), os.WriteFile(stale, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	newBackend(t, dir)
	if left, err := os.ReadDir(networksOf(dir)); err != nil || len(left) != 0 {
		t.Errorf("the next backend leaves %v, %v", left, err)
	}
}

// TestNoWayOutOfTheGuest tries, as root in a guest, what would reach the host
// if the jail were not there.
func TestNoWayOutOfTheGuest(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("labmark host secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	b := newBackend(t, t.TempDir())
	k := started(t, b, "prison")
	k.run(t, b, "mkdir -p /mnt/h")

	t.Run("hostfs", func(t *testing.T) {
		out, err := k.try(t, b, "mount -t hostfs none /mnt/h && find /mnt/h -xdev -type f -o -xdev -type d | sort")
		if err != nil {
			t.Logf("this kernel has no hostfs at all: %s", out)
			return
		}
		for path := range strings.Lines(out) {
			path = strings.TrimPrefix(strings.TrimSpace(path), "/mnt/h")
			if !allowedInJail(path) {
				t.Errorf("the guest sees %q of the host", path)
			}
		}
		if out, err := k.try(t, b, "cat /mnt/h"+secret); err == nil {
			t.Errorf("the guest read a file of the host: %s", out)
		}
		// The device numbers of the host's disk and of its memory.
		for _, device := range []string{"b 254 0", "b 8 0", "c 1 1"} {
			if out, err := k.try(t, b, "mknod /mnt/h/tmp/dev "+device); err == nil {
				t.Errorf("the guest made a device node on the host: %s", out)
			}
		}
		for _, write := range []string{"echo x > /mnt/h/file", "echo x >> /mnt/h/boot/linux", "echo x >> /mnt/h/disk/base", "echo x > /mnt/h/dev/file"} {
			if out, err := k.try(t, b, write); err == nil {
				t.Errorf("the guest could %s: %s", write, out)
			}
		}
	})
	t.Run("another disk", func(t *testing.T) {
		// Its own disk is the only one, and no console is there to add more.
		if out := k.run(t, b, "cat /proc/partitions"); strings.Count(out, "ubd") != 1 {
			t.Errorf("the guest has these disks:\n%s", out)
		}
		if out, err := k.try(t, b, "mknod /tmp/ubdb b 98 16 && head -c 1 /tmp/ubdb"); err == nil {
			t.Errorf("the guest has a second disk: %q", out)
		}
		if out, err := k.try(t, b, "test -e /proc/mconsole && echo 'config ubdb=/etc/passwd' > /proc/mconsole && head -c 1 /tmp/ubdb"); err == nil {
			t.Errorf("the management console gave the guest a disk: %q", out)
		}
	})
	if got := k.run(t, b, "hostname"); got != "prison" {
		t.Errorf("after all that the guest said %q", got)
	}
	if content, err := os.ReadFile(secret); err != nil || string(content) != "labmark host secret" {
		t.Errorf("the host's file holds %q, %v", content, err)
	}
}

func allowedInJail(path string) bool {
	for _, prefix := range []string{"/boot", "/disk", "/dev", "/lib", "/lib64", "/usr/lib", "/tmp"} {
		if path == prefix || strings.HasPrefix(path, prefix+"/") {
			return true
		}
	}
	return path == "" || path == "/usr"
}
