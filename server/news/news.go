// Package news tells pages what has happened, as events in the words of
// docs/architecture.md.
package news

import (
	"context"
	"html/template"
	"log/slog"
	"slices"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/events"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// Desk turns changes into events.
type Desk struct {
	Hub   *events.Hub
	Book  progress.Book
	Store *store.Store
	// Draw makes HTML of parts of a page, with the interface's words in a language.
	Draw func(language string, parts []themes.Part) (template.HTML, error)
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

// Notice tells an owner's pages of a notice.
func (d *Desk) Notice(o store.Owner, n guests.Notice) {
	d.Hub.Publish(o, events.Event{Name: "notice", Data: views.Notice(n)})
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
	d.Hub.Publish(o, events.Event{Name: "attempt", Data: d.Tell(a, p)})
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

// Seen tells a student's pages what one of them has had looked at by itself.
func (d *Desk) Seen(a store.Attempt) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	p, err := d.Book.Tutorial(ctx, a.Owner())
	if err != nil {
		d.Log.Error("can't tell what was seen", "check", a.Check, "err", err)
		return
	}
	d.Hub.Publish(a.Owner(), events.Event{Name: "attempt", Data: d.Tell(a, p)})
}

// Telling is news of an attempt, which each viewer reads in a language of
// their own.
type Telling struct {
	desk     *Desk
	attempt  store.Attempt
	progress progress.Tutorial
}

// Tell makes news of an attempt.
func (d *Desk) Tell(a store.Attempt, p progress.Tutorial) Telling { return Telling{d, a, p} }

// In shows the attempt in a language, with the words that belong to its answer
// in the tutorial as its viewer reads it; nil is a tutorial that was withdrawn.
func (t Telling) In(l *words.Language, tutorial *content.Tutorial) themes.AttemptView {
	a := t.attempt
	v := views.AttemptIn(l, a, t.progress.Checks[a.Check])
	if a.State != store.Done || a.Answer == "" || tutorial == nil {
		return v
	}
	student := t.desk.Student(a.Owner(), t.progress)
	student.Tutorial, student.Language = tutorial, l
	parts := student.Feedback(a)
	if len(parts) == 0 {
		return v
	}
	html, err := t.desk.Draw(l.Tag, parts)
	if err != nil {
		t.desk.Log.Error("feedback can't be drawn", "check", a.Check, "err", err)
	}
	v.Feedback = html
	return v
}

// Student gathers what an owner's pages differ by from others'.
func (d *Desk) Student(o store.Owner, p progress.Tutorial) views.Student {
	t, _ := d.Book.Catalog.Tutorial(o)
	return views.Student{Language: words.In(words.Source), Tutorial: t, Values: d.Book.Catalog.Values(o), Progress: p,
		Choices: func(check string) []content.Choice { return d.Book.Catalog.Choices(o, check) }}
}

// Setup tells what entering a step does to the guests.
func (d *Desk) Setup(o store.Owner, v themes.SetupView) {
	d.Hub.Publish(o, events.Event{Name: "setup", Data: v})
	d.note(o, "")
}

func showsSolution(t *content.Tutorial, check string) bool {
	return slices.ContainsFunc(t.Solutions, func(s *content.Solution) bool { return s.For == check && s.Shown })
}

// Score tells that points were won, or given for a hint.
func (d *Desk) Score(o store.Owner, p progress.Tutorial) {
	d.Hub.Publish(o, events.Event{Name: "score", Data: views.Score(p)})
	d.note(o, "")
}
