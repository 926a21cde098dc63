package guests

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// forgetful is a backend whose nodes come and go: what was prepared may be
// gone, and the first attempt fails.
type forgetful struct {
	vmbackend.Backend
	asked []vmbackend.Shape
}

func (f *forgetful) Prepare(_ context.Context, s vmbackend.Shape) error {
	f.asked = append(f.asked, s)
	if len(f.asked) == 1 {
		return errors.New("no node is up yet")
	}
	return nil
}

func TestNodesAreGotReadyAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &forgetful{}
		desktop := Kind{Image: kind.Image, Memory: 1 << 30, Desktop: true}
		m := New(Config{Backend: f, Pool: map[Kind]int{desktop: 0}, Log: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
		defer cancel()
		m.prepare(ctx)
		want := vmbackend.Shape{Image: kind.Image, Memory: 1 << 30, Desktop: true}
		if len(f.asked) != 3 || f.asked[2] != want {
			t.Errorf("in 150 s nodes were asked for %+v", f.asked)
		}
	})
}
