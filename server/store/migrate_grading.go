package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// gradingTables brings settings of grades, overrides and allowances.
var gradingTables = &gormigrate.Migration{
	ID: "0004-grading",
	Migrate: func(tx *gorm.DB) error {
		type GradeSetting struct {
			ContextID uint   `gorm:"primaryKey;autoIncrement:false"`
			Course    string `gorm:"primaryKey"`
			Tutorial  string `gorm:"primaryKey"`
			Keep      string
			Due       *time.Time
			Until     *time.Time
			Penalty   *float64
			Weight    *float64
			By        uint
			At        time.Time
		}
		type Allowance struct {
			ContextID uint   `gorm:"primaryKey;autoIncrement:false"`
			UserID    uint   `gorm:"primaryKey;autoIncrement:false;index"`
			Course    string `gorm:"primaryKey"`
			Tutorial  string `gorm:"primaryKey"`
			Extra     time.Duration
			Excused   bool
			Reason    string
			By        uint
			At        time.Time
		}
		type Override struct {
			ID        uint   `gorm:"primaryKey"`
			ContextID uint   `gorm:"index:override_of,priority:1;not null"`
			UserID    uint   `gorm:"index:override_of,priority:2;index;not null"`
			Course    string `gorm:"not null"`
			Tutorial  string `gorm:"not null"`
			Points    *float64
			Reason    string
			By        uint
			At        time.Time
		}
		if err := tx.AutoMigrate(&GradeSetting{}, &Allowance{}, &Override{}); err != nil {
			return err
		}
		// A class's points are read from this index alone. The rows are far
		// larger, with the output before the times.
		return tx.Exec(`CREATE INDEX attempt_marks ON attempts
			(context_id, course, tutorial, user_id, check_id, started_at, id, state, verdict, score)`).Error
	},
}
