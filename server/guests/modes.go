package guests

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/labmark/labmark/server/store"
)

// Deed is what is done about a guest that has been in a mode for too long.
type Deed string

const (
	// Remove destroys it. Where it was somebody's, they are told.
	Remove Deed = "remove"
	// SwitchOff keeps it for its owner, with its disk.
	SwitchOff Deed = "switch off"
)

// limit is how long a mode may take, and what is done afterwards.
type limit struct {
	after time.Duration
	deed  Deed
}

// limits are of every mode. docs/guests.md shows the same table.
func limits() map[store.Mode]limit {
	return map[store.Mode]limit{
		store.Preparing: {bootTimeout, Remove},
		// What waits for longer has an old clock and an old state of things.
		store.Free: {12 * time.Hour, Remove},
		// Counted from the owner's last activity.
		store.Assigned:   {24 * time.Hour, SwitchOff},
		store.Suspended:  {7 * 24 * time.Hour, Remove},
		store.Recovering: {30 * time.Minute, Remove},
		// The scan tries again all the time; this is when it counts as trouble.
		store.Retiring: {2 * time.Minute, Remove},
	}
}

// Overrun is a mode that took too long, and what was done.
type Overrun struct {
	Mode store.Mode
	Deed Deed
}

// Overruns are how often modes took too long since the gateway began.
func (m *Manager) Overruns() map[Overrun]int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.overruns)
}

// Mends are what this gateway has mended since it began, and how often: for
// figures.
func (m *Manager) Mends() map[string]uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]uint64{"broken: replaced": uint64(m.broken)}
	for o, n := range m.overruns {
		all[fmt.Sprintf("%s for too long: %s", o.Mode, o.Deed)] += uint64(n)
	}
	return all
}

// deadline is when a row's mode has to be over.
func (m *Manager) deadline(row store.Guest) time.Time {
	if row.Deadline != nil {
		return *row.Deadline
	}
	since := row.ModeSince
	if row.Mode == store.Assigned {
		since = latest(since, row.ActiveAt, m.activeAt(row))
	}
	return since.Add(m.limits[row.Mode].after)
}

func latest(t time.Time, others ...*time.Time) time.Time {
	for _, o := range others {
		if o != nil && o.After(t) {
			t = *o
		}
	}
	return t
}

// overrun counts a row whose mode has taken too long, once, and says whether
// it has.
func (m *Manager) overrun(row store.Guest, now time.Time) bool {
	if !now.After(m.deadline(row)) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.overdue[row.ID] != row.Mode {
		m.overdue[row.ID] = row.Mode
		deed := m.limits[row.Mode].deed
		m.overruns[Overrun{row.Mode, deed}]++
		m.cfg.Log.Warn("a guest was in a mode for too long", "guest", row.ID, "mode", row.Mode, "since", row.ModeSince, "done", deed)
	}
	return true
}

// tidy forgets overruns of guests that are no more.
func (m *Manager) tidy(rows []store.Guest) {
	known := map[string]bool{}
	for _, r := range rows {
		known[r.ID] = true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.overdue, func(id string, _ store.Mode) bool { return !known[id] })
	maps.DeleteFunc(m.aside, func(id string, _ bool) bool { return !known[id] })
}

// mend does what its mode's limit asks for.
func (m *Manager) mend(ctx context.Context, row store.Guest) {
	switch row.Mode {
	case store.Free:
		if m.dropFree(row.ID) {
			m.discard(row.ID)
		}
	case store.Assigned:
		if l := m.holder(row.ID); l != nil {
			m.rest(ctx, l)
		}
	case store.Suspended:
		m.forget(row.ID)
	default:
		m.discard(row.ID)
	}
}

// rest switches off a guest that nobody has used for long.
func (m *Manager) rest(ctx context.Context, l *lease) {
	if l.begin(Stopping, "Switching your machine off.", Ready) {
		m.notify(l.owner)
		m.background(func(ctx context.Context) { m.switchOff(ctx, l, restedWords) })
		return
	}
	if g := l.held(); g != nil && l.Status().State == None {
		m.setMode(ctx, g.id, store.Suspended)
	}
}

const (
	offWords    = "Your machine is switched off. What you did in it is kept."
	restedWords = "Your machine was switched off, because you have not used it for long. What you did in it is kept."
	oldWords    = "Your machine was removed, because you have not used it for long. Start a new one: your points are kept."
)

// forget removes a guest that was kept for its owner.
func (m *Manager) forget(id string) {
	l := m.holder(id)
	if l != nil && !l.begin(Stopping, "", None, Failed) {
		return // it is in use again
	}
	m.discard(id)
	if l != nil {
		l.set(None, oldWords, nil)
		m.notify(l.owner)
	}
}

// setMode keeps a mode that is true already: if that fails the next scan, or
// the next gateway, finds it out.
func (m *Manager) setMode(ctx context.Context, id string, mode store.Mode) {
	if err := m.cfg.Table.SetGuestMode(ctx, id, mode); err != nil && !errors.Is(err, store.ErrNotFound) {
		m.cfg.Log.Error("can't keep a guest's mode", "guest", id, "mode", mode, "err", err)
	}
}
