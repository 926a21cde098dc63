package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// outboxTable brings the grades that are on their way to platforms.
var outboxTable = &gormigrate.Migration{
	ID: "0003-outbox",
	Migrate: func(tx *gorm.DB) error {
		type Outbox struct {
			LinkID        uint `gorm:"primaryKey;autoIncrement:false"`
			UserID        uint `gorm:"primaryKey;autoIncrement:false;index"`
			Version       int64
			SentVersion   int64
			State         string    `gorm:"index:outbox_due,priority:1;not null"`
			NextTry       time.Time `gorm:"index:outbox_due,priority:2"`
			Why           string
			Tries         int
			LastError     string
			LastTimestamp *time.Time
			FlyingAt      *time.Time
			FlyingScore   float64
			FlyingMax     float64
			FlyingComment string
			FlyingCleared bool
			FlyingTo      string
			SentScore     float64
			SentMax       float64
			SentComment   string
			SentCleared   bool
			SentTo        string
			SentAt        *time.Time
			ChangedAt     time.Time
		}
		return tx.Table("outbox").AutoMigrate(&Outbox{})
	},
}
