package guests

import (
	"context"
	"time"

	"github.com/labmark/labmark/server/store"
)

// activity is what an owner did last.
type activity struct {
	at      time.Time
	address string
	noted   bool // on the owner's rows
}

// Active notes that an owner does something: keys, mouse, checks, never an open
// page alone. The address is where the request came from; empty if it is not
// known. It is cheap, for every key.
func (m *Manager) Active(o store.Owner, address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.active[o] = activity{at: time.Now(), address: address}
}

// lastActive is when an owner did something, as far as this gateway knows; zero
// if it never saw anything.
func (m *Manager) lastActive(o store.Owner) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.active[o].at
}

func (m *Manager) activeAt(row store.Guest) *time.Time {
	o, owned := row.Owner()
	if !owned {
		return nil
	}
	at := m.lastActive(o)
	return &at
}

// noteEvery is how often activity is written to the table.
const noteEvery = time.Minute

// noteActivity keeps the table's rows current, to the minute.
func (m *Manager) noteActivity(ctx context.Context) {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := m.flushActivity(ctx); err != nil && ctx.Err() == nil {
				m.cfg.Log.Error("can't note who is active", "err", err)
			}
		}
	}
}

func (m *Manager) flushActivity(ctx context.Context) error {
	m.mu.Lock()
	var all []store.Touch
	for o, a := range m.active {
		if !a.noted {
			all = append(all, store.Touch{Owner: o, At: a.at, Address: a.address})
		}
	}
	m.mu.Unlock()
	if len(all) == 0 {
		return nil
	}
	if err := m.cfg.Table.TouchGuests(ctx, all); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range all {
		if a := m.active[t.Owner]; a.at.Equal(t.At) {
			a.noted = true
			m.active[t.Owner] = a
		}
	}
	return nil
}
