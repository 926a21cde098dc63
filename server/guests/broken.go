package guests

import (
	"context"

	"github.com/labmark/labmark/server/store"
)

// Broken gives the owner another guest of that name, or of all for an empty
// one, as Reset does. The old one is kept aside for an administrator to look
// at, where there is room and the new one does not need its networks.
func (m *Manager) Broken(o store.Owner, name string) (Status, error) {
	m.mu.Lock()
	m.broken++
	m.mu.Unlock()
	m.cfg.Log.Warn("a student says that a machine is broken", "user", o.UserID, "course", o.Course, "tutorial", o.Tutorial, "machine", name)
	return m.renew(o, name, m.replaceBroken)
}

// replaceBroken swaps the guest of a lease that is Resetting.
func (m *Manager) replaceBroken(ctx context.Context, l *lease, p Plan) (*machine, error) {
	old := l.held()
	if old == nil || len(p.Cards) > 0 || m.queue.waiting(store.Owner{}) || !m.setAside(ctx, old, l.owner.Course) {
		return m.replace(ctx, l, p)
	}
	g, err := m.fresh(ctx, l, p)
	if err != nil {
		// The place that it takes is wanted more.
		if gone := m.cfg.Backend.Destroy(ctx, old.id); gone != nil {
			return nil, err
		}
		m.retire(old.id)
		return m.fresh(ctx, l, p)
	}
	return g, nil
}

// setAside takes a guest from its owner and keeps it; false if there is no room
// for that.
func (m *Manager) setAside(ctx context.Context, g *machine, course string) bool {
	if !m.hold(1, course) {
		return false
	}
	defer m.hold(-1, "")
	if err := m.cfg.Table.SetGuestMode(ctx, g.id, store.Recovering); err != nil {
		return false
	}
	g.hangUp()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.aside[g.id] = true
	return true
}
