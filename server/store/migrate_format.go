package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// wholeFormat brings several guests for one owner, answers, attempts that
// pages have made by themselves, and how the preparation of guests went.
var wholeFormat = &gormigrate.Migration{
	ID: "0008-whole-format",
	Migrate: func(tx *gorm.DB) error {
		type guest struct {
			UserID    *uint   `gorm:"uniqueIndex:guest_place,priority:1"`
			ContextID *uint   `gorm:"uniqueIndex:guest_place,priority:2"`
			Course    *string `gorm:"uniqueIndex:guest_place,priority:3"`
			Tutorial  *string `gorm:"uniqueIndex:guest_place,priority:4"`
			Name      string  `gorm:"uniqueIndex:guest_place,priority:5;not null;default:''"`
			Prepared  bool    `gorm:"not null;default:false"`
		}
		type attempt struct {
			Answer string `gorm:"not null;default:''"`
			Auto   bool   `gorm:"not null;default:false"`
			Fits   uint   `gorm:"not null;default:0"`
		}
		type SetupRun struct {
			ID        uint   `gorm:"primaryKey"`
			UserID    uint   `gorm:"index;index:setup_run_of,priority:2;not null"`
			ContextID uint   `gorm:"index:setup_run_of,priority:1;not null"`
			Course    string `gorm:"index:setup_run_of,priority:3;not null"`
			Tutorial  string `gorm:"index:setup_run_of,priority:4;not null"`
			GuestID   string
			Guest     string
			Step      string
			File      string
			Line      int
			Revision  string
			Verdict   string
			Message   string
			Stdout    string
			StdoutCut int64
			Stderr    string
			StderrCut int64
			StartedAt time.Time
			EndedAt   time.Time
		}
		guests, attempts := tx.Table("guests"), tx.Table("attempts")
		for _, step := range []func() error{
			func() error { return addColumns(guests, &guest{}, "Name", "Prepared") },
			// Guests from before had nothing to be prepared.
			func() error { return tx.Exec("UPDATE guests SET prepared = TRUE WHERE user_id IS NOT NULL").Error },
			func() error { return tx.Exec("DROP INDEX guest_of").Error },
			func() error { return guests.Migrator().CreateIndex(&guest{}, "guest_place") },
			func() error { return addColumns(attempts, &attempt{}, "Answer", "Auto", "Fits") },
			func() error { return tx.Exec("DROP INDEX attempt_marks").Error },
			func() error {
				return tx.Exec(`CREATE INDEX attempt_marks ON attempts
					(context_id, course, tutorial, user_id, check_id, started_at, id, state, verdict, score, auto, fits)`).Error
			},
			func() error { return tx.AutoMigrate(&SetupRun{}) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		return nil
	},
}
