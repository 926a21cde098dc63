// Package audit notes who did what, where from and when, for the time that a
// server keeps it.
//
// Noting never holds up whoever does something: entries wait in memory until
// they are written together. An orderly end writes all of them; what comes
// faster than the database takes it is lost, and counted.
package audit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labmark/labmark/server/store"
)

// Acts. Pages say them in the viewer's language.
const (
	Login         = "login"
	LoginFailed   = "login.failed"
	Logout        = "logout"
	Launch        = "launch"
	LaunchRefused = "launch.refused"

	GuestAsked    = "guest.start"
	GuestReset    = "guest.reset"
	GuestStopped  = "guest.stop"
	GuestAssigned = "guest.assigned"
	GuestRetired  = "guest.retired"
	GuestMoved    = "guest.move"

	TerminalOpened = "terminal.open"
	TerminalClosed = "terminal.close"
	DesktopOpened  = "desktop.open"
	DesktopClosed  = "desktop.close"

	Check    = "check"
	Hint     = "hint"
	Solution = "solution"
	File     = "file"
	Key      = "key"

	Decision = "decision" // of who teaches, upon somebody's points
	Export   = "export"
	Import   = "import"
	Settings = "settings"
	Platform = "platform"
	Node     = "node"
	Source   = "source"
	Other    = "other"
)

const (
	// room is how many entries may wait.
	room = 8192
	// batch is how many are written together, pause how long the first waits
	// for others.
	batch = 200
	pause = 200 * time.Millisecond
	// lastWrite bounds what Close still writes.
	lastWrite = 10 * time.Second
)

// Table is where entries are kept.
type Table interface {
	AddAudit(context.Context, []store.AuditEntry) error
	PruneAudit(ctx context.Context, before time.Time) error
}

// Log takes entries from any goroutine.
type Log struct {
	table   Table
	keep    time.Duration
	log     *slog.Logger
	entries chan store.AuditEntry
	dropped atomic.Uint64

	mu   sync.Mutex
	last map[uint]string // address that a person was seen at last
}

// New returns a Log that keeps entries for a time; 0 is for ever. Run writes
// them, Close the rest.
func New(table Table, keep time.Duration, log *slog.Logger) *Log {
	return &Log{table: table, keep: keep, log: log, entries: make(chan store.AuditEntry, room), last: map[uint]string{}}
}

// Note takes an entry and returns at once. Its time is now, unless it has one.
// Where it has no address it gets the person's last.
func (l *Log) Note(e store.AuditEntry) {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	if e.UserID != nil {
		l.mu.Lock()
		if e.Address == "" {
			e.Address = l.last[*e.UserID]
		} else {
			l.last[*e.UserID] = e.Address
		}
		l.mu.Unlock()
	}
	e.Subject, e.Details = cut(e.Subject), cut(e.Details)
	select {
	case l.entries <- e:
	default:
		if n := l.dropped.Add(1); n == 1 || n%1000 == 0 {
			l.log.Error("entries of the audit are lost: the database is too slow", "lost", n)
		}
	}
}

// cut bounds what a browser may have us keep.
func cut(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// Dropped is how many entries were lost since the start.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Run writes entries and removes old ones until ctx ends.
func (l *Log) Run(ctx context.Context) {
	tidy := time.NewTicker(time.Hour)
	defer tidy.Stop()
	l.prune(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tidy.C:
			l.prune(ctx)
		case e := <-l.entries:
			if !l.write(ctx, l.gather(ctx, e)) {
				return
			}
		}
	}
}

// gather takes what comes within the pause after the first.
func (l *Log) gather(ctx context.Context, first store.AuditEntry) []store.AuditEntry {
	all := []store.AuditEntry{first}
	over := time.NewTimer(pause)
	defer over.Stop()
	for len(all) < batch {
		select {
		case e := <-l.entries:
			all = append(all, e)
		case <-over.C:
			return all
		case <-ctx.Done():
			return all
		}
	}
	return all
}

// write tries until it succeeds; false when ctx has ended, with one last try.
func (l *Log) write(ctx context.Context, all []store.AuditEntry) bool {
	for again := time.Second; ; again = min(2*again, time.Minute) {
		if ctx.Err() != nil {
			return l.writeLast(all)
		}
		err := l.table.AddAudit(ctx, all)
		if err == nil {
			return true
		}
		if ctx.Err() == nil {
			l.log.Error("can't write the audit, will try again", "entries", len(all), "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// writeLast gives what can't be written up for lost.
func (l *Log) writeLast(all []store.AuditEntry) bool {
	ctx, cancel := context.WithTimeout(context.Background(), lastWrite)
	defer cancel()
	if err := l.table.AddAudit(ctx, all); err != nil {
		l.dropped.Add(uint64(len(all)))
		l.log.Error("entries of the audit are lost", "entries", len(all), "err", err)
	}
	return false
}

// Close writes what still waits. Call it after Run has returned and nothing
// notes any more.
func (l *Log) Close() {
	var rest []store.AuditEntry
	for {
		select {
		case e := <-l.entries:
			rest = append(rest, e)
			continue
		default:
		}
		if len(rest) > 0 {
			l.writeLast(rest)
		}
		return
	}
}

func (l *Log) prune(ctx context.Context) {
	if l.keep <= 0 {
		return
	}
	if err := l.table.PruneAudit(ctx, time.Now().Add(-l.keep)); err != nil && ctx.Err() == nil {
		l.log.Error("can't remove old entries of the audit", "err", err)
	}
}
