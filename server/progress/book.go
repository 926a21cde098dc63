package progress

import (
	"context"
	"math"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/store"
)

// Book looks up where students stand.
type Book struct {
	Store   *store.Store
	Catalog *catalog.Catalog
}

// Tutorial returns an owner's standing; store.ErrNotFound if there is no such
// tutorial.
func (b Book) Tutorial(ctx context.Context, o store.Owner) (Tutorial, error) {
	t, course := b.Catalog.Tutorial(o)
	if t == nil {
		return Tutorial{}, store.ErrNotFound
	}
	w, err := b.Store.Work(ctx, o)
	if err != nil {
		return Tutorial{}, err
	}
	return Of(course.ID, t, Select(w, course, t, o.UserID)), nil
}

// Best is the score, in [0,1], that an attempt which a page made by itself must
// exceed to win anything; negative if any score does.
func (b Book) Best(ctx context.Context, o store.Owner, check string) (float64, error) {
	p, err := b.Tutorial(ctx, o)
	if err != nil {
		return -1, err
	}
	counts := p.Checks[check].Counts
	switch first := p.Policy.Keep == First; {
	case first && counts != nil:
		return 1, nil // whatever comes later counts for nothing
	case first:
		return math.Nextafter(1, 0), nil // see Policy.ignores
	case counts == nil:
		return -1, nil
	}
	return counts.Score, nil
}

// All returns a user's standing in every tutorial that is served, as far as it
// belongs to one context.
func (b Book) All(ctx context.Context, user, lms uint) (map[store.Owner]Tutorial, error) {
	w, err := b.Store.Work(ctx, store.Owner{UserID: user, Context: lms})
	if err != nil {
		return nil, err
	}
	all := map[store.Owner]Tutorial{}
	for _, c := range b.Catalog.Courses() {
		for _, t := range c.Tutorials {
			all[store.Owner{UserID: user, Context: lms, Course: c.ID, Tutorial: t.ID}] = Of(c.ID, t, Select(w, c, t, user))
		}
	}
	return all, nil
}

// Select takes out of a context's work what matters for one user's points in
// one tutorial. The attempts must be of that user alone.
func Select(w store.Work, c *content.Course, t *content.Tutorial, user uint) Work {
	out := Work{Attempts: w.Attempts, Policy: Settings(w, c, t)}
	for _, h := range w.Hints {
		if h.UserID == user {
			out.Opened = append(out.Opened, h)
		}
	}
	for _, a := range w.Allowances {
		if a.UserID == user && a.Course == c.ID && a.Tutorial == t.ID {
			out.Allowance = a
		}
	}
	for i := range w.Overrides { // the newest is the last
		o := &w.Overrides[i]
		if o.UserID == user && o.Course == c.ID && o.Tutorial == t.ID {
			out.Override = o
		}
	}
	return out
}

// Settings returns the policy that holds for a tutorial in a context.
func Settings(w store.Work, c *content.Course, t *content.Tutorial) Policy {
	for _, s := range w.Settings {
		if s.Course == c.ID && s.Tutorial == t.ID {
			return PolicyOf(c, s)
		}
	}
	return PolicyOf(c, store.GradeSettings{})
}
