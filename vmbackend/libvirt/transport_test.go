package libvirt

import (
	"os"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

// Guests on other machines are booted, cloned, rewound and entered as here.
func TestTransports(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make nodes in network namespaces")
	}
	for name, node := range map[string]func(testing.TB) *libvirttest.Node{
		"SSH": libvirttest.SSH, "TLS": libvirttest.TLS, "System": libvirttest.System,
	} {
		t.Run(name, func(t *testing.T) {
			b := prepared(t, node(t), "p")
			begun := time.Now()
			k := started(t, b, "remote")
			t.Logf("cloned in %s", time.Since(begun))
			if !isClone(t, b, "remote") {
				t.Error("the guest is no clone")
			}
			if got := k.run(t, b, "hostname; echo one >/root/n; sync"); got != "remote" {
				t.Errorf("the guest calls itself %q", got)
			}
			if err := b.Snapshot(within(t), "remote", "s"); err != nil {
				t.Fatal(err)
			}
			k.run(t, b, "echo two >/root/n; sync")
			if err := b.Rewind(within(t), "remote", "s"); err != nil {
				t.Fatal(err)
			}
			if got := k.run(t, b, "cat /root/n"); got != "one" {
				t.Errorf("after Rewind the file holds %q", got)
			}
			for _, f := range b.Examine(within(t)) {
				t.Logf("%s: %s: %s", f.Subject, f.Level, f.Text)
				if f.Level == vmbackend.Bad {
					t.Errorf("%s is bad on a node that runs guests", f.Subject)
				}
			}
			if _, err := b.Host(within(t)); err != nil {
				t.Error(err)
			}
			if err := b.Destroy(within(t), "remote"); err != nil {
				t.Fatal(err)
			}
		})
	}
}
