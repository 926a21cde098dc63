package libvirt

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

func find(all []vmbackend.Finding, subject string) vmbackend.Finding {
	for _, f := range all {
		if f.Subject == subject {
			return f
		}
	}
	return vmbackend.Finding{}
}

func TestHostAndExamine(t *testing.T) {
	n := libvirttest.Local(t)
	b := open(t, n, "p")
	h, err := b.Host(within(t))
	for begun := time.Now(); err != nil && time.Since(begun) < patience; { // QEMU is asked what it can do first
		h, err = b.Host(within(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	if h.CPUs < 1 || h.Memory < 1<<28 || h.MemoryFree <= 0 || h.MemoryFree > h.Memory || h.DiskFree <= 0 || h.Busy < 0 || h.Busy > 1 {
		t.Errorf("implausible: %+v", h)
	}
	_, noKVM := os.Stat("/dev/kvm")
	if h.KVM && noKVM != nil {
		t.Error("Host tells of KVM where there is none")
	}
	all := b.Examine(within(t))
	for _, f := range all {
		t.Logf("%s: %s: %s [%s]", f.Subject, f.Level, f.Text, f.Mend)
		if f.Level == vmbackend.Bad {
			t.Errorf("%s is bad on a node that runs guests", f.Subject)
		}
		if f.Level != vmbackend.Good && f.Mend == "" {
			t.Errorf("%s has no mend", f.Subject)
		}
	}
	if noKVM != nil && find(all, "KVM").Level != vmbackend.Fair {
		t.Errorf("without /dev/kvm Examine says %+v", find(all, "KVM"))
	}
	if got := find(all, "architectures").Text; !strings.Contains(got, "x86_64") {
		t.Errorf("architectures: %s", got)
	}
}

func TestExamineFindsWhatIsMissing(t *testing.T) {
	n := libvirttest.Local(t)
	if err := os.WriteFile(n.Dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, n, "file/below")
	if f := find(b.Examine(within(t)), "pool"); f.Level != vmbackend.Bad || !strings.Contains(f.Text, "file/below") {
		t.Errorf("with a pool that can't be made Examine says %+v", f)
	}
	gone := *n
	gone.Endpoint.URI = "qemu:///session?socket=" + n.Dir + "/no-socket"
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if f := find(open(t, &gone, "p").Examine(ctx), "connection"); f.Level != vmbackend.Bad || f.Mend == "" {
		t.Errorf("without libvirtd Examine says %+v", f)
	}
}
