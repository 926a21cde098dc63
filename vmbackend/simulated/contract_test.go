package simulated_test

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
	"github.com/labmark/labmark/vmbackend/vmbackendtest"
)

var image = "sha256:" + strings.Repeat("1", 64)

func TestContract(t *testing.T) {
	defer goleak.VerifyNone(t)
	opener := func(limit int) func(*testing.T, string) vmbackend.Backend {
		return func(t *testing.T, dir string) vmbackend.Backend {
			b, err := simulated.New(simulated.Options{Dir: dir, Max: limit, HasImage: func(d string) bool { return d == image }})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	vmbackendtest.Run(t, vmbackendtest.Options{
		New: opener(0), Full: opener(1), Image: image, Suspends: true,
		Patience: 30 * time.Second, Guests: 50, Streams: 30,
	})
}
