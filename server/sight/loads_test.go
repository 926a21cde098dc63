package sight

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

func TestShareOfAProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		used := 10 * time.Second
		var asked atomic.Int64 // guests are asked side by side
		l := &Loads{Stats: func(_ context.Context, id string) (vmbackend.Stats, error) {
			asked.Add(1)
			if id == "gone" {
				return vmbackend.Stats{}, errors.New("gone")
			}
			return vmbackend.Stats{CPU: used, Memory: 1 << 20}, nil
		}}
		look := func() Load { return l.Of(t.Context(), []string{"g-1", "gone"})["g-1"] }
		if first := look(); first.Busy >= 0 || first.Memory != 1<<20 {
			t.Errorf("at the first look: %+v", first)
		}
		time.Sleep(10 * time.Second)
		used += 5 * time.Second
		if second := look(); second.Busy != 0.5 {
			t.Errorf("5 s of 10 s are a share of %v", second.Busy)
		}
		if look(); asked.Load() != 4 {
			t.Errorf("guests were asked %d times, want 4: who looks again at once sees the same", asked.Load())
		}
		time.Sleep(10 * time.Second)
		used = time.Second // it was started anew
		if again := look(); again.Busy >= 0 {
			t.Errorf("after a new start: %v", again.Busy)
		}
		if _, there := l.Of(t.Context(), nil)["gone"]; there {
			t.Error("a guest that does not answer has a load")
		}
	})
}
