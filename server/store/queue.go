package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Waiting is one place in the queue for guests. Those of booked classes come
// first, then who came first.
type Waiting struct {
	ID        uint
	UserID    uint
	ContextID uint
	Course    string
	Tutorial  string
	Booked    bool
	Since     time.Time
	// SeenAt is when a page of the owner was open last.
	SeenAt time.Time
	// TurnAt is when the owner was given a guest, which is kept for a while;
	// nil while they wait.
	TurnAt *time.Time
}

// TableName is the queue's.
func (Waiting) TableName() string { return "queue" }

// Owner is who waits.
func (w Waiting) Owner() Owner { return Owner{w.UserID, w.ContextID, w.Course, w.Tutorial} }

// Enqueue puts an owner at the queue's end, or at that of the booked ones. Who
// is in it already keeps the place, and waits again where it was their turn.
func (s *Store) Enqueue(ctx context.Context, o Owner, booked bool) error {
	now := s.db.NowFunc()
	return s.transact(ctx, func(tx *gorm.DB) error {
		row := Waiting{UserID: o.UserID, ContextID: o.Context, Course: o.Course, Tutorial: o.Tutorial,
			Booked: booked, Since: now, SeenAt: now}
		added, err := findOrAdd(tx, &row, ofOwner, o.UserID, o.Context, o.Course, o.Tutorial)
		if err != nil || added {
			return err
		}
		return tx.Model(&row).Update("turn_at", nil).Error
	})
}

const ofOwner = "user_id = ? AND context_id = ? AND course = ? AND tutorial = ?"

// Queue is in order of who comes first.
func (s *Store) Queue(ctx context.Context) ([]Waiting, error) {
	return gorm.G[Waiting](s.db).Order("booked DESC, id").Find(ctx)
}

// TakeTurn notes that an owner in the queue was given a guest.
func (s *Store) TakeTurn(ctx context.Context, o Owner) error {
	return s.changeWaiting(ctx, o, map[string]any{"turn_at": s.db.NowFunc()})
}

// SeenWaiting notes that an owner in the queue had a page open at that time.
func (s *Store) SeenWaiting(ctx context.Context, o Owner, at time.Time) error {
	return s.changeWaiting(ctx, o, map[string]any{"seen_at": at.UTC()})
}

func (s *Store) changeWaiting(ctx context.Context, o Owner, change map[string]any) error {
	return s.db.WithContext(ctx).Model(&Waiting{}).Where(ofOwner, o.UserID, o.Context, o.Course, o.Tutorial).Updates(change).Error
}

// LeaveQueue takes an owner out of the queue, who may not be in it.
func (s *Store) LeaveQueue(ctx context.Context, o Owner) error {
	_, err := gorm.G[Waiting](s.db).Where(ofOwner, o.UserID, o.Context, o.Course, o.Tutorial).Delete(ctx)
	return err
}
