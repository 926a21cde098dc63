package guests

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// Recover compares the assignment table with the guests that a former run of
// the gateway left, takes over what is of use and removes the rest. Call it
// once, before Run and before any student comes.
func (m *Manager) Recover(ctx context.Context) error {
	there, err := m.cfg.Backend.List(ctx)
	if err != nil {
		return fmt.Errorf("list guests: %w", err)
	}
	rows, err := m.cfg.Table.Guests(ctx)
	if err != nil {
		return fmt.Errorf("read the assignment table: %w", err)
	}
	left := map[string]vmbackend.Guest{}
	for _, g := range there {
		left[g.ID] = g
	}
	for _, row := range rows {
		m.takeOver(row, left[row.ID].State)
	}
	if err := m.recoverQueue(ctx); err != nil {
		return fmt.Errorf("read the queue for guests: %w", err)
	}
	m.removeStrays(there, rows)
	return nil
}

// takeOver makes use of one row, or removes it with its guest. The state is
// empty if the backend knows no such guest.
func (m *Manager) takeOver(row store.Guest, state vmbackend.State) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(row.HostKey))
	owner, owned := row.Owner()
	g := m.machine(row.ID, kindOf(row), key)
	g.prepared, g.made = row.Prepared, row.CreatedAt
	lease := func() *lease { return m.lab(owner).lease(m.nameOf(row, owner)) }
	owned = owned && (row.Mode == store.Assigned || row.Mode == store.Suspended)
	if owned && row.ActiveAt != nil {
		m.active[owner] = activity{at: latest(m.active[owner].at, row.ActiveAt), address: row.Address, noted: true}
	}
	switch {
	case err != nil || state == "":
		m.discard(row.ID)
		if owned {
			lease().set(None, goneWords, nil)
		}
	case owned && state == vmbackend.Running && g.prepared:
		lease().set(Ready, "Your machine is ready.", g)
		m.inMode(row, store.Assigned)
	case owned && state == vmbackend.Running:
		// The gateway ended while it prepared the exercise.
		l := lease()
		l.set(Starting, "Preparing the exercise.", g)
		m.supply(owner, []job{{l, func(context.Context) (*machine, error) { return g, nil }}})
	case owned && state == vmbackend.Suspended:
		g.frozen = row.ModeSince
		lease().set(None, suspendedWords, g)
		m.inMode(row, store.Suspended)
	case owned && state == vmbackend.Lost:
		lease().set(None, awayWords, g)
	case owned:
		lease().set(None, offWords, g)
		m.inMode(row, store.Suspended)
	case row.Mode == store.Recovering:
		m.aside[row.ID] = true
	case row.Mode == store.Free && state == vmbackend.Running && m.cfg.Pool[g.kind] > 0:
		m.free[g.kind] = append(m.free[g.kind], g)
	default:
		m.discard(row.ID)
	}
}

// nameOf is what the tutorial calls a guest. One from before guests had names
// was the only one.
func (m *Manager) nameOf(row store.Guest, o store.Owner) string {
	if row.Name != "" {
		return row.Name
	}
	if plans, err := m.cfg.Plans(o); err == nil && len(plans) > 0 {
		return plans[0].Name
	}
	return ""
}

// kindOf is what a guest in the table was made as.
func kindOf(row store.Guest) Kind {
	return Kind{Image: row.Image, Memory: row.Memory, Desktop: row.Desktop, Mirror: row.Mirror}
}

// removeStrays destroys guests of this installation that have no row. It
// wants the list to be older than the rows: rows are written first.
func (m *Manager) removeStrays(there []vmbackend.Guest, rows []store.Guest) {
	known := map[string]bool{}
	for _, r := range rows {
		known[r.ID] = true
	}
	for _, g := range there {
		if g.Labels[gatewayLabel] == m.cfg.Gateway && !known[g.ID] {
			m.cfg.Log.Warn("removing a guest that nobody knows", "guest", g.ID)
			m.discard(g.ID)
		}
	}
}

// discard marks a guest as retiring and removes it in the background.
func (m *Manager) discard(id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), 10*time.Second)
	defer cancel()
	// If this fails the row keeps its mode, and the next scan or the next
	// start of the gateway comes back to it.
	_ = m.cfg.Table.SetGuestMode(ctx, id, store.Retiring)
	m.retire(id)
}

// inMode keeps that a guest is in another mode than its row says.
func (m *Manager) inMode(row store.Guest, mode store.Mode) {
	if row.Mode != mode {
		ctx, cancel := context.WithTimeout(m.ctx, 10*time.Second)
		defer cancel()
		m.setMode(ctx, row.ID, mode)
	}
}

