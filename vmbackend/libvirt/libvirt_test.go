package libvirt

import (
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

func TestBootThenClone(t *testing.T) {
	n := libvirttest.Local(t)
	b := open(t, n, "p")
	begun := time.Now()
	first := started(t, b, "first")
	t.Logf("boot: %s", time.Since(begun))
	if got := first.run(t, b, "hostname; id -un"); got != "first\nroot" {
		t.Errorf("the guest says %q", got)
	}
	begun = time.Now()
	if err := b.Prepare(within(t), vmbackend.Shape{Image: first.spec.Image}); err != nil {
		t.Fatal(err)
	}
	t.Logf("template: %s", time.Since(begun))
	for range 3 {
		begun = time.Now()
		second := started(t, b, "second")
		t.Logf("clone: %s", time.Since(begun))
		if got := second.run(t, b, "hostname; uptime"); got != "second\nroot" {
			t.Logf("the guest says %q", got)
		}
		t.Logf("to first command: %s", time.Since(begun))
		begun = time.Now()
		if err := b.Destroy(within(t), "second"); err != nil {
			t.Fatal(err)
		}
		t.Logf("destroy: %s", time.Since(begun))
	}
}
