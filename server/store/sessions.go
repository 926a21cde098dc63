package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// session is one signed-in browser.
type session struct {
	Token  string `gorm:"primaryKey"`
	Data   []byte
	Expiry time.Time
}

func (session) TableName() string { return "sessions" }

// Sessions keeps sessions for scs (it is an scs.CtxStore).
type Sessions struct{ *Store }

// FindCtx returns false if the token is unknown or its time is over.
func (s Sessions) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	row, err := gorm.G[session](s.db).Where("token = ? AND expiry > ?", token, time.Now().UTC()).First(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, false, nil
	}
	return row.Data, err == nil, err
}

// CommitCtx adds or replaces a session.
func (s Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	return s.db.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).
		Create(&session{Token: token, Data: data, Expiry: expiry.UTC()}).Error
}

// DeleteCtx removes a session, if it is there.
func (s Sessions) DeleteCtx(ctx context.Context, token string) error {
	_, err := gorm.G[session](s.db).Where("token = ?", token).Delete(ctx)
	return err
}

// Find, Commit and Delete are required by scs.Store, which prefers the
// variants with a context.
func (s Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is like CommitCtx.
func (s Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is like DeleteCtx.
func (s Sessions) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// DropExpired removes sessions whose time is over.
func (s Sessions) DropExpired(ctx context.Context) error {
	_, err := gorm.G[session](s.db).Where("expiry <= ?", time.Now().UTC()).Delete(ctx)
	return err
}
