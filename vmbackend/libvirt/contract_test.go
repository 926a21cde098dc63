package libvirt

import (
	"testing"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
	"github.com/labmark/labmark/vmbackend/vmbackendtest"
)

// TestContract runs all tests over one pool, so that image and template are
// brought there only once: the suite destroys what it makes.
func TestContract(t *testing.T) {
	n := libvirttest.Local(t)
	open := func(maxGuests int) func(*testing.T, string) vmbackend.Backend {
		return func(t *testing.T, _ string) vmbackend.Backend {
			return openOnly(t, n, "p", func(c *Config) { c.MaxGuests = maxGuests })
		}
	}
	image := testImage(t).Digest
	first := open(0)(t, "")
	if err := first.(vmbackend.Preparer).Prepare(within(t), vmbackend.Shape{Image: image, Memory: guestMemory}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	vmbackendtest.Run(t, vmbackendtest.Options{
		New: open(0), Full: open(1), Image: image, Memory: guestMemory, Patience: patience, Suspends: true, Snapshots: true,
	})
}
