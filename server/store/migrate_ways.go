package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// keysTable brings the keys by which people's own SSH clients come in.
var keysTable = &gormigrate.Migration{
	ID: "0050-ssh-keys",
	Migrate: func(tx *gorm.DB) error {
		type SSHKey struct {
			ID          uint   `gorm:"primaryKey"`
			UserID      uint   `gorm:"index;not null"`
			Fingerprint string `gorm:"uniqueIndex;not null;size:64"`
			Line        string `gorm:"not null"`
			Name        string `gorm:"not null;default:''"`
			CreatedAt   time.Time
			UsedAt      *time.Time
		}
		return tx.Table("ssh_keys").AutoMigrate(&SSHKey{})
	},
}
