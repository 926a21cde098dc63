package simulated

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
)

// guest is one guest. Its mutex guards record, run and gone; the rest is set
// once.
type guest struct {
	backend    *Backend
	hostKey    ssh.Signer
	authorized []ssh.PublicKey
	machine    Machine

	mu     sync.Mutex
	record record
	run    *run // nil unless running or suspended
	gone   bool // destroyed: nothing may be saved any more
}

// Start implements vmbackend.Backend.
func (b *Backend) Start(ctx context.Context, id string) error {
	return b.change(ctx, Start, id, func(ctx context.Context, g *guest, f Fault) error {
		switch g.state() {
		case vmbackend.Running:
			return nil
		case vmbackend.Suspended:
			return fmt.Errorf("it is suspended: resume it: %w", vmbackend.ErrWrongState)
		}
		g.become(vmbackend.Starting, "")
		died := false
		err := f.befall(ctx, func() { died = true })
		if err == nil && died {
			err = errors.New("the guest ended while it was starting")
		}
		if err != nil {
			g.become(vmbackend.Stopped, err.Error())
			return err
		}
		g.boot()
		return nil
	})
}

// Stop implements vmbackend.Backend.
func (b *Backend) Stop(ctx context.Context, id string) error {
	return b.change(ctx, Stop, id, func(ctx context.Context, g *guest, f Fault) error {
		if err := f.befall(ctx, nil); err != nil {
			return err
		}
		g.end("stopped")
		return nil
	})
}

// Suspend implements vmbackend.Suspender. Suspending a suspended guest does
// nothing.
func (b *Backend) Suspend(ctx context.Context, id string) error {
	return b.change(ctx, Suspend, id, func(ctx context.Context, g *guest, f Fault) error {
		return g.switchTo(ctx, f, vmbackend.Running, vmbackend.Suspended, (*run).freeze)
	})
}

// Resume implements vmbackend.Suspender. Resuming a running guest does
// nothing.
func (b *Backend) Resume(ctx context.Context, id string) error {
	return b.change(ctx, Resume, id, func(ctx context.Context, g *guest, f Fault) error {
		return g.switchTo(ctx, f, vmbackend.Suspended, vmbackend.Running, (*run).thaw)
	})
}

// change runs a call about a guest that must exist, when its turn has come.
func (b *Backend) change(ctx context.Context, call Call, id string, do func(context.Context, *guest, Fault) error) error {
	return b.inTurn(ctx, call, id, func(ctx context.Context, f Fault) error {
		g := b.find(id)
		if g == nil {
			return vmbackend.ErrNoGuest
		}
		return do(ctx, g, f)
	})
}

func (g *guest) switchTo(ctx context.Context, f Fault, from, to vmbackend.State, do func(*run)) error {
	if err := f.befall(ctx, func() { g.end("died") }); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch g.record.State {
	case to:
		return nil
	case from:
		do(g.run)
		g.enter(to, "")
		return nil
	}
	return fmt.Errorf("it is %s: %w", g.record.State, vmbackend.ErrWrongState)
}

func (g *guest) state() vmbackend.State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.record.State
}

func (g *guest) become(s vmbackend.State, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.enter(s, reason)
}

// enter changes the state, on disk and for watchers. g.mu is held.
func (g *guest) enter(s vmbackend.State, reason string) {
	g.record.State, g.record.Since = s, time.Now()
	g.save()
	g.backend.watchers.Tell(vmbackend.Event{ID: g.record.Spec.ID, State: s, Reason: reason})
}

// save keeps the record. Where the folder is gone, as at a test's end, there
// is nobody left to tell. g.mu is held.
func (g *guest) save() {
	if !g.gone {
		_ = g.backend.save(g.record.Spec.ID, g.record)
	}
}

func (g *guest) boot() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.record.Boots++
	g.run = newRun(g.backend.ctx)
	g.enter(vmbackend.Running, "")
}

// end pulls the plug. It does nothing to a guest that does not run.
func (g *guest) end(reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run == nil {
		return
	}
	g.run.end()
	g.run = nil
	g.enter(vmbackend.Stopped, reason)
}

func (g *guest) remove() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.gone = true
}

func (g *guest) dropConnections() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run != nil {
		g.run.drop()
	}
}

func (g *guest) line() vmbackend.Guest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return vmbackend.Guest{ID: g.record.Spec.ID, State: g.record.State, Image: g.record.Spec.Image,
		Labels: maps.Clone(g.record.Spec.Labels), Since: g.record.Since}
}

// Figures of Stats: a guest of the size that User-Mode Linux guests have.
const (
	idleMemory = 16 << 20
	bootCPU    = 200 * time.Millisecond
	execCPU    = time.Millisecond
)

// Stats implements vmbackend.Backend with invented figures: the processor
// time grows with every command, the disk with what is written to it.
func (b *Backend) Stats(ctx context.Context, id string) (vmbackend.Stats, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	g, r, err := b.running(id)
	if err == nil {
		err = b.options.Faults.take(Stats, id).befall(ctx, func() { g.end("died") })
	}
	if err == nil {
		err = b.open(ctx)
	}
	if err != nil {
		return vmbackend.Stats{}, fmt.Errorf("measure guest %s: %w", id, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	disk := int64(0)
	for name, content := range g.record.Files {
		disk += int64(len(name) + len(content))
	}
	return vmbackend.Stats{CPU: bootCPU + time.Duration(r.execs.Load())*execCPU, Memory: idleMemory, Disk: disk}, nil
}

// running finds a guest that runs and is not suspended.
func (b *Backend) running(id string) (*guest, *run, error) {
	g := b.find(id)
	if g == nil {
		return nil, nil, vmbackend.ErrNoGuest
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.record.State != vmbackend.Running {
		return nil, nil, fmt.Errorf("it is %s: %w", g.record.State, vmbackend.ErrWrongState)
	}
	return g, g.run, nil
}

// Dial implements vmbackend.Backend.
func (b *Backend) Dial(ctx context.Context, id string) (net.Conn, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	conn, err := b.dial(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("dial guest %s: %w", id, err)
	}
	return conn, nil
}

func (b *Backend) dial(ctx context.Context, id string) (net.Conn, error) {
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	g, r, err := b.running(id)
	if err != nil {
		return nil, err
	}
	f := b.options.Faults.take(Dial, id)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.ctx, func() { cancel(fmt.Errorf("it ended meanwhile: %w", vmbackend.ErrWrongState)) })()
	if err := f.befall(ctx, func() { g.end("died") }); err != nil {
		return nil, err
	}
	return g.connect(r, f)
}
