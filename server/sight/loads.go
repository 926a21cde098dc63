package sight

import (
	"context"
	"sync"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// Load is what one guest uses.
type Load struct {
	vmbackend.Stats
	// Busy is the share of one processor that it used between the last two
	// looks; negative before there were two.
	Busy float64
	at   time.Time
}

// Loads measures guests when somebody looks, at a gentle pace.
type Loads struct {
	// Stats measures one.
	Stats func(ctx context.Context, id string) (vmbackend.Stats, error)

	mu   sync.Mutex
	last map[string]Load
	at   time.Time
}

const (
	loadsFresh    = 3 * time.Second // how old a measurement may be
	loadsWithin   = 4 * time.Second // for all guests together
	loadsParallel = 8
)

// Of measures guests. Those that don't answer in time are missing.
func (l *Loads) Of(ctx context.Context, ids []string) map[string]Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) < loadsFresh {
		return l.last
	}
	ctx, cancel := context.WithTimeout(ctx, loadsWithin)
	defer cancel()
	var each sync.WaitGroup
	var mu sync.Mutex
	now := map[string]Load{}
	turns := make(chan struct{}, loadsParallel)
	for _, id := range ids {
		turns <- struct{}{}
		each.Go(func() {
			defer func() { <-turns }()
			s, err := l.Stats(ctx, id)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			now[id] = l.last[id].next(s, time.Now())
		})
	}
	each.Wait()
	l.last, l.at = now, time.Now()
	return now
}

// next is the load after a new measurement.
func (l Load) next(s vmbackend.Stats, at time.Time) Load {
	n := Load{Stats: s, Busy: -1, at: at}
	// A guest that was started anew has used less than before.
	if passed := at.Sub(l.at); !l.at.IsZero() && passed > 0 && s.CPU >= l.CPU {
		n.Busy = float64(s.CPU-l.CPU) / float64(passed)
	}
	return n
}
