package libvirt

import (
	"context"
	"fmt"
	"net"

	"github.com/labmark/labmark/vmbackend"
)

// Dial opens a stream of the kept link, waiting for a broken one to be joined
// again until ctx ends.
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
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	for looked := false; ; {
		g := b.known(id)
		var changed <-chan struct{}
		if g != nil {
			last, k, c := g.look()
			changed = c
			if link := k.now(); link != nil && last.state == vmbackend.Running {
				conn, err := link.Open(ctx)
				if err == nil || ctx.Err() != nil {
					return conn, err
				}
				select { // a link that cannot open streams is about to end
				case <-link.Done():
				case <-ctx.Done():
				}
			}
		}
		if !looked || g == nil {
			if err := b.mustRun(ctx, id); err != nil {
				return nil, err
			}
			looked = true
			continue
		}
		looked = false // whatever changes, the truth is asked again
		select {
		case <-changed:
		case <-b.life.Done():
			return nil, errClosed
		case <-ctx.Done():
			return nil, fmt.Errorf("the agent in the guest does not answer: %w", context.Cause(ctx))
		}
	}
}

// mustRun fails for a guest that does not run, and sees to the link of one
// that does.
func (b *Backend) mustRun(ctx context.Context, id string) error {
	r, err := b.read(ctx, id)
	if err != nil {
		return err
	}
	state, err := b.stateOf(ctx, r)
	if err != nil {
		return err
	}
	if state != vmbackend.Running {
		return fmt.Errorf("it is %s: %w", state, vmbackend.ErrWrongState)
	}
	g, err := b.handle(id)
	if err != nil {
		return err
	}
	b.join(g, r, false)
	return nil
}
