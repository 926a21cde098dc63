package libvirt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// guest is a Backend's handle of one guest: whose turn it is, what it was seen
// to do last, and the link to its agent.
type guest struct {
	id   string
	turn chan struct{} // holds one token; whoever has it may change the guest

	mu        sync.Mutex
	gone      bool // the guest has been removed: ask for the handle again
	last      moment
	changed   chan struct{} // closed and replaced when last or link changes
	interrupt context.CancelCauseFunc
	keeper    *keeper
}

// moment is a state and when and why it was entered; zero is "nothing yet".
type moment struct {
	state  vmbackend.State
	since  time.Time
	reason string
}

// change runs do when it is the guest's turn, and returns when do or ctx ends.
// do goes on without its caller: what libvirtd has been asked to do cannot be
// taken back, and the next call must not overtake it.
func (b *Backend) change(ctx context.Context, what, id string, limit time.Duration, do func(context.Context, *guest) error) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if !vmbackend.ValidID(id) {
		return fmt.Errorf("%s guest %q: %w", what, id, vmbackend.ErrNoGuest)
	}
	g, err := b.hold(ctx, id)
	if err != nil {
		return fmt.Errorf("%s guest %s: %w", what, id, err)
	}
	done := make(chan error, 1)
	b.work.Go(func() {
		ctx, cancel := context.WithTimeout(b.life, limit)
		defer cancel()
		err := do(ctx, g)
		var end gone
		if errors.As(err, &end) {
			err = end.error
		}
		b.release(g, end.gone || errors.Is(err, vmbackend.ErrNoGuest))
		done <- err
	})
	select {
	case err = <-done:
	case <-ctx.Done():
		err = fmt.Errorf("it goes on, but takes longer than it was given: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("%s guest %s: %w", what, id, err)
	}
	return nil
}

// gone is how a change says that its guest is no more, or never came to be,
// with or without an error.
type gone struct {
	error
	gone bool
}

func (g gone) Error() string { return "the guest is no more" }

// hold waits for the turn to change a guest, which may not exist.
func (b *Backend) hold(ctx context.Context, id string) (*guest, error) {
	for {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		g, err := b.handle(id)
		if err != nil {
			return nil, err
		}
		select {
		case <-g.turn:
		case <-ctx.Done():
			return nil, fmt.Errorf("it is busy: %w", context.Cause(ctx))
		}
		g.mu.Lock()
		gone := g.gone
		g.mu.Unlock()
		if !gone {
			return g, nil
		}
		g.turn <- struct{}{}
	}
}

func (b *Backend) handle(id string) (*guest, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	g := b.guests[id]
	if g == nil {
		g = &guest{id: id, turn: make(chan struct{}, 1), changed: make(chan struct{})}
		g.turn <- struct{}{}
		b.guests[id] = g
	}
	return g, nil
}

// known is handle without making one.
func (b *Backend) known(id string) *guest {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.guests[id]
}

// release gives the turn back. The handle of a guest that is no more is
// dropped; others who wait for the turn then ask for a new one.
func (b *Backend) release(g *guest, gone bool) {
	if gone {
		b.part(g)
		b.mu.Lock()
		g.mu.Lock()
		g.gone = true
		if b.guests[g.id] == g {
			delete(b.guests, g.id)
		}
		g.mu.Unlock()
		b.mu.Unlock()
	}
	g.turn <- struct{}{}
}

// interruptible is do with a context that ends when Stop or Destroy want the
// guest's turn; then their reason comes before do's error.
func interruptible(do func(context.Context, *guest) error) func(context.Context, *guest) error {
	return func(ctx context.Context, g *guest) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		g.mayInterrupt(cancel)
		defer g.mayInterrupt(nil)
		err := do(ctx, g)
		if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
			err = fmt.Errorf("%w (%w)", cause, err)
		}
		return err
	}
}

func (g *guest) mayInterrupt(cancel context.CancelCauseFunc) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.interrupt = cancel
}

// hurry makes a change of the guest that is under way give up.
func (b *Backend) hurry(id string, cause error) {
	g := b.known(id)
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.interrupt != nil {
		g.interrupt(cause)
	}
}

// look returns what the guest does, its link if there is one, and a channel
// that the next change closes.
func (g *guest) look() (moment, *keeper, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, g.keeper, g.changed
}

// announce wakes all who wait for a change. The caller holds mu.
func (g *guest) announce() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// note takes down what the guest does now and tells the watchers.
func (b *Backend) note(g *guest, s vmbackend.State, reason string) {
	g.mu.Lock()
	fresh := g.last.state != s
	if fresh {
		g.last = moment{s, time.Now(), reason}
		g.announce()
	}
	g.mu.Unlock()
	if fresh {
		b.watchers.Tell(vmbackend.Event{ID: g.id, State: s, Reason: reason})
	}
}

// rpcPatience bounds a call to libvirtd that must not be left half way.
const rpcPatience = time.Minute

// firm is a context for such a call: it does not end when the caller loses
// patience or Stop wants its turn, only with the Backend.
func (b *Backend) firm() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.life, rpcPatience)
}
