package store

import (
	"time"

	"github.com/go-gormigrate/gormigrate/v2"
	"gorm.io/gorm"
)

// upToDate brings the schema to where n steps of its history lead. Of gateways
// and commands that start at the same moment one does it, and the others wait.
func (s *Store) upToDate(n int) error {
	if !s.postgres() {
		return migrate(s.db, n) // in a transaction, of which there is one at a time
	}
	return s.db.Connection(func(conn *gorm.DB) error {
		if err := conn.Exec("SELECT pg_advisory_lock(hashtextextended('labmark migrations', 0))").Error; err != nil {
			return err
		}
		defer conn.Exec("SELECT pg_advisory_unlock(hashtextextended('labmark migrations', 0))")
		return migrate(conn, n)
	})
}

// history is of the schema. Each step has frozen structs of its own, so that a
// later change of a model can't change it. New steps come last.
var history = []*gormigrate.Migration{first, ltiTables, outboxTable, gradingTables, listedMembers, guestKinds, nodesTable, wholeFormat, courseVersions, keysTable, theirWords, guestModes, queueTable, auditTable}

// migrate takes the first n steps of the history, unless they were taken.
func migrate(db *gorm.DB, n int) error {
	return gormigrate.New(db, &gormigrate.Options{
		TableName:      "migrations",
		IDColumnName:   "id",
		IDColumnSize:   64,
		UseTransaction: true,
	}, history[:n]).Migrate()
}

var first = &gormigrate.Migration{
	ID: "0001-first",
	Migrate: func(tx *gorm.DB) error {
		type User struct {
			ID           uint   `gorm:"primaryKey"`
			Login        string `gorm:"uniqueIndex;not null"`
			Name         string
			PasswordHash string
			CreatedAt    time.Time
		}
		type Session struct {
			Token  string `gorm:"primaryKey"`
			Data   []byte
			Expiry time.Time `gorm:"index"`
		}
		type Setting struct {
			Key   string `gorm:"primaryKey"`
			Value []byte
		}
		type Guest struct {
			ID        string `gorm:"primaryKey"`
			Mode      string `gorm:"index;not null"`
			Image     string
			Memory    int64
			HostKey   string
			UserID    *uint   `gorm:"uniqueIndex:guest_owner,priority:1"`
			Course    *string `gorm:"uniqueIndex:guest_owner,priority:2"`
			Tutorial  *string `gorm:"uniqueIndex:guest_owner,priority:3"`
			CreatedAt time.Time
			ModeSince time.Time
		}
		type Attempt struct {
			ID         string `gorm:"primaryKey"`
			UserID     uint   `gorm:"index:attempt_owner,priority:1;not null"`
			Course     string `gorm:"index:attempt_owner,priority:2;not null"`
			Tutorial   string `gorm:"index:attempt_owner,priority:3;not null"`
			Check      string `gorm:"column:check_id;index:attempt_owner,priority:4;not null"`
			State      string `gorm:"index;not null"`
			Revision   string
			GuestID    string
			Image      string
			Vars       string
			Verdict    string
			Score      float64
			Points     float64
			Message    string
			ExitStatus *int
			Stdout     string
			StdoutCut  int64
			Stderr     string
			StderrCut  int64
			StartedAt  time.Time `gorm:"index"`
			EndedAt    *time.Time
		}
		type HintOpening struct {
			UserID   uint   `gorm:"primaryKey;autoIncrement:false"`
			Course   string `gorm:"primaryKey"`
			Tutorial string `gorm:"primaryKey"`
			Hint     string `gorm:"primaryKey"`
			At       time.Time
		}
		return tx.AutoMigrate(&User{}, &Session{}, &Setting{}, &Guest{}, &Attempt{}, &HintOpening{})
	},
}
