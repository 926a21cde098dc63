package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"
)

// SSHKey is a public key by which its user's own SSH client comes in.
type SSHKey struct {
	ID     uint
	UserID uint
	// Fingerprint is the key's SHA-256, as OpenSSH writes it. No two users have
	// the same.
	Fingerprint string
	// Line is the key in authorized_keys form, without options and comment.
	Line      string
	Name      string // what its user calls it
	CreatedAt time.Time
	UsedAt    *time.Time // nil: never
}

// TableName is GORM's.
func (SSHKey) TableName() string { return "ssh_keys" }

// ErrTooMany is returned where a user may have no more of something.
var ErrTooMany = errors.New("too many")

// maxKeys is how many keys one user may have.
const maxKeys = 20

// AddSSHKey stores a key and sets its ID. ErrExists if somebody has it already,
// ErrTooMany if the user has enough.
func (s *Store) AddSSHKey(ctx context.Context, k *SSHKey) error {
	return translate(s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		var n int64
		if err := tx.Model(&SSHKey{}).Where("user_id = ?", k.UserID).Count(&n).Error; err != nil {
			return err
		}
		if n >= maxKeys {
			return ErrTooMany
		}
		return tx.Create(k).Error
	}))
}

// SSHKeys are a user's, the oldest first.
func (s *Store) SSHKeys(ctx context.Context, user uint) ([]SSHKey, error) {
	return gorm.G[SSHKey](s.db).Where("user_id = ?", user).Order("id").Find(ctx)
}

// SSHKey finds whose a key is; ErrNotFound if nobody's.
func (s *Store) SSHKey(ctx context.Context, fingerprint string) (SSHKey, error) {
	k, err := gorm.G[SSHKey](s.db).Where("fingerprint = ?", fingerprint).First(ctx)
	return k, translate(err)
}

// RemoveSSHKey returns ErrNotFound if the user has no such key.
func (s *Store) RemoveSSHKey(ctx context.Context, user, id uint) error {
	n, err := gorm.G[SSHKey](s.db).Where("id = ? AND user_id = ?", id, user).Delete(ctx)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// NoteSSHKey notes that a key has opened the door.
func (s *Store) NoteSSHKey(ctx context.Context, id uint, at time.Time) error {
	_, err := gorm.G[SSHKey](s.db).Where("id = ?", id).Update(ctx, "used_at", at.UTC())
	return err
}
