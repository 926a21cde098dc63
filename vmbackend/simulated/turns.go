package simulated

import (
	"context"
	"fmt"
	"sync"

	"github.com/labmark/labmark/vmbackend"
)

// errDestroyed ends calls that a Destroy has overtaken.
var errDestroyed = fmt.Errorf("the guest was destroyed meanwhile: %w", vmbackend.ErrNoGuest)

// turns lets calls for the same guest happen one after another, in the order
// in which they came, and calls for different guests side by side.
type turns struct {
	mu    sync.Mutex
	lines map[string]*line
}

// line is the calls that are about one guest.
type line struct {
	turn chan struct{} // holds one token while a call has its turn
	all  int           // calls in the line, with the one whose turn it is
	// calls are those that a Destroy may cut short.
	calls map[*int]context.CancelCauseFunc
}

// enter waits for a turn. The returned context ends early when a Destroy
// overtakes the call; leave must be called in the end. With overtake, calls
// that are in the line already are cut short.
func (t *turns) enter(ctx context.Context, id string, overtake bool) (_ context.Context, leave func(), _ error) {
	ctx, cancel := context.WithCancelCause(ctx)
	l, key := t.join(id, cancel, overtake)
	give := func() {
		cancel(nil)
		t.part(id, l, key)
	}
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		give()
		return nil, nil, context.Cause(ctx)
	}
	leave = func() {
		<-l.turn
		give()
	}
	if ctx.Err() != nil { // both were ready
		leave()
		return nil, nil, context.Cause(ctx)
	}
	return ctx, leave, nil
}

func (t *turns) join(id string, cancel context.CancelCauseFunc, overtake bool) (*line, *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[id]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1), calls: map[*int]context.CancelCauseFunc{}}
		if t.lines == nil {
			t.lines = map[string]*line{}
		}
		t.lines[id] = l
	}
	l.all++
	if overtake {
		for _, stop := range l.calls {
			stop(errDestroyed)
		}
		return l, nil
	}
	key := new(int)
	l.calls[key] = cancel
	return l, key
}

func (t *turns) part(id string, l *line, key *int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(l.calls, key)
	if l.all--; l.all == 0 {
		delete(t.lines, id)
	}
}
