package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
)

// OutboxFigures tell how many grades have not reached their platform, and since
// when the oldest of them has waited; zero where none does.
type OutboxFigures struct {
	Waiting, Refused int
	Oldest           time.Time
}

// OutboxFigures counts over all platforms.
func (s *Store) OutboxFigures(ctx context.Context) (f OutboxFigures, err error) {
	var rows []struct {
		State string
		N     int
	}
	if err := s.db.WithContext(ctx).Model(&OutboxGrade{}).Select("state, count(*) AS n").Group("state").Scan(&rows).Error; err != nil {
		return f, err
	}
	for _, r := range rows {
		switch r.State {
		case OutboxWaiting, OutboxSending:
			f.Waiting += r.N
		case OutboxRefused:
			f.Refused = r.N
		}
	}
	g, err := gorm.G[OutboxGrade](s.db).Where("state IN ?", []string{OutboxWaiting, OutboxSending}).Order("changed_at").First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return f, nil
	}
	f.Oldest = g.ChangedAt
	return f, err
}

// RunningCount is how many attempts are under way.
func (s *Store) RunningCount(ctx context.Context) (int, error) {
	n, err := gorm.G[Attempt](s.db).Where("state = ?", Running).Count(ctx, "*")
	return int(n), err
}

// Observe has every statement from now on timed. Its kind is "create",
// "query", "update", "delete", "row" or "raw". Call it once, before any other
// goroutine uses the store.
func (s *Store) Observe(f func(kind string, took time.Duration)) error {
	const begun = "labmark:begun"
	before := func(tx *gorm.DB) { tx.InstanceSet(begun, time.Now()) }
	after := func(kind string) func(*gorm.DB) {
		return func(tx *gorm.DB) {
			if at, ok := tx.InstanceGet(begun); ok {
				f(kind, time.Since(at.(time.Time)))
			}
		}
	}
	c := s.db.Callback()
	return errors.Join(
		c.Create().Before("*").Register("labmark:before", before), c.Create().After("*").Register("labmark:after", after("create")),
		c.Query().Before("*").Register("labmark:before", before), c.Query().After("*").Register("labmark:after", after("query")),
		c.Update().Before("*").Register("labmark:before", before), c.Update().After("*").Register("labmark:after", after("update")),
		c.Delete().Before("*").Register("labmark:before", before), c.Delete().After("*").Register("labmark:after", after("delete")),
		c.Row().Before("*").Register("labmark:before", before), c.Row().After("*").Register("labmark:after", after("row")),
		c.Raw().Before("*").Register("labmark:before", before), c.Raw().After("*").Register("labmark:after", after("raw")),
	)
}
