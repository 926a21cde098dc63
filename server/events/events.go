// Package events carries news from where they happen to the pages that show
// them.
package events

import (
	"maps"
	"slices"
	"sync"

	"github.com/labmark/labmark/server/store"
)

// Event is one piece of news for one student's work on one tutorial.
type Event struct {
	Name string // of the server-sent event
	Data any    // marshals to JSON
}

// queueLength is how far a page may lag behind before it is cut off. It then
// connects again and is told the state of everything afresh.
const queueLength = 64

// Hub hands every event to all who listen to its owner. The zero Hub is ready.
type Hub struct {
	mu        sync.Mutex
	listeners map[store.Owner]map[chan Event]bool
}

// Listen returns a channel of an owner's events from now on, and a function
// that ends it. The channel is closed early if its reader lags too far behind.
func (h *Hub) Listen(o store.Owner) (<-chan Event, func()) {
	ch := make(chan Event, queueLength)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners == nil {
		h.listeners = map[store.Owner]map[chan Event]bool{}
	}
	if h.listeners[o] == nil {
		h.listeners[o] = map[chan Event]bool{}
	}
	h.listeners[o][ch] = true
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(o, ch)
	}
}

// Publish never blocks.
func (h *Hub) Publish(o store.Owner, e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.listeners[o] {
		select {
		case ch <- e:
		default:
			h.drop(o, ch)
		}
	}
}

// Everybody tells all who listen, whoever's events they are. It never blocks.
func (h *Hub) Everybody(e Event) {
	h.mu.Lock()
	owners := slices.Collect(maps.Keys(h.listeners))
	h.mu.Unlock()
	for _, o := range owners {
		h.Publish(o, e)
	}
}

// drop wants h.mu held.
func (h *Hub) drop(o store.Owner, ch chan Event) {
	if !h.listeners[o][ch] {
		return
	}
	close(ch)
	delete(h.listeners[o], ch)
	if len(h.listeners[o]) == 0 {
		delete(h.listeners, o)
	}
}
