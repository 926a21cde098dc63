package uml

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

// guest is a Backend's handle of one guest: whose turn it is, and what its
// supervisor said last. It knows nothing that is not on disk or in the shim.
type guest struct {
	id   string
	turn chan struct{} // holds one token; whoever has it may change the guest

	following sync.Mutex // held while follow connects

	mu        sync.Mutex
	gone      bool // the guest has been removed: ask for the handle again
	last      event
	changed   chan struct{} // closed and replaced when last changes
	interrupt context.CancelCauseFunc
}

// event is what a supervisor says; the zero one is "nothing yet".
type event shim.Event

// alive says whether the supervisor that said it may still be there.
func (e event) alive() bool { return e.State != "" && e.State != vmbackend.Stopped }

// hold waits for the turn to change a guest, which may not exist.
func (b *Backend) hold(ctx context.Context, id string) (*guest, error) {
	for {
		g, err := b.handle(id)
		if err != nil {
			return nil, err
		}
		select {
		case <-g.turn:
		case <-ctx.Done():
			return nil, fmt.Errorf("guest %s is busy: %w", id, context.Cause(ctx))
		}
		if err := ctx.Err(); err != nil {
			b.release(g)
			return nil, fmt.Errorf("guest %s: %w", id, context.Cause(ctx))
		}
		g.mu.Lock()
		gone := g.gone
		g.mu.Unlock()
		if !gone {
			return g, nil
		}
		b.release(g)
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

// release gives the turn back. The handle of a guest that is no more, or never
// was, is dropped; others who wait for the turn then ask for a new one.
func (b *Backend) release(g *guest) {
	if errors.Is(b.exists(g.id), vmbackend.ErrNoGuest) {
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

// interruptible makes ctx end when Stop or Destroy want the guest's turn.
func (g *guest) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.interrupt = cancel
	return ctx, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.interrupt = nil
		cancel(nil)
	}
}

// interrupt makes a Start that is under way give up.
func (b *Backend) interrupt(id string, cause error) {
	b.mu.Lock()
	g := b.guests[id]
	b.mu.Unlock()
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.interrupt != nil {
		g.interrupt(cause)
	}
}

func (g *guest) look() (event, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last, g.changed
}

func (g *guest) now() event {
	last, _ := g.look()
	return last
}

// errNotRunning says that the guest has no supervisor.
var errNotRunning = errors.New("the guest does not run")

// firstWordPatience bounds the wait of those who only want to know or to end a
// guest for its supervisor's first word. It is said at once, unless the host is
// overloaded or the supervisor in trouble.
const firstWordPatience = 10 * time.Second

// glance is follow with that bound.
func (b *Backend) glance(ctx context.Context, g *guest) error {
	ctx, cancel := context.WithTimeout(ctx, firstWordPatience)
	defer cancel()
	return b.follow(ctx, g)
}

// follow connects to the guest's supervisor, unless that has been done, and
// returns when its first word is there. It returns errNotRunning when there is
// no supervisor, and another error when there is one that does not answer.
func (b *Backend) follow(ctx context.Context, g *guest) error {
	g.following.Lock()
	defer g.following.Unlock()
	if g.now().alive() {
		return nil
	}
	watch, err := shim.NewWatch(ctx, b.folder(g.id))
	if notRunning(err) {
		return errNotRunning
	}
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = watch.Close() })
	first, err := watch.Next()
	if !stop() || err != nil {
		_ = watch.Close()
		return fmt.Errorf("the guest's supervisor does not answer: %w", errors.Join(err, context.Cause(ctx)))
	}
	b.note(g, event(first))
	if !g.now().alive() { // it is on its way out, and has let go of the guest
		_ = watch.Close()
		return errNotRunning
	}
	go b.keepFollowing(g, watch)
	return nil
}

// keepFollowing takes notes of the guest's events until its end or Close.
func (b *Backend) keepFollowing(g *guest, watch *shim.Watch) {
	defer func() { _ = watch.Close() }()
	stop := context.AfterFunc(b.life, func() { _ = watch.Close() })
	defer stop()
	for {
		next, err := watch.Next()
		if b.life.Err() != nil {
			return
		}
		e := event(next)
		if err != nil {
			e = event{State: vmbackend.Stopped, Since: time.Now(), Reason: "its supervisor was killed"}
		}
		b.note(g, e)
		if e.State == vmbackend.Stopped {
			return
		}
	}
}

// note stores what the guest does now and tells the watchers.
func (b *Backend) note(g *guest, e event) {
	g.mu.Lock()
	fresh := e.State != g.last.State
	g.last = e
	close(g.changed)
	g.changed = make(chan struct{})
	g.mu.Unlock()
	if fresh {
		b.watchers.Tell(vmbackend.Event{ID: g.id, State: e.State, Reason: e.Reason})
	}
}

// notRunning says whether a connection failed because no shim is there.
func notRunning(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}
