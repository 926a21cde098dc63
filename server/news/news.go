// Package news tells pages what has happened, as events in the words of
// docs/architecture.md.
package news

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/events"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
)

// Desk turns changes into events.
type Desk struct {
	Hub   *events.Hub
	Book  progress.Book
	Store *store.Store
	// Kick tells the outbox that there may be something to send.
	Kick func()
	Log  *slog.Logger
}

// limit bounds the queries behind one piece of news.
const limit = 10 * time.Second

// Guest tells that a lease has changed.
func (d *Desk) Guest(o store.Owner, s guests.Status) {
	d.Hub.Publish(o, events.Event{Name: "guest", Data: views.Guest(s)})
	d.note(o, "")
}

// Attempt tells that an attempt has begun or is done, and what follows.
func (d *Desk) Attempt(a store.Attempt) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	o := a.Owner()
	p, err := d.Book.Tutorial(ctx, o)
	if err != nil {
		// The page shows the right state when it is next loaded.
		d.Log.Error("can't tell of an attempt", "attempt", a.ID, "err", err)
		return
	}
	d.Hub.Publish(o, events.Event{Name: "attempt", Data: views.Attempt(a, p.Checks[a.Check])})
	if a.State != store.Done {
		d.note(o, a.Check)
		return
	}
	d.Score(o, p)
	for id, h := range p.Hints {
		if h.Due && !h.Opened {
			d.Hub.Publish(o, events.Event{Name: "hint", Data: map[string]any{"id": id, "due": true}})
		}
	}
	if t, _ := d.Book.Catalog.Tutorial(o); p.Checks[a.Check].Passed && showsSolution(t, a.Check) {
		d.Hub.Publish(o, events.Event{Name: "solution", Data: map[string]any{"check": a.Check}})
	}
	d.Kick()
}

func showsSolution(t *content.Tutorial, check string) bool {
	return slices.ContainsFunc(t.Solutions, func(s *content.Solution) bool { return s.For == check && s.Shown })
}

// Score tells that points were won, or given for a hint.
func (d *Desk) Score(o store.Owner, p progress.Tutorial) {
	d.Hub.Publish(o, events.Event{Name: "score", Data: views.Score(p)})
	d.note(o, "")
}
