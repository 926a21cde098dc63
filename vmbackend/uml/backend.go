// Package uml runs guests as User-Mode Linux kernels: Linux as an ordinary
// program, without KVM, root or a daemon. It is Labmark's embedded default.
//
// Each guest is a folder below Config.Dir and, while it runs, one supervisor
// process (package shim) with one jailed kernel below it (package jail). The
// folder is the truth: a Backend keeps nothing that it could not read again,
// so a new one over the same Dir takes over where a crashed one left off.
package uml

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

var _ vmbackend.Backend = (*Backend)(nil)

// Backend implements vmbackend.Backend. Make it with New.
type Backend struct {
	cfg   Config
	parts parts
	meter meter
	// boots holds a token for each guest that boots. Booting is work for the
	// processor: a whole class at once is served sooner by turns.
	boots chan struct{}

	mu       sync.Mutex
	guests   map[string]*guest // handles of guests that somebody has asked for
	watchers vmbackend.Watchers
	closed   bool
	// life ends with Close, and with it all that only looks at guests.
	life context.Context
	end  context.CancelFunc
}

// errClosed is what every method returns after Close.
var errClosed = errors.New("the backend has been closed")

// Create makes the guest's folder under another name and renames it when it
// is complete, so that a crash leaves no half-made guest.
func (b *Backend) Create(ctx context.Context, spec vmbackend.Spec) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if err := spec.Check(minMemory); err != nil {
		return err
	}
	image, err := b.cfg.Images.ByDigest(spec.Image)
	if err != nil {
		return fmt.Errorf("create guest %s: %w", spec.ID, err)
	}
	if image.Format != "" || !image.Native() {
		return fmt.Errorf("create guest %s: User-Mode Linux runs images that were built for this machine's processor; "+
			"%s needs a node (labmark node add): %w", spec.ID, image.Name, vmbackend.ErrNotOffered)
	}
	g, err := b.hold(ctx, spec.ID)
	if err != nil {
		return err
	}
	defer b.release(g)
	if err := b.makeFolder(spec, image.Path); err != nil {
		return fmt.Errorf("create guest %s: %w", spec.ID, err)
	}
	b.watchers.Tell(vmbackend.Event{ID: spec.ID, State: vmbackend.Created})
	return nil
}

// Start boots the guest, unless it runs, and waits until it answers.
func (b *Backend) Start(ctx context.Context, id string) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	g, err := b.hold(ctx, id)
	if err != nil {
		return err
	}
	defer b.release(g)
	ctx, stop := g.interruptible(ctx)
	defer stop()
	record, err := b.readRecord(id)
	if err != nil {
		return err
	}
	err = b.follow(ctx, g)
	if errors.Is(err, errNotRunning) {
		select {
		case b.boots <- struct{}{}:
			defer func() { <-b.boots }()
		case <-ctx.Done():
			return fmt.Errorf("start guest %s: too many others are booting: %w", id, context.Cause(ctx))
		}
		err = b.launch(ctx, g, record)
	}
	if err != nil {
		return fmt.Errorf("start guest %s: %w", id, errors.Join(err, context.Cause(ctx)))
	}
	return b.awaitRunning(ctx, g)
}

func (b *Backend) awaitRunning(ctx context.Context, g *guest) error {
	for {
		now, changed := g.look()
		switch now.State {
		case vmbackend.Running:
			return nil
		case vmbackend.Stopped:
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("start guest %s: %w", g.id, err)
			}
			return fmt.Errorf("start guest %s: %w", g.id, b.startFailure(g.id, now.Reason))
		case vmbackend.Suspended:
			return fmt.Errorf("start guest %s: it is suspended: %w; resume or stop it", g.id, vmbackend.ErrWrongState)
		}
		select {
		case <-changed:
		case <-b.life.Done():
			return errClosed
		case <-ctx.Done():
			return fmt.Errorf("start guest %s: it is still booting: %w", g.id, context.Cause(ctx))
		}
	}
}

// Dial asks the guest's supervisor, and needs no turn: streams are opened side
// by side.
func (b *Backend) Dial(ctx context.Context, id string) (net.Conn, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if err := b.exists(id); err != nil {
		return nil, err
	}
	conn, err := shim.Dial(ctx, b.folder(id))
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("dial guest %s: %w", id, errors.Join(err, context.Cause(ctx)))
	case notRunning(err):
		return nil, fmt.Errorf("dial guest %s: it does not run: %w", id, vmbackend.ErrWrongState)
	}
	return nil, fmt.Errorf("dial guest %s: %w", id, err)
}

// Stop ends the guest, also one whose Start is under way.
func (b *Backend) Stop(ctx context.Context, id string) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	b.interrupt(id, fmt.Errorf("it was stopped meanwhile: %w", vmbackend.ErrWrongState))
	g, err := b.hold(ctx, id)
	if err != nil {
		return err
	}
	defer b.release(g)
	if err := b.exists(id); err != nil {
		return err
	}
	return b.stop(ctx, g)
}

// Destroy stops the guest and renames its folder out of the way before it
// removes it; what a crash leaves of that, New sweeps.
func (b *Backend) Destroy(ctx context.Context, id string) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	b.interrupt(id, fmt.Errorf("it was destroyed meanwhile: %w", vmbackend.ErrNoGuest))
	g, err := b.hold(ctx, id)
	if err != nil {
		return err
	}
	defer b.release(g)
	if err := b.exists(id); errors.Is(err, vmbackend.ErrNoGuest) {
		return nil
	}
	if err := b.stop(ctx, g); err != nil {
		return err
	}
	r, _ := b.readRecord(id) // one that is damaged leaves its networks to New
	if err := errors.Join(shim.Leave(networksOf(b.cfg.Dir), id, r.Cards), b.removeFolder(id)); err != nil {
		return fmt.Errorf("destroy guest %s: %w", id, err)
	}
	return nil
}

// Close lets go of the guests; they run on.
func (b *Backend) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.end()
	b.watchers.Close()
	return nil
}

func (b *Backend) folder(id string) string { return folderOf(b.cfg.Dir, id) }

func (b *Backend) exists(id string) error {
	if !vmbackend.ValidID(id) {
		return fmt.Errorf("guest %q: %w", id, vmbackend.ErrNoGuest)
	}
	if _, err := os.Stat(b.folder(id)); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("guest %s: %w", id, vmbackend.ErrNoGuest)
	} else if err != nil {
		return fmt.Errorf("guest %s: %w", id, err)
	}
	return nil
}
