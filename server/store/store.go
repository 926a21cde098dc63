// Package store keeps what must survive: users, sessions, guests, attempts.
// It is the only package that knows the database.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// Open opens or creates the SQLite database in the file path and brings its
// schema up to date.
func Open(path string) (*Store, error) {
	// Immediate transactions and a busy timeout make writers queue. Without
	// them two concurrent read-modify-write transactions lose an update.
	dsn := "file:" + path + "?_txlock=immediate" +
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)"
	db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{
		Logger:         slowOnly{logger.NewSlogLogger(slog.Default(), logger.Config{LogLevel: logger.Warn, SlowThreshold: time.Second})},
		TranslateError: true,
		NowFunc:        func() time.Time { return time.Now().UTC() },
	})
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s := &Store{db: db}
	if pool, err := db.DB(); err == nil {
		// A new connection reads the whole schema first. The usual two that are
		// kept are too few for a busy moment.
		pool.SetMaxIdleConns(16)
	}
	if err := migrate(db); err != nil {
		s.Close()
		return nil, fmt.Errorf("bring database %s up to date: %w", path, err)
	}
	return s, nil
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
