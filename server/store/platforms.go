package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// A Disabled platform may neither launch nor be sent grades.
const (
	PlatformActive   = "active"
	PlatformDisabled = "disabled"
)

// Platform is a learning platform that may launch. Issuer and ClientID
// together are unique.
type Platform struct {
	ID                         uint
	Name                       string
	Issuer, ClientID           string
	AuthURL, TokenURL, KeysURL string
	Audience                   string   // of client assertions; empty means TokenURL
	Deployments                []string `gorm:"serializer:json"`
	Product                    string
	FrameOrigins               []string `gorm:"serializer:json"` // may show Labmark in a frame, as CSP sources
	State                      string
	CreatedAt                  time.Time
	LastLaunch                 *time.Time
}

// AddPlatform stores a new platform and sets its ID. ErrExists if its issuer
// and client id are registered already.
func (s *Store) AddPlatform(ctx context.Context, p *Platform) error {
	return translate(gorm.G[Platform](s.db).Create(ctx, p))
}

// SavePlatform replaces a platform's record.
func (s *Store) SavePlatform(ctx context.Context, p Platform) error {
	return translate(s.db.WithContext(ctx).Save(&p).Error)
}

// Platform returns ErrNotFound if there is none.
func (s *Store) Platform(ctx context.Context, id uint) (Platform, error) {
	p, err := gorm.G[Platform](s.db).Where("id = ?", id).First(ctx)
	return p, translate(err)
}

// Platforms are in order of their names; of one issuer if that is not empty.
func (s *Store) Platforms(ctx context.Context, issuer string) ([]Platform, error) {
	q := gorm.G[Platform](s.db).Order("name, id")
	if issuer != "" {
		q = q.Where("issuer = ?", issuer)
	}
	return q.Find(ctx)
}

// RemovePlatform forgets a platform that nobody has launched from. ErrInUse if
// there are people or contexts of it: disable it instead, or erase them first.
func (s *Store) RemovePlatform(ctx context.Context, id uint) error {
	return translate(s.transact(ctx, func(tx *gorm.DB) error {
		for _, of := range []any{&User{}, &Context{}} {
			var n int64
			if err := tx.Model(of).Where("platform_id = ?", id).Count(&n).Error; err != nil {
				return err
			}
			if n > 0 {
				return ErrInUse
			}
		}
		res := tx.Delete(&Platform{}, id)
		if res.Error == nil && res.RowsAffected == 0 {
			return ErrNotFound
		}
		return res.Error
	}))
}

// NoteLaunch remembers when a platform has last launched.
func (s *Store) NoteLaunch(ctx context.Context, platform uint, at time.Time) error {
	_, err := gorm.G[Platform](s.db).Where("id = ?", platform).Update(ctx, "last_launch", at.UTC())
	return err
}

// ToolKey is one of Labmark's own keys, as platforms know it.
type ToolKey struct {
	ID        string // kid
	PEM       []byte
	CreatedAt time.Time
}

// ToolKeys are in order of age, oldest first.
func (s *Store) ToolKeys(ctx context.Context) ([]ToolKey, error) {
	return gorm.G[ToolKey](s.db).Order("created_at, id").Find(ctx)
}

// ChangeToolKeys lets change make new keys of the old ones, and stores them in
// place of those. Two callers at once take turns.
func (s *Store) ChangeToolKeys(ctx context.Context, change func([]ToolKey) ([]ToolKey, error)) error {
	return s.transact(ctx, func(tx *gorm.DB) error {
		if err := takeTurn(tx, "tool keys"); err != nil {
			return err
		}
		old, err := (&Store{db: tx}).ToolKeys(ctx)
		if err != nil {
			return err
		}
		keys, err := change(old)
		if err != nil {
			return err
		}
		if err := tx.Where("1 = 1").Delete(&ToolKey{}).Error; err != nil {
			return err
		}
		return tx.Create(&keys).Error
	})
}

// once is something that may happen one time only.
type once struct {
	ID    string `gorm:"primaryKey"`
	Until time.Time
}

func (once) TableName() string { return "once" }

// Once returns true the first time that it is given an id, and remembers it
// until the time given.
func (s *Store) Once(ctx context.Context, id string, until time.Time) (bool, error) {
	res := s.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&once{ID: id, Until: until.UTC()})
	return res.RowsAffected == 1, res.Error
}

// DropOnce forgets ids whose time is over.
func (s *Store) DropOnce(ctx context.Context, now time.Time) error {
	_, err := gorm.G[once](s.db).Where("until <= ?", now.UTC()).Delete(ctx)
	return err
}

// invitation lets one platform register itself.
type invitation struct {
	Hash      string `gorm:"primaryKey"` // of the secret in the address
	CreatedAt time.Time
	Until     time.Time
}

func (invitation) TableName() string { return "invitations" }

// Invite stores the hash of an invitation's secret.
func (s *Store) Invite(ctx context.Context, hash string, until time.Time) error {
	return gorm.G[invitation](s.db).Create(ctx, &invitation{Hash: hash, Until: until.UTC()})
}

// Invited says whether an invitation is open.
func (s *Store) Invited(ctx context.Context, hash string, now time.Time) (bool, error) {
	n, err := gorm.G[invitation](s.db).Where("hash = ? AND until > ?", hash, now.UTC()).Count(ctx, "hash")
	return n > 0, err
}

// UseInvitation closes an open invitation; false if it is not open.
func (s *Store) UseInvitation(ctx context.Context, hash string, now time.Time) (bool, error) {
	n, err := gorm.G[invitation](s.db).Where("hash = ? AND until > ?", hash, now.UTC()).Delete(ctx)
	return n > 0, err
}

// ContextUse is a context and how much it is used.
type ContextUse struct {
	Context
	People           int // who are or were in it
	LastLaunch       *time.Time
	Waiting, Refused int // grades on their way
}

// ContextUses are those of a platform, in order of their making.
func (s *Store) ContextUses(ctx context.Context, platform uint) ([]ContextUse, error) {
	contexts, err := gorm.G[Context](s.db).Where("platform_id = ?", platform).Order("id").Find(ctx)
	if err != nil {
		return nil, err
	}
	var out []ContextUse
	for _, c := range contexts {
		u := ContextUse{Context: c}
		members, err := gorm.G[Membership](s.db).Where("context_id = ?", c.ID).Find(ctx)
		if err != nil {
			return nil, err
		}
		u.People = len(members)
		for _, m := range members {
			if m.LastLaunch != nil && (u.LastLaunch == nil || m.LastLaunch.After(*u.LastLaunch)) {
				u.LastLaunch = m.LastLaunch
			}
		}
		if u.Waiting, u.Refused, err = s.outboxCounts(ctx, c.ID); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}
