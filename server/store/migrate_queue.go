package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// queueTable brings the queue for guests.
var queueTable = &gormigrate.Migration{
	ID: "0031-queue",
	Migrate: func(tx *gorm.DB) error {
		type Queue struct {
			ID        uint      `gorm:"primaryKey"`
			UserID    uint      `gorm:"uniqueIndex:queue_owner,priority:1;not null"`
			ContextID uint      `gorm:"uniqueIndex:queue_owner,priority:2;not null"`
			Course    string    `gorm:"uniqueIndex:queue_owner,priority:3;not null"`
			Tutorial  string    `gorm:"uniqueIndex:queue_owner,priority:4;not null"`
			Booked    bool      `gorm:"not null;default:false"`
			Since     time.Time `gorm:"not null"`
			SeenAt    time.Time `gorm:"not null"`
			TurnAt    *time.Time
		}
		return tx.Table("queue").AutoMigrate(&Queue{})
	},
}
