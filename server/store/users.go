package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// User is a person with an account, or one who comes from a learning platform.
type User struct {
	ID           uint
	Login        string
	Name         string
	PasswordHash string // PHC string; empty means that no password fits
	Admin        bool   // may register platforms
	CreatedAt    time.Time

	// Who it is at a learning platform; both nil for an account of Labmark's.
	PlatformID *uint
	Subject    *string
	// What the platform tells of the person; each may be empty.
	GivenName, FamilyName string
	Email                 string // never to join accounts by
	Username              string
	SourcedID             string // the institution's number of the person
	PlatformNumber        string // the platform's own, where its exports use that
}

// Called is what to call somebody whose name may have been withheld.
func (u User) Called() string {
	for _, name := range []string{u.Name, strings.TrimSpace(u.GivenName + " " + u.FamilyName), u.Username} {
		if name != "" {
			return name
		}
	}
	if u.PlatformID != nil {
		return fmt.Sprintf("Student %d", u.ID)
	}
	return u.Login
}

// AddUser stores a new user and sets its ID. ErrExists if the login is taken.
func (s *Store) AddUser(ctx context.Context, u *User) error {
	return translate(gorm.G[User](s.db).Create(ctx, u))
}

// UserByLogin returns ErrNotFound if there is none.
func (s *Store) UserByLogin(ctx context.Context, login string) (User, error) {
	u, err := gorm.G[User](s.db).Where("login = ?", login).First(ctx)
	return u, translate(err)
}

// User returns ErrNotFound if there is none.
func (s *Store) User(ctx context.Context, id uint) (User, error) {
	u, err := gorm.G[User](s.db).Where("id = ?", id).First(ctx)
	return u, translate(err)
}

// Users are in order of login.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	return gorm.G[User](s.db).Order("login").Find(ctx)
}

// SetAdmin returns ErrNotFound if there is no such login.
func (s *Store) SetAdmin(ctx context.Context, login string, admin bool) error {
	n, err := gorm.G[User](s.db).Where("login = ?", login).Update(ctx, "admin", admin)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return translate(err)
}

// SetPassword returns ErrNotFound if there is no such login.
func (s *Store) SetPassword(ctx context.Context, login, hash string) error {
	n, err := gorm.G[User](s.db).Where("login = ?", login).Update(ctx, "password_hash", hash)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return translate(err)
}

// setting is one named secret or value of the installation.
type setting struct {
	Key   string `gorm:"primaryKey"`
	Value []byte
}

func (setting) TableName() string { return "settings" }

// Secret returns the n random bytes that are kept under name, drawn when
// first asked for. Two gateways that ask at the same moment get the same.
func (s *Store) Secret(ctx context.Context, name string, n int) ([]byte, error) {
	fresh := make([]byte, n)
	rand.Read(fresh) // never fails, see crypto/rand
	return s.Keep(ctx, name, fresh)
}

// Remember stores value under name, in place of what is there.
func (s *Store) Remember(ctx context.Context, name string, value []byte) error {
	return s.db.WithContext(ctx).Clauses(clause.OnConflict{UpdateAll: true}).Create(&setting{Key: name, Value: value}).Error
}

// Remembered returns ErrNotFound if nothing is kept under name.
func (s *Store) Remembered(ctx context.Context, name string) ([]byte, error) {
	kept, err := gorm.G[setting](s.db).Where("key = ?", name).First(ctx)
	return kept.Value, translate(err)
}

// Keep stores value under name unless something is there already, and
// returns what is there.
func (s *Store) Keep(ctx context.Context, name string, value []byte) ([]byte, error) {
	err := s.db.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).
		Create(&setting{Key: name, Value: value}).Error
	if err != nil {
		return nil, err
	}
	kept, err := gorm.G[setting](s.db).Where("key = ?", name).First(ctx)
	return kept.Value, translate(err)
}
