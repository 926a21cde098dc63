package guests

import (
	"context"
	"maps"
	"time"

	"github.com/labmark/labmark/server/store"
)

// claim gives a free guest to a lease's owner, who loses the one with the ID
// former. It returns nil if none is free, or none will do.
func (m *Manager) claim(ctx context.Context, p Plan, former string, l *lease) *machine {
	if !p.pooled() {
		return nil
	}
	for {
		g := m.takeFree(p.Kind)
		if g == nil {
			return nil
		}
		m.wakeFiller()
		if err := g.answers(ctx); err != nil {
			m.cfg.Log.Warn("a pooled guest does not answer", "guest", g.id, "err", err)
			m.discard(g.id)
			continue
		}
		if err := m.cfg.Table.AssignGuest(ctx, g.id, former, l.owner, l.name); err != nil {
			m.cfg.Log.Warn("a pooled guest can't be assigned", "guest", g.id, "err", err)
			g.hangUp()
			m.discard(g.id)
			return nil
		}
		return g
	}
}

func (m *Manager) takeFree(k Kind) *machine {
	m.mu.Lock()
	defer m.mu.Unlock()
	free := m.free[k]
	if len(free) == 0 {
		return nil
	}
	m.free[k] = free[1:]
	return free[0]
}

// dropFree takes a certain guest out of the pool; false if it is not there.
func (m *Manager) dropFree(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, free := range m.free {
		for i, g := range free {
			if g.id == id {
				g.hangUp()
				m.free[k] = append(free[:i:i], free[i+1:]...)
				return true
			}
		}
	}
	return false
}

// SetPool says how many guests of each kind are to wait ready from now on.
// Those that wait already of a kind that nobody asks for any more are removed.
func (m *Manager) SetPool(pool map[Kind]int) {
	m.mu.Lock()
	m.cfg.Pool = maps.Clone(pool)
	var unwanted []*machine
	for k, free := range m.free {
		if pool[k] == 0 {
			unwanted = append(unwanted, free...)
			delete(m.free, k)
		}
	}
	m.mu.Unlock()
	for _, g := range unwanted {
		g.hangUp()
		m.discard(g.id)
	}
	m.wakeFiller()
}

func (m *Manager) wakeFiller() {
	select {
	case m.fill <- struct{}{}:
	default: // it is awake
	}
}

// fillPool makes missing guests, one at a time, so that students who wait
// for a boot come first. After a failure it pauses, longer each time.
func (m *Manager) fillPool(ctx context.Context) {
	const first, longest = time.Second, time.Minute
	pause := first
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.fill:
		}
		for k := m.lacking(); k != nil && m.spare(); k = m.lacking() {
			if err := m.addFree(ctx, *k); err != nil {
				if ctx.Err() != nil {
					return
				}
				m.cfg.Log.Error("can't make a guest for the pool", "image", k.Image, "again_in", pause, "err", err)
				select {
				case <-ctx.Done():
					return
				case <-time.After(pause):
				}
				pause = min(2*pause, longest)
				continue
			}
			pause = first
		}
	}
}

// lacking returns a kind of which too few are free, or nil.
func (m *Manager) lacking() *Kind {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, want := range m.cfg.Pool {
		if len(m.free[k]) < want {
			return &k
		}
	}
	return nil
}

// spare says whether there is room for a guest that nobody has asked for.
func (m *Manager) spare() bool {
	_, free := m.Counts()
	return !m.queue.waiting(store.Owner{}) && (m.cfg.MaxRunning == 0 || m.used()+free < m.cfg.MaxRunning)
}

func (m *Manager) addFree(ctx context.Context, k Kind) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	g, err := m.create(ctx, Plan{Kind: k, Alone: true}, nil)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.free[k] = append(m.free[k], g)
	return nil
}
