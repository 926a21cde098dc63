// Package setup gets guests ready for their owners' work: it runs the setup
// blocks of a tutorial at the start of fresh guests and on entering a step,
// cuts and mends cables, and remembers what failed, so that nobody is blamed
// for it.
package setup

import (
	"context"
	"log/slog"
	"sync"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/vmbackend"
)

// Config is all that a Crew needs.
type Config struct {
	Store interface {
		AddSetupRun(context.Context, store.SetupRun) error
		SetupRuns(ctx context.Context, o store.Owner, output bool) ([]store.SetupRun, error)
	}
	// Tutorial returns an owner's, or nil.
	Tutorial func(store.Owner) *content.Tutorial
	// Values returns a student's variables for a tutorial.
	Values func(store.Owner) content.Values
	// Cards are those of the owner's guests, by name.
	Cards func(store.Owner) map[string][]vmbackend.Card
	// Handles are the owner's guests that are ready.
	Handles func(store.Owner) []guests.Handle
	// Tell is told how the preparation of the start (no step) or of a step goes.
	Tell func(store.Owner, themes.SetupView)
	Log  *slog.Logger
}

// Crew prepares guests. Its methods may be called from any goroutine.
type Crew struct {
	cfg Config

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu    sync.Mutex
	lanes map[store.Owner]*lane
}

// New returns a Crew.
func New(cfg Config) *Crew {
	c := &Crew{cfg: cfg, lanes: map[store.Owner]*lane{}}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c
}

// Close abandons what is under way. The next gateway begins it again.
func (c *Crew) Close() {
	c.stop()
	c.work.Wait()
}

// lane keeps the preparations of one owner's guests apart.
type lane struct {
	token chan struct{} // held while blocks are run

	mu      sync.Mutex
	step    string            // that the owner has entered last
	waiting bool              // somebody waits to prepare step
	view    *themes.SetupView // of the step that was prepared last
}

func (c *Crew) lane(o store.Owner) *lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[o]
	if l == nil {
		l = &lane{token: make(chan struct{}, 1)}
		c.lanes[o] = l
	}
	return l
}

// enter takes the lane; false if ctx ends first.
func (l *lane) enter(ctx context.Context) bool {
	select {
	case l.token <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *lane) leave() { <-l.token }

// busy says whether a guest is being prepared just now.
func (l *lane) busy() bool { return len(l.token) > 0 }

// at is the step that the owner has entered last; whoever asks prepares it.
func (l *lane) at() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = false
	return l.step
}

// Prepare runs the blocks of the start in guests that are not prepared yet, and
// then those of the step that their owner is at. It returns whether the former
// have all passed. See guests.Config.Prepare.
func (c *Crew) Prepare(ctx context.Context, o store.Owner, handles []guests.Handle) bool {
	l := c.lane(o)
	if !l.enter(ctx) {
		return false
	}
	defer l.leave()
	var fresh []guests.Handle
	for _, h := range handles {
		if !h.Prepared {
			fresh = append(fresh, h)
		}
	}
	ok := c.blocks(ctx, o, "", fresh)
	if step := l.at(); step != "" {
		c.step(ctx, o, l, step, append(handles, c.cfg.Handles(o)...))
	}
	return ok
}

// Enter prepares the guests that are ready for a step. It returns at once; Tell
// tells the rest.
func (c *Crew) Enter(o store.Owner, step string) {
	l := c.lane(o)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.step = step
	if l.waiting {
		return // whoever waits finds this step
	}
	l.waiting = true
	c.work.Go(func() {
		if !l.enter(c.ctx) {
			return
		}
		defer l.leave()
		c.step(c.ctx, o, l, l.at(), c.cfg.Handles(o))
	})
}

// step does all that entering a step asks for. The lane is held.
func (c *Crew) step(ctx context.Context, o store.Owner, l *lane, step string, handles []guests.Handle) {
	c.cables(ctx, o, step, handles)
	c.blocks(ctx, o, step, handles)
}
