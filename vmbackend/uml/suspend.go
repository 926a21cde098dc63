package uml

import (
	"context"
	"errors"
	"fmt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

var _ vmbackend.Suspender = (*Backend)(nil)

// Suspend freezes a running guest: none of its processes gets the processor any
// more. Its memory stays the host's. Suspending a suspended guest does nothing.
func (b *Backend) Suspend(ctx context.Context, id string) error {
	return b.switchTo(ctx, id, vmbackend.Suspended, shim.Suspend)
}

// Resume thaws a suspended guest. Resuming a running guest does nothing.
func (b *Backend) Resume(ctx context.Context, id string) error {
	return b.switchTo(ctx, id, vmbackend.Running, shim.Resume)
}

// switchTo asks the guest's supervisor, and returns when this backend has heard
// of the new state too.
func (b *Backend) switchTo(ctx context.Context, id string, to vmbackend.State, ask func(context.Context, string) error) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	g, err := b.hold(ctx, id)
	if err != nil {
		return err
	}
	defer b.release(g)
	if err := b.exists(id); err != nil {
		return err
	}
	err = b.follow(ctx, g)
	if err == nil {
		err = ask(ctx, b.folder(id))
	}
	if errors.Is(err, errNotRunning) || notRunning(err) {
		err = fmt.Errorf("it does not run: %w", vmbackend.ErrWrongState)
	}
	for err == nil {
		now, changed := g.look()
		if now.State == to {
			return nil
		}
		if !now.alive() {
			err = fmt.Errorf("it ended at this moment: %w", vmbackend.ErrWrongState)
			break
		}
		select {
		case <-changed:
		case <-b.life.Done():
			return errClosed
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	return fmt.Errorf("guest %s can't become %s: %w", id, to, err)
}
