package nodes

import (
	"testing"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/vmbackendtest"
)

// whole closes its nodes with the cluster, as the suite expects of a backend.
type whole struct{ *bench }

func (w whole) Close() error {
	w.close()
	return nil
}

// TestContract: three nodes keep the contract as one does.
func TestContract(t *testing.T) {
	open := func(table ...Node) func(*testing.T, string) vmbackend.Backend {
		return func(t *testing.T, dir string) vmbackend.Backend { return whole{openBench(t, dir, table...)} }
	}
	one := up("a")
	one.Capacity = 1
	vmbackendtest.Run(t, vmbackendtest.Options{
		New: open(up("a"), up("b"), up("c")), Full: open(one), Image: someImage, Suspends: true,
	})
}
