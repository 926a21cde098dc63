package uml

import (
	"strings"
	"testing"

	"github.com/labmark/labmark/vmbackend"
)

func TestGuestLifeFromCreateToDestroy(t *testing.T) {
	b := newBackend(t, t.TempDir())
	k := created(t, b, "life")
	if got := state(t, b, "life"); got != vmbackend.Created {
		t.Errorf("after Create the guest is %s", got)
	}
	if err := b.Start(t.Context(), "life"); err != nil {
		t.Fatal(err)
	}
	if got := state(t, b, "life"); got != vmbackend.Running {
		t.Errorf("after Start the guest is %s", got)
	}
	if got := k.run(t, b, "hostname; id -un"); got != "life\nroot" {
		t.Errorf("the guest said %q", got)
	}
	k.run(t, b, "echo kept > /root/file && sync")
	if err := b.Stop(t.Context(), "life"); err != nil {
		t.Fatal(err)
	}
	if got := state(t, b, "life"); got != vmbackend.Stopped {
		t.Errorf("after Stop the guest is %s", got)
	}
	if err := b.Start(t.Context(), "life"); err != nil {
		t.Fatal(err)
	}
	if got := k.run(t, b, "cat /root/file"); got != "kept" {
		t.Errorf("after Stop and Start the disk holds %q", got)
	}
	stats, err := b.Stats(t.Context(), "life")
	if err != nil {
		t.Fatal(err)
	}
	if stats.Memory < 1<<20 || stats.CPU <= 0 || stats.Disk < 4096 {
		t.Errorf("implausible statistics: %+v", stats)
	}
	t.Logf("statistics: CPU %v, memory %.1f MB, disk %d KB", stats.CPU, float64(stats.Memory)/1e6, stats.Disk/1000)
	if err := b.Destroy(t.Context(), "life"); err != nil {
		t.Fatal(err)
	}
	if got := state(t, b, "life"); !strings.HasPrefix(string(got), "no guest") {
		t.Errorf("after Destroy the guest is %s", got)
	}
}
