package store

import (
	"context"

	"gorm.io/gorm"
)

// EachAttempt calls f for the attempts of an owner, or of everybody in the
// context if o.UserID is 0, at one tutorial, or at all where o names none: by
// user, course, tutorial and check, oldest first, running ones too. Attempts
// come with their output, one at a time, for there may be many.
func (s *Store) EachAttempt(ctx context.Context, o Owner, f func(Attempt) error) error {
	q := ownedBy(s.db.WithContext(ctx).Model(&Attempt{}), o).
		Order("user_id, course, tutorial, check_id, started_at, id")
	rows, err := q.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a Attempt
		if err := s.db.ScanRows(rows, &a); err != nil {
			return err
		}
		if err := f(a); err != nil {
			return err
		}
	}
	return rows.Err()
}

// CheckAttempts are everybody's done attempts at one check in a context,
// oldest first, without their output.
func (s *Store) CheckAttempts(ctx context.Context, contextID uint, course, tutorial, check string) ([]Attempt, error) {
	return gorm.G[Attempt](s.db).
		Where("context_id = ? AND course = ? AND tutorial = ? AND check_id = ? AND state = ?", contextID, course, tutorial, check, Done).
		Omit("stdout", "stderr").Order("started_at, id").Find(ctx)
}

// ownedBy picks the rows of an owner; see Work for what may be left out.
func ownedBy(q *gorm.DB, o Owner) *gorm.DB {
	q = q.Where("context_id = ?", o.Context)
	if o.UserID != 0 {
		q = q.Where("user_id = ?", o.UserID)
	}
	if o.Course != "" {
		q = q.Where("course = ?", o.Course)
	}
	if o.Tutorial != "" {
		q = q.Where("tutorial = ?", o.Tutorial)
	}
	return q
}
