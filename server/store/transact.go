package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// transact runs f in a transaction, and again where PostgreSQL has let another
// one go first: f must begin from what it was given each time.
//
// SQLite runs one writer after the other. PostgreSQL runs them together, each
// seeing what is committed: whoever decides by what it has read takes a turn.
func (s *Store) transact(ctx context.Context, f func(tx *gorm.DB) error) error {
	return again(ctx, func() error { return s.db.WithContext(ctx).Transaction(f) })
}

// exec runs one statement that changes many rows, in whatever order.
func (s *Store) exec(ctx context.Context, sql string, args map[string]any) error {
	return s.transact(ctx, func(tx *gorm.DB) error { return tx.Exec(sql, args).Error })
}

// snapshot runs f on one moment of the database, and holds up no writer.
func (s *Store) snapshot(ctx context.Context, f func(tx *gorm.DB) error) error {
	opt := &sql.TxOptions{ReadOnly: true}
	if s.postgres() {
		opt.Isolation = sql.LevelRepeatableRead
	}
	return s.db.WithContext(ctx).Transaction(f, opt)
}

// again repeats what f did for nothing.
func again(ctx context.Context, f func() error) error {
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := f()
		if !lostRace(err) || pause == time.Second {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// lostRace is true where all that a transaction has done was undone, because
// of others at the same moment.
func lostRace(err error) bool {
	if errors.Is(err, errRace) {
		return true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "40001", // serialization failure
		"40P01", // deadlock
		"0A000": // the plan of a statement is older than its table
		return true
	}
	return false
}

// turnOf a context is taken by what says who its members are, and shared by
// what goes by that.
func turnOf(contextID uint) string { return fmt.Sprint("context ", contextID) }

// forUpdate keeps others from changing the rows that are read; SQLite's
// writers are alone anyway, and its dialect leaves it out.
var forUpdate = clause.Locking{Strength: clause.LockingStrengthUpdate}

// findOrAdd reads the row that where names into row, or stores row as that,
// and says whether it did. Until the transaction ends nobody else changes it.
func findOrAdd[T any](tx *gorm.DB, row *T, where string, args ...any) (added bool, err error) {
	told := *row
	find := func() error { *row = *new(T); return tx.Clauses(forUpdate).Where(where, args...).First(row).Error }
	if err := find(); !errors.Is(err, gorm.ErrRecordNotFound) {
		return false, err
	}
	*row = told
	res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(row)
	if res.Error != nil || res.RowsAffected == 1 {
		return true, res.Error
	}
	return false, find() // another was quicker
}

// errRace is what a transaction returns that has to begin anew.
var errRace = errors.New("others did the same at the same moment")

// takeTurn waits until no other transaction has a turn about the same, and
// keeps it until its own ends. On SQLite every writer has it.
func takeTurn(tx *gorm.DB, about string) error {
	if !onPostgres(tx) {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", "labmark "+about).Error
}

// shareTurn lets others share it; who takes a turn alone waits for all of them.
func shareTurn(tx *gorm.DB, about string) error {
	if !onPostgres(tx) {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock_shared(hashtextextended(?, 0))", "labmark "+about).Error
}
