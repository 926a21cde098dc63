package store

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// listedMembers tells who is known from a roster from those who only came.
var listedMembers = &gormigrate.Migration{
	ID: "0005-listed",
	Migrate: func(tx *gorm.DB) error {
		type Membership struct {
			Listed bool `gorm:"not null;default:false"`
		}
		if err := addColumns(tx.Table("memberships"), &Membership{}, "Listed"); err != nil {
			return err
		}
		// Those who never came can only be known from a roster.
		return tx.Exec("UPDATE memberships SET listed = TRUE WHERE last_launch IS NULL").Error
	},
}
