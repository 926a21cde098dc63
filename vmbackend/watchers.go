package vmbackend

import (
	"context"
	"sync"
)

// watchRoom is how many events wait for a slow reader before some are lost.
const watchRoom = 256

// Watchers hands a backend's events to all who watch, as Backend.Watch says.
// The zero value has none.
type Watchers struct {
	mu     sync.Mutex
	all    map[chan Event]func() bool // and how to stop waiting for its context
	closed bool
}

// Add returns a channel of the events from now on, until ctx or the Watchers
// end.
func (w *Watchers) Add(ctx context.Context) <-chan Event {
	ch := make(chan Event, watchRoom)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		close(ch)
		return ch
	}
	if w.all == nil {
		w.all = map[chan Event]func() bool{}
	}
	w.all[ch] = context.AfterFunc(ctx, func() { w.remove(ch) })
	return ch
}

func (w *Watchers) remove(ch chan Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all[ch] != nil {
		delete(w.all, ch)
		close(ch)
	}
}

// Tell never waits: who has no room left misses the event.
func (w *Watchers) Tell(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for ch := range w.all {
		select {
		case ch <- e:
		default:
		}
	}
}

// Close ends all channels, and those that are asked for later.
func (w *Watchers) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for ch, stop := range w.all {
		stop()
		delete(w.all, ch)
		close(ch)
	}
}

// WithDeadline gives a context without a deadline the contract's default.
func WithDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, DefaultTimeout)
}
