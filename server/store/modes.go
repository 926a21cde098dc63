package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Mode is what a guest is for at the moment: a row of the assignment table.
type Mode string

// A guest is preparing until it can be used, free while it waits in the pool,
// and assigned while it is somebody's. Suspended ones are kept for their owner
// and do not run: frozen, or switched off with their disk. One that its owner
// could not use any more is recovering: nobody's, and kept for an administrator
// to look at. A guest is retiring once it is to be destroyed.
const (
	Preparing  Mode = "preparing"
	Free       Mode = "free"
	Assigned   Mode = "assigned"
	Suspended  Mode = "suspended"
	Recovering Mode = "recovering"
	Retiring   Mode = "retiring"
)

// Modes are all, in the order of a guest's life.
var Modes = []Mode{Preparing, Free, Assigned, Suspended, Recovering, Retiring}

// owned says whether guests of the mode may be somebody's.
func (m Mode) owned() bool { return m != Recovering && m != Retiring && m != Free }

// SetGuestMode changes a guest's mode; ErrNotFound if there is no such guest.
// A recovering or retiring guest loses its owner, who may then get another. A
// deadline that was set for the former mode is gone.
func (s *Store) SetGuestMode(ctx context.Context, id string, mode Mode) error {
	change := map[string]any{"mode": mode, "mode_since": s.db.NowFunc(), "deadline": nil}
	if !mode.owned() {
		change["former_id"] = gorm.Expr("COALESCE(user_id, former_id)")
		change["user_id"], change["context_id"], change["course"], change["tutorial"] = nil, nil, nil, nil
	}
	res := s.db.WithContext(ctx).Model(&Guest{}).Where("id = ?", id).Updates(change)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return translate(res.Error)
}

// SetGuestDeadline says when the guest's mode has to be over; nil is the
// mode's usual limit. ErrNotFound if there is no such guest.
func (s *Store) SetGuestDeadline(ctx context.Context, id string, at *time.Time) error {
	res := s.db.WithContext(ctx).Model(&Guest{}).Where("id = ?", id).Update("deadline", at)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return translate(res.Error)
}

// Touch is a sign of life of an owner.
type Touch struct {
	Owner
	At      time.Time
	Address string // that it came from; empty if it is not known
}

// TouchGuests notes on the rows of owners' guests when they were active last.
// Owners without a guest are passed over.
func (s *Store) TouchGuests(ctx context.Context, all []Touch) error {
	return s.transact(ctx, func(tx *gorm.DB) error {
		for _, t := range all {
			change := map[string]any{"active_at": t.At.UTC()}
			if t.Address != "" {
				change["address"] = t.Address
			}
			err := tx.Model(&Guest{}).
				Where("user_id = ? AND context_id = ? AND course = ? AND tutorial = ?", t.UserID, t.Context, t.Course, t.Tutorial).
				Updates(change).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
}