// retire destroys a guest in the background and deletes its row. If that
// fails the row stays, and the scan tries again.
func (m *Manager) retire(id string) {
	m.background(func(ctx context.Context) {
		err := m.cfg.Backend.Destroy(ctx, id)
		if err == nil {
			err = m.cfg.Table.DeleteGuest(ctx, id)
		}
		m.removed(id, err)
		if err == nil {
			m.wakeUsher()
		}
	})
}

// watch follows the backend's events. They are hints to look sooner; what is
// true is found by the scan.
func (m *Manager) watch(ctx context.Context) {
	events := m.cfg.Backend.Watch(ctx)
	for ev := range events {
		if !m.telling(ev) {
			continue
		}
		// A node that is lost tells of all its guests: one scan is enough.
		for n := len(events); n > 0; n-- {
			m.telling(<-events)
		}
		if err := m.scan(ctx); err != nil && ctx.Err() == nil {
			m.cfg.Log.Error("scan of guests failed", "err", err)
		}
	}
}

// telling says whether an event is about a guest that has ended or is lost.
func (m *Manager) telling(ev vmbackend.Event) bool {
	switch ev.State {
	case vmbackend.Stopped:
		m.cfg.Log.Info("guest ended", "guest", ev.ID, "reason", ev.Reason)
	case vmbackend.Lost:
		m.cfg.Log.Info("guest lost", "guest", ev.ID, "reason", ev.Reason)
	default:
		return false
	}
	return true
}

// ended deals with a guest that did not run when looked at.
func (m *Manager) ended(id string, looked time.Time) {
	if m.dropFree(id) {
		m.discard(id)
		return
	}
	l := m.holder(id)
	if l == nil || !l.lose(looked) {
		return // nobody's, or an operation is under way that will notice
	}
	m.cfg.Log.Warn("a student's guest ended by itself", "guest", id, "user", l.owner.UserID)
	l.held().hangUp()
	m.setMode(m.ctx, id, store.Suspended)
	m.notify(l.owner)
	m.wakeUsher()
}

const goneWords = "Your machine was lost. Start a new one: your points are kept."

// gone deals with a guest that the backend has no trace of.
func (m *Manager) gone(id string, looked time.Time) {
	m.ended(id, looked)
	l := m.holder(id)
	if l == nil || !l.begin(Stopping, "", None, Failed) {
		return
	}
	m.discard(id)
	l.set(None, goneWords, nil)
	m.notify(l.owner)
}

// holder returns the lease that holds a guest, or nil.
func (m *Manager) holder(id string) *lease {
	for _, l := range m.leases() {
		if g := l.held(); g != nil && g.id == id {
			return l
		}
	}
	return nil
}

// scanEvery runs scan with a pause between.
func (m *Manager) scanEvery(ctx context.Context, pause time.Duration) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := m.scan(ctx); err != nil && ctx.Err() == nil {
				m.cfg.Log.Error("scan of guests failed", "err", err)
			}
		}
	}
}

// clockStep is how exactly a row's time is kept at least: what seems as old as
// a list may be newer, and is looked at again by the next scan.
const clockStep = time.Millisecond

// scan mends what events have missed, both ways: guests without a row, rows
// without a guest, guests that ended unseen, removals that failed.
func (m *Manager) scan(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	begun := time.Now()
	there, err := m.cfg.Backend.List(ctx)
	if err != nil {
		return err
	}
	rows, err := m.cfg.Table.Guests(ctx)
	if err != nil {
		return err
	}
	m.removeStrays(there, rows)
	m.tidy(rows)
	found := map[string]vmbackend.Guest{}
	for _, g := range there {
		found[g.ID] = g
	}
	for _, row := range rows {
		g, known := found[row.ID]
		if known && g.Node != row.Node {
			if err := m.cfg.Table.SetGuestNode(ctx, row.ID, g.Node); err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		overrun := m.overrun(row, begun)
		switch {
		case row.Mode == store.Preparing && !overrun, !row.ModeSince.Before(begun.Add(-clockStep)):
			// under way, or newer than the list
		case row.Mode == store.Retiring:
			m.retire(row.ID)
		case overrun:
			m.mend(ctx, row)
		case !known:
			m.gone(row.ID, begun)
		case g.State == vmbackend.Stopped:
			m.ended(row.ID, begun)
		case g.State == vmbackend.Lost:
			m.lost(row.ID, begun)
		}
	}
	m.wakeFiller()
	return nil
}
