package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// guestModes brings what the table tells of a guest's time and of its user.
var guestModes = &gormigrate.Migration{
	ID: "0030-guest-modes",
	Migrate: func(tx *gorm.DB) error {
		type Guest struct {
			Deadline *time.Time
			ActiveAt *time.Time
			Address  string `gorm:"not null;default:''"`
			FormerID *uint
		}
		return addColumns(tx, &Guest{}, "Deadline", "ActiveAt", "Address", "FormerID")
	},
}
