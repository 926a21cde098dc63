package nodes

import (
	"context"

	"github.com/labmark/labmark/vmbackend"
)

// Watch implements vmbackend.Backend, with events of all nodes. The guests of a
// node that is lost become vmbackend.Lost.
func (c *Cluster) Watch(ctx context.Context) <-chan vmbackend.Event { return c.watchers.Add(ctx) }

// forward hands on the events of a node until ctx ends.
func (m *member) forward(ctx context.Context) {
	for e := range m.open().Watch(ctx) {
		m.cluster.mu.Lock()
		if h := m.guests[e.ID]; h != nil {
			h.State = e.State
		}
		lost := m.lost()
		m.cluster.mu.Unlock()
		if !lost {
			m.cluster.watchers.Tell(e)
		}
	}
}

// guestEvents say of each guest of the node how it is seen from now on. The
// cluster's mutex is held.
func (m *member) guestEvents() []vmbackend.Event {
	var out []vmbackend.Event
	for _, h := range m.guests {
		e := vmbackend.Event{ID: h.ID, State: h.State}
		if m.lost() {
			e.State, e.Reason = vmbackend.Lost, m.unreachable().Error()
		}
		out = append(out, e)
	}
	return out
}
