package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Look opens a database to read it as it is: it is neither made nor brought up
// to date, and whatever would change it fails. A file that is not there is
// fs.ErrNotExist.
func Look(name string) (*Store, error) {
	dialector, err := readOnly(name)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Shown(name), err)
	}
	db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard, TranslateError: true})
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Shown(name), err)
	}
	return &Store{db: db}, nil
}

func readOnly(name string) (gorm.Dialector, error) {
	if isPostgres(name) {
		u, err := url.Parse(name)
		if err != nil {
			return nil, errors.New("its address can't be read") // the error would show the password
		}
		q := u.Query()
		q.Set("default_transaction_read_only", "on")
		u.RawQuery = q.Encode()
		return postgresURL(u.String())
	}
	if _, err := os.Stat(name); err != nil {
		return nil, err
	}
	how := "?mode=ro&_pragma=busy_timeout(10000)&_pragma=query_only(1)"
	if _, err := os.Stat(name + "-wal"); err != nil {
		// Nobody has it open. Without this SQLite would leave files beside it.
		how += "&immutable=1"
	}
	return sqlite.Open("file:" + name + how), nil
}

// Schema says how a database's schema differs from this program's.
type Schema struct {
	// Taken are the steps of its history that it has taken, in their order.
	Taken []string
	// Missing are the steps that Open would take; Unknown are those of a newer
	// program.
	Missing, Unknown []string
}

// Schema compares the database with this program.
func (s *Store) Schema(ctx context.Context) (out Schema, err error) {
	db := s.db.WithContext(ctx)
	tables, err := db.Migrator().GetTables()
	if err != nil {
		return out, err
	}
	if slices.Contains(tables, "migrations") {
		if err := db.Table("migrations").Order("id").Pluck("id", &out.Taken).Error; err != nil {
			return out, err
		}
	}
	known := map[string]bool{"SCHEMA_INIT": true} // gormigrate's own
	for _, m := range history {
		known[m.ID] = true
		if !slices.Contains(out.Taken, m.ID) {
			out.Missing = append(out.Missing, m.ID)
		}
	}
	for _, id := range out.Taken {
		if !known[id] {
			out.Unknown = append(out.Unknown, id)
		}
	}
	return out, nil
}

// Damage reads the whole database and says what in it is broken; nothing where
// it is sound. PostgreSQL looks after that itself, and is not asked.
func (s *Store) Damage(ctx context.Context) ([]string, error) {
	if s.postgres() {
		return nil, nil
	}
	var said []string
	err := s.db.WithContext(ctx).Raw("PRAGMA integrity_check(20)").Scan(&said).Error
	return slices.DeleteFunc(said, func(line string) bool { return line == "ok" }), err
}

// StuckGrades counts the grades that platforms have refused, and those that
// have been tried in vain and are older than the given time.
func (s *Store) StuckGrades(ctx context.Context, older time.Time) (refused, waiting int64, err error) {
	err = s.db.WithContext(ctx).Model(&OutboxGrade{}).Where("state = ?", OutboxRefused).Count(&refused).Error
	if err != nil {
		return 0, 0, err
	}
	err = s.db.WithContext(ctx).Model(&OutboxGrade{}).
		Where("state IN ? AND tries > 0 AND changed_at < ?", []string{OutboxWaiting, OutboxSending}, older.UTC()).Count(&waiting).Error
	return refused, waiting, err
}
