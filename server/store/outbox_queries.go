package store

import (
	"context"
	"errors"

	"gorm.io/gorm"
)

// OutboxOf are the grades of a context on their way to its platform, or there.
func (s *Store) OutboxOf(ctx context.Context, contextID uint) ([]OutboxGrade, error) {
	return gorm.G[OutboxGrade](s.db).
		Where("link_id IN (SELECT id FROM resource_links WHERE context_id = ?)", contextID).
		Order("link_id, user_id").Find(ctx)
}

// OutboxGrade returns nil if a link has no grade of a user yet.
func (s *Store) OutboxGrade(ctx context.Context, link, user uint) (*OutboxGrade, error) {
	g, err := gorm.G[OutboxGrade](s.db).Where("link_id = ? AND user_id = ?", link, user).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &g, err
}

// outboxCounts says how many of a context's grades are not there yet.
func (s *Store) outboxCounts(ctx context.Context, contextID uint) (waiting, refused int, err error) {
	all, err := s.OutboxOf(ctx, contextID)
	for _, g := range all {
		switch g.State {
		case OutboxWaiting, OutboxSending:
			waiting++
		case OutboxRefused:
			refused++
		}
	}
	return waiting, refused, err
}

// LeaveGrade lets a refused grade be, until the student's next mark; false if
// it is not refused.
func (s *Store) LeaveGrade(ctx context.Context, link, user uint) (bool, error) {
	res := s.db.WithContext(ctx).Model(&OutboxGrade{}).
		Where("link_id = ? AND user_id = ? AND state = ?", link, user, OutboxRefused).
		Updates(map[string]any{"state": OutboxNowhere, "why": "left by an instructor",
			"next_try": s.db.NowFunc().AddDate(100, 0, 0)}) // so that it does not come back by itself
	return res.RowsAffected > 0, res.Error
}
