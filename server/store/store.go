// Package store keeps what must survive: users, sessions, guests, attempts.
// It is the only package that knows the database.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// ErrNotFound is returned where a single row was asked for and none is there.
var ErrNotFound = errors.New("not found")

// ErrExists is returned where a row would have to be unique and is not.
var ErrExists = errors.New("exists already")

// ErrInUse is returned where a row can't go because others need it.
var ErrInUse = errors.New("in use")

// Store is safe for use by any number of goroutines.
type Store struct {
	db *gorm.DB
}

// In is the database to open: the one that a setting names, or, where that is
// empty, SQLite's file in the data folder dir.
func In(dir, database string) string {
	if database != "" {
		return database
	}
	return filepath.Join(dir, "labmark.db")
}

// Open opens a database and brings its schema up to date: one of PostgreSQL's
// by its URL (postgres://…), else SQLite's in the file of that name, which is
// made if it is not there.
func Open(name string) (*Store, error) {
	s, err := connect(name)
	if err != nil {
		return nil, err
	}
	if err := s.beforeUpgrade(context.Background(), name); err != nil {
		s.Close()
		return nil, fmt.Errorf("open database %s: %w", Shown(name), err)
	}
	if err := s.upToDate(len(history)); err != nil {
		s.Close()
		return nil, fmt.Errorf("bring database %s up to date: %w", Shown(name), err)
	}
	return s, nil
}

// connect opens a database as it is.
func connect(name string) (*Store, error) {
	dial, shown := sqliteFile, Shown(name)
	if isPostgres(name) {
		dial = postgresURL
	}
	dialector, err := dial(name)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", shown, err)
	}
	db, err := gorm.Open(dialector, &gorm.Config{
		Logger:         slowOnly{logger.NewSlogLogger(slog.Default(), logger.Config{LogLevel: logger.Warn, SlowThreshold: time.Second})},
		TranslateError: true,
		// PostgreSQL keeps no more digits than these.
		NowFunc: func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
	})
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", shown, err)
	}
	s := &Store{db: db}
	if pool, err := db.DB(); err == nil {
		// A new connection is slow: SQLite's reads the whole schema first, and
		// PostgreSQL's is a process. The usual two that are kept are too few
		// for a busy moment.
		pool.SetMaxIdleConns(16)
		if s.postgres() {
			pool.SetMaxOpenConns(40) // of 100 that a server usually allows
		}
	}
	return s, nil
}

// sqliteFile makes writers queue, by immediate transactions and a busy timeout.
// Without them two concurrent read-modify-write transactions lose an update.
func sqliteFile(path string) (gorm.Dialector, error) {
	return sqlite.Open("file:" + path + "?_txlock=immediate" +
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"), nil
}

// slowOnly logs what was slow. What failed is returned, and whoever can do
// nothing about it logs it: a key that is there already may be no error at all.
type slowOnly struct{ logger.Interface }

// Trace is called after each statement.
func (l slowOnly) Trace(ctx context.Context, begin time.Time, what func() (string, int64), _ error) {
	l.Interface.Trace(ctx, begin, what, nil)
}

// LogMode is what GORM changes levels by.
func (l slowOnly) LogMode(level logger.LogLevel) logger.Interface {
	return slowOnly{l.Interface.LogMode(level)}
}

// Close ends all connections.
func (s *Store) Close() error {
	db, err := s.db.DB()
	if err != nil {
		return err
	}
	return db.Close()
}

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	db, err := s.db.DB()
	if err != nil {
		return err
	}
	return db.PingContext(ctx)
}

// translate maps GORM's errors to this package's.
func translate(err error) error {
	switch {
	case errors.Is(err, gorm.ErrRecordNotFound):
		return ErrNotFound
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return ErrExists
	}
	return err
}
