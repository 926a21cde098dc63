package store

import (
	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// theirWords brings what in an attempt's message is not Labmark's own.
var theirWords = &gormigrate.Migration{
	ID: "0060-their-words",
	Migrate: func(tx *gorm.DB) error {
		type attempt struct{ Theirs *string }
		return addColumns(tx.Table("attempts"), &attempt{}, "Theirs")
	},
}
