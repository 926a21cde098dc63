package audit

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/server/store"
)

// table is a database that can be away.
type table struct {
	mu     sync.Mutex
	away   bool
	rows   []store.AuditEntry
	pruned time.Time
}

func (t *table) AddAudit(_ context.Context, all []store.AuditEntry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.away {
		return errors.New("away")
	}
	t.rows = append(t.rows, all...)
	return nil
}

func (t *table) PruneAudit(_ context.Context, before time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pruned = before
	return nil
}

func (t *table) count() int { t.mu.Lock(); defer t.mu.Unlock(); return len(t.rows) }

func mustRun(t *testing.T, db *table) (l *Log, stop func()) {
	t.Helper()
	l = New(db, 24*time.Hour, slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { l.Run(ctx) })
	return l, func() { cancel(); done.Wait(); l.Close() }
}

func TestNothingIsLostAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{}
		l, stop := mustRun(t, db)
		user := uint(7)
		for range 1000 {
			l.Note(store.AuditEntry{Act: Check, UserID: &user, Address: "192.0.2.7"})
		}
		l.Note(store.AuditEntry{Act: GuestAssigned, UserID: &user})
		stop()
		if n := db.count(); n != 1001 || l.Dropped() != 0 {
			t.Fatalf("%d of 1001 entries were written, %d counted as lost", n, l.Dropped())
		}
		if last := db.rows[1000]; last.Address != "192.0.2.7" {
			t.Errorf("who got a guest is not known by the last address: %+v", last)
		}
	})
}

func TestDatabaseAwayHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &table{away: true}
		l, stop := mustRun(t, db)
		begun := time.Now()
		for range room + 500 {
			l.Note(store.AuditEntry{Act: Check})
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("noting has waited %v for the database", took)
		}
		time.Sleep(time.Second) // of the fake clock
		db.mu.Lock()
		db.away = false
		db.mu.Unlock()
		time.Sleep(10 * time.Minute)
		lost := int(l.Dropped())
		if n := db.count(); n+lost != room+500 || lost == 0 {
			t.Errorf("%d written and %d counted as lost do not make %d", n, lost, room+500)
		}
		if old := time.Since(db.pruned); old < 24*time.Hour || old > 26*time.Hour {
			t.Errorf("entries are removed after %v, want a day", old)
		}
		stop()
	})
}
