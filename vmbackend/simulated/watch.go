package simulated

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
	all    map[chan vmbackend.Event]bool
	closed bool
}

func (w *watchers) add(ctx context.Context) <-chan vmbackend.Event {
	ch := make(chan vmbackend.Event, watchRoom)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		close(ch)
		return ch
	}
	if w.all == nil {
		w.all = map[chan vmbackend.Event]bool{}
	}
	w.all[ch] = true
	context.AfterFunc(ctx, func() { w.remove(ch) })
	return ch
}

func (w *watchers) remove(ch chan vmbackend.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all[ch] {
		delete(w.all, ch)
		close(ch)
	}
}

func (w *watchers) closeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for ch := range w.all {
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
