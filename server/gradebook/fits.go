package gradebook

import (
	"context"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// fewFit is how many others a wrong answer may fit: among many it fits by
// chance, and means nothing.
const fewFit = 3

// Fits finds the student of the same context for whom a wrong answer would
// have been right, by their own values; 0 if there is none, or too many.
func (b Book) Fits(ctx context.Context, o store.Owner, check string, answer []string) (uint, error) {
	t, _ := b.Catalog.Tutorial(o)
	if t == nil || len(t.Vars) == 0 {
		return 0, nil
	}
	members, err := b.members(ctx, o.Context)
	if err != nil {
		return 0, err
	}
	var users []uint
	var values []content.Values
	for _, m := range members {
		if m.Learner && m.User.ID != o.UserID {
			other := o
			other.UserID = m.User.ID
			users, values = append(users, m.User.ID), append(values, b.Catalog.Values(other))
		}
	}
	own, found, first := b.Catalog.Values(o), 0, uint(0)
	for {
		i := t.FitsAnother(check, answer, own, values)
		if i < 0 {
			return first, nil
		}
		if found++; found == 1 {
			first = users[i]
		}
		if found > fewFit {
			return 0, nil
		}
		users, values = users[i+1:], values[i+1:]
	}
}
