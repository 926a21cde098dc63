package attempts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// A page may look at a check again and again while its student works. Such a
// look is no attempt: it is kept only where it has won something.

// TooSoon is returned to a page that looks too often.
type TooSoon struct{ Wait time.Duration }

func (t TooSoon) Error() string { return fmt.Sprintf("ask again in %v", t.Wait) }

// ErrNotAuto is returned for a check that waits for its button.
var ErrNotAuto = errors.New("this check does not look by itself")

const (
	// leastPause is the shortest pause between two looks.
	leastPause = 2 * time.Second
	// earliness lets pages scatter their looks.
	earliness = 0.7
	// manyLooks is how many are remembered before old ones are forgotten.
	manyLooks = 4096
)

// look is one page's look at a check.
type look struct {
	at   time.Time
	busy bool
}

// Look runs a check that a page asks for by itself. Seen or Changed tell how it
// went. It returns the attempt that this would be, which is stored nowhere, or
// TooSoon, ErrNotAuto and the errors of Submit.
func (g *Grader) Look(ctx context.Context, o store.Owner, t *content.Tutorial, check, id string) (store.Attempt, error) {
	r := Request{Check: check, ID: id}
	if c := find(t, check); c != nil && (c.Auto == 0 || c.Question != nil) {
		return store.Attempt{}, ErrNotAuto
	}
	c, err := known(t, r)
	if err != nil {
		return store.Attempt{}, err
	}
	a, values, err := g.attempt(o, c, r)
	if err != nil {
		return store.Attempt{}, err
	}
	a.Auto, a.State, a.StartedAt = true, store.Running, time.Now().UTC()
	s := slot{o, check}
	if wait := g.tooSoon(s, c.Auto, a.StartedAt); wait > 0 {
		return store.Attempt{}, TooSoon{wait}
	}
	select {
	case g.room <- struct{}{}:
	default: // those who pressed a button come first
		g.looked(s)
		return store.Attempt{}, TooSoon{c.Auto}
	}
	g.work.Go(func() {
		defer g.looked(s)
		defer func() { <-g.room }()
		done, _ := g.look(a, c, values)
		if g.ctx.Err() == nil {
			g.keep(done)
		}
	})
	return a, nil
}

// tooSoon begins a look, or says how long to wait.
func (g *Grader) tooSoon(s slot, auto time.Duration, now time.Time) time.Duration {
	pause := time.Duration(float64(max(auto, leastPause)) * earliness)
	g.mu.Lock()
	defer g.mu.Unlock()
	last := g.looks[s]
	switch wait := pause - now.Sub(last.at); {
	case g.running[s] != "" || last.busy:
		return pause
	case wait > 0:
		return wait
	}
	if len(g.looks) > manyLooks {
		for other, l := range g.looks {
			if !l.busy && now.Sub(l.at) > time.Hour {
				delete(g.looks, other)
			}
		}
	}
	g.looks[s] = look{now, true}
	return 0
}

func (g *Grader) looked(s slot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.looks[s] = look{at: g.looks[s].at}
}

// keep stores what a look has won, and tells of it either way.
func (g *Grader) keep(a store.Attempt) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.ctx), connectTimeout)
	defer cancel()
	if a.Verdict == string(checks.Unsure) || a.Score == 0 {
		g.cfg.Seen(a)
		return
	}
	best, err := g.cfg.Best(ctx, a.Owner(), a.Check)
	if err == nil && best >= a.Score {
		g.cfg.Seen(a)
		return
	}
	var fresh bool
	if err == nil {
		a, fresh, err = g.cfg.Store.AddAttempt(ctx, a)
	}
	switch {
	case err != nil: // the page looks again
		g.cfg.Log.Error("can't store what a page has seen by itself", "check", a.Check, "err", err)
	case fresh:
		g.cfg.Changed(a)
	}
}
