package store

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// guestKinds tells what else than its image makes a guest, and where it is.
var guestKinds = &gormigrate.Migration{
	ID: "0006-guest-kinds",
	Migrate: func(tx *gorm.DB) error {
		type Guest struct {
			Desktop bool   `gorm:"not null;default:false"`
			Mirror  bool   `gorm:"not null;default:false"`
			Node    string `gorm:"not null;default:''"`
		}
		return addColumns(tx, &Guest{}, "Desktop", "Mirror", "Node")
	},
}
