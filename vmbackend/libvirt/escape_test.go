package libvirt

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
	"github.com/labmark/labmark/vmbackend/vmbackendtest"
)

// TestEscape makes the attempts that are made on every backend, on clones of
// one saved machine.
func TestEscape(t *testing.T) {
	n := libvirttest.Local(t)
	shape := vmbackend.Shape{Image: testImage(t).Digest, Memory: guestMemory}
	vmbackendtest.Escape(t, vmbackendtest.EscapeOptions{
		Options: vmbackendtest.Options{
			New: func(t *testing.T, _ string) vmbackend.Backend {
				b := open(t, n, "p")
				if err := b.Prepare(within(t), shape); err != nil {
					t.Fatal(err)
				}
				return b
			},
			Image: shape.Image, Memory: shape.Memory, Patience: patience,
		},
		Line:  "$(ls /dev/vport*)",
		Ports: []string{"org.labmark.agent.0"},
		Machine: func(t *testing.T, id string) int {
			for _, pid := range n.Guests() {
				line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				if err == nil && strings.Contains(string(line), id) {
					return pid
				}
			}
			t.Fatalf("no QEMU of %s is among %v", id, n.Guests())
			return 0
		},
		Words: []string{"-sandbox on", "elevateprivileges=deny", "spawn=deny"},
	})
}
