package progress

import (
	"context"

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
	sums, err := b.Store.Summaries(ctx, o)
	if err != nil {
		return Tutorial{}, err
	}
	opened, err := b.Store.OpenedHints(ctx, o.UserID, o.Context)
	if err != nil {
		return Tutorial{}, err
	}
	return Of(course.ID, t, sums, opened), nil
}

// All returns a user's standing in every tutorial that is served, as far as it
// belongs to one context.
func (b Book) All(ctx context.Context, user, lms uint) (map[store.Owner]Tutorial, error) {
	sums, err := b.Store.Summaries(ctx, store.Owner{UserID: user, Context: lms})
	if err != nil {
		return nil, err
	}
	opened, err := b.Store.OpenedHints(ctx, user, lms)
	if err != nil {
		return nil, err
	}
	all := map[store.Owner]Tutorial{}
	for _, c := range b.Catalog.Courses() {
		for _, t := range c.Tutorials {
			all[store.Owner{UserID: user, Context: lms, Course: c.ID, Tutorial: t.ID}] = Of(c.ID, t, sums, opened)
		}
	}
	return all, nil
}
