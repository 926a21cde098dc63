package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// auditTable brings who did what, where from and when.
var auditTable = &gormigrate.Migration{
	ID: "0060-audit",
	Migrate: func(tx *gorm.DB) error {
		type AuditEntry struct {
			ID      uint      `gorm:"primaryKey"`
			At      time.Time `gorm:"index;not null"`
			UserID  *uint     `gorm:"index"`
			Address string    `gorm:"index;not null"`
			Act     string    `gorm:"not null"`
			Subject string    `gorm:"not null"`
			Guest   string    `gorm:"index;not null"`
			About   *uint     `gorm:"index"`
			Details string    `gorm:"not null"`
		}
		return tx.AutoMigrate(&AuditEntry{})
	},
}
