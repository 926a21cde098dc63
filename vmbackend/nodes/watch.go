package nodes

import (
	"context"
	"sync"

	"github.com/labmark/labmark/vmbackend"
)

// watchRoom is how many events wait for a slow reader before some are lost.
const watchRoom = 256

// watchers hands events to all who watch.
type watchers struct {
	mu     sync.Mutex
	all    map[chan vmbackend.Event]func() bool // and how to stop waiting for its context
	closed bool
}

// Watch implements vmbackend.Backend, with events of all nodes. The guests of a
// node that is lost become vmbackend.Lost.
func (c *Cluster) Watch(ctx context.Context) <-chan vmbackend.Event {
	w := &c.watchers
	ch := make(chan vmbackend.Event, watchRoom)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		close(ch)
		return ch
	}
	if w.all == nil {
		w.all = map[chan vmbackend.Event]func() bool{}
	}
	w.all[ch] = context.AfterFunc(ctx, func() { w.remove(ch) })
	return ch
}

func (w *watchers) remove(ch chan vmbackend.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all[ch] != nil {
		delete(w.all, ch)
		close(ch)
	}
}

func (w *watchers) closeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for ch, stop := range w.all {
		stop()
		delete(w.all, ch)
		close(ch)
	}
}

func (w *watchers) tell(e vmbackend.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.all {
		select {
		case ch <- e:
		default:
		}
	}
}

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
			m.cluster.watchers.tell(e)
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
