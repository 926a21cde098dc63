package audit

import (
	"context"

	"github.com/labmark/labmark/server/store"
)

// Guests is the assignment table, which notes who gets which guest.
type Guests struct {
	*store.Store
	Log *Log
}

// AddGuest notes a guest that is made for somebody.
func (g Guests) AddGuest(ctx context.Context, row store.Guest) error {
	err := g.Store.AddGuest(ctx, row)
	if o, owned := row.Owner(); err == nil && owned {
		g.assigned(row.ID, o, row.Name)
	}
	return err
}

// AssignGuest notes a guest of the pool that becomes somebody's, and the one
// that it takes the place of.
func (g Guests) AssignGuest(ctx context.Context, id, former string, o store.Owner, name string) error {
	err := g.Store.AssignGuest(ctx, id, former, o, name)
	if err == nil {
		if former != "" {
			g.Log.Note(store.AuditEntry{Act: GuestRetired, Guest: former, UserID: &o.UserID, Subject: where(o)})
		}
		g.assigned(id, o, name)
	}
	return err
}

// SetGuestMode notes a guest that is taken away for good.
func (g Guests) SetGuestMode(ctx context.Context, id string, m store.Mode) error {
	err := g.Store.SetGuestMode(ctx, id, m)
	if err == nil && (m == store.Retiring || m == store.Recovering) {
		g.Log.Note(store.AuditEntry{Act: GuestRetired, Guest: id})
	}
	return err
}

func (g Guests) assigned(id string, o store.Owner, name string) {
	g.Log.Note(store.AuditEntry{Act: GuestAssigned, Guest: id, UserID: &o.UserID, Subject: where(o), Details: name})
}

func where(o store.Owner) string { return o.Course + "/" + o.Tutorial }
