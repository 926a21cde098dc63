package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Owner says whose guest or attempt something is: one student's work on one
// tutorial, in one course of a learning platform.
type Owner struct {
	UserID uint
	// Context is the ID of the Context that the work belongs to; 0 for those
	// who signed in by password. A student who takes a course again, in
	// another context, begins afresh.
	Context  uint
	Course   string
	Tutorial string
}

// Guest is one row of the assignment table.
type Guest struct {
	ID     string
	Mode   Mode
	Image  string // digest
	Memory int64  // bytes; 0 is the backend's default
	// Desktop and Mirror say what else the guest was made with.
	Desktop bool
	Mirror  bool
	// Node is the machine that the guest is on; empty where there is only one,
	// and until it is known.
	Node string
	// HostKey is the public key of the guest's SSH server, in
	// authorized_keys form.
	HostKey string
	// The owner; all nil unless the guest is assigned, or preparing for
	// somebody. A unique index over the four and Name makes two guests for one
	// place impossible.
	UserID    *uint
	ContextID *uint
	Course    *string
	Tutorial  *string
	// Name is what the owner's tutorial calls it; empty for those from before
	// a tutorial could have several.
	Name string
	// Prepared says that all has been done that comes before its owner's work.
	Prepared  bool
	CreatedAt time.Time
	ModeSince time.Time
	// Deadline is when the mode has to be over; nil is the mode's usual limit
	// after ModeSince.
	Deadline *time.Time
	// ActiveAt is when the owner last did something, Address where from; nil and
	// empty until they did.
	ActiveAt *time.Time
	Address  string
	// FormerID is whose it was before it was recovering or retiring.
	FormerID *uint
}

// Owner returns false if the guest is nobody's.
func (g Guest) Owner() (Owner, bool) {
	if g.UserID == nil || g.ContextID == nil || g.Course == nil || g.Tutorial == nil {
		return Owner{}, false
	}
	return Owner{*g.UserID, *g.ContextID, *g.Course, *g.Tutorial}, true
}

// SetOwner makes the guest o's.
func (g *Guest) SetOwner(o Owner) {
	g.UserID, g.ContextID, g.Course, g.Tutorial = &o.UserID, &o.Context, &o.Course, &o.Tutorial
}

// AddGuest stores a new row; ErrExists if the owner has a guest of this name
// already.
func (s *Store) AddGuest(ctx context.Context, g Guest) error {
	g.ModeSince = s.db.NowFunc()
	return translate(gorm.G[Guest](s.db).Create(ctx, &g))
}

// Guests are in order of their creation.
func (s *Store) Guests(ctx context.Context) ([]Guest, error) {
	return gorm.G[Guest](s.db).Order("created_at, id").Find(ctx)
}

// SetGuestPrepared notes that a guest is as its owner should first meet it;
// ErrNotFound if there is no such guest.
func (s *Store) SetGuestPrepared(ctx context.Context, id string) error {
	n, err := gorm.G[Guest](s.db).Where("id = ?", id).Update(ctx, "prepared", true)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return translate(err)
}

// AssignGuest gives a free guest to an owner as the tutorial's guest name, who
// loses the one with the ID former (unless empty), which then is retiring.
// Both happen or neither. ErrNotFound if the guest is not free any more;
// ErrExists if the owner has still another guest of this name.
func (s *Store) AssignGuest(ctx context.Context, id, former string, o Owner, name string) error {
	return translate(s.transact(ctx, func(tx *gorm.DB) error {
		if former != "" {
			if err := (&Store{db: tx}).SetGuestMode(ctx, former, Retiring); err != nil {
				return err
			}
		}
		res := tx.Model(&Guest{}).Where("id = ? AND mode = ?", id, Free).Updates(map[string]any{
			"mode": Assigned, "mode_since": tx.NowFunc(), "deadline": nil,
			"user_id": o.UserID, "context_id": o.Context, "course": o.Course, "tutorial": o.Tutorial, "name": name,
		})
		if res.Error == nil && res.RowsAffected == 0 {
			return ErrNotFound
		}
		return res.Error
	}))
}

// DeleteGuest removes a row, if it is there.
func (s *Store) DeleteGuest(ctx context.Context, id string) error {
	_, err := gorm.G[Guest](s.db).Where("id = ?", id).Delete(ctx)
	return err
}
