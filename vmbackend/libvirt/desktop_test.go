package libvirt

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/domain"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

func TestDesktop(t *testing.T) {
	n := libvirttest.Local(t)
	b := open(t, n, "p", func(c *Config) { c.NoTemplates = true })
	k := newKeys(t, "screen")
	k.spec.Desktop = true
	if err := b.Create(within(t), k.spec); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DialDesktop(within(t), "screen"); !errors.Is(err, vmbackend.ErrWrongState) {
		t.Errorf("the screen of a guest that does not run: %v, want %v", err, vmbackend.ErrWrongState)
	}
	if err := b.Start(within(t), "screen"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // any number may be open
		conn, err := b.DialDesktop(within(t), "screen")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		banner := make([]byte, 12)
		if _, err := io.ReadFull(conn, banner); err != nil || string(banner) != "RFB 003.008\n" {
			t.Fatalf("the screen says %q, error %v", banner, err)
		}
	}
	plain := newKeys(t, "plain")
	if err := b.Create(within(t), plain.spec); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DialDesktop(within(t), "plain"); !errors.Is(err, vmbackend.ErrNotOffered) {
		t.Errorf("the screen of a guest without one: %v, want %v", err, vmbackend.ErrNotOffered)
	}
	if _, err := b.DialDesktop(within(t), "nobody"); !errors.Is(err, vmbackend.ErrNoGuest) {
		t.Errorf("the screen of no guest: %v, want %v", err, vmbackend.ErrNoGuest)
	}
}

// libvirt takes the descriptions of all kinds of guests that it has a QEMU for.
func TestForeignDescriptions(t *testing.T) {
	n := libvirttest.Local(t)
	b := open(t, n, "p")
	facts, err := b.facts(within(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"x86_64", "aarch64", "s390x"} {
		for _, desktop := range []bool{false, true} {
			if err := facts.offers(arch); err != nil {
				t.Log(err)
				continue
			}
			d := domain.Description{
				Name: "try", Arch: arch, Memory: guestMemory, Kernel: "/k", Initrd: "/i", Disk: "/d", Seed: "/s.iso",
				Port: "org.labmark.agent.0", MAC: guestMAC, Desktop: desktop, Note: "{}",
			}
			text, err := d.XML()
			if err != nil {
				t.Fatal(err)
			}
			err = b.conn.Call(within(t), "try", func(l *libvirt.Libvirt) error {
				dom, err := l.DomainDefineXML(text)
				if err == nil {
					err = l.DomainUndefineFlags(dom, undefineAll)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s, desktop %v: %v", arch, desktop, err)
			}
		}
	}
	err = facts.offers("vax")
	if !errors.Is(err, vmbackend.ErrNotOffered) {
		t.Errorf("architecture vax: %v, want %v", err, vmbackend.ErrNotOffered)
	}
}
