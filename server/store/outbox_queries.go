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
