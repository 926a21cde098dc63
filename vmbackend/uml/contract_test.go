package uml

import (
	"log/slog"
	"os"
	"testing"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/vmbackendtest"
)

func TestContract(t *testing.T) {
	open := func(maxGuests int) func(*testing.T, string) vmbackend.Backend {
		return func(t *testing.T, dir string) vmbackend.Backend {
			b, err := New(Config{
				Dir: dir, Images: testStore(t), Kernel: os.Getenv("LABMARK_TEST_KERNEL"), MaxGuests: maxGuests,
				Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	vmbackendtest.Run(t, vmbackendtest.Options{
		New: open(0), Full: open(1), Image: testImage(t, "tiny").Digest, Patience: patience, Wired: true, Suspends: true,
	})
}
