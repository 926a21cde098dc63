package nodes

import (
	"context"
	"errors"
	"fmt"

	"github.com/labmark/labmark/vmbackend"
)

// List implements vmbackend.Backend. It waits until each node is known to be up
// or down. Guests of a node that is lost come from memory, as vmbackend.Lost;
// so do, unchanged, those of one that just does not answer.
func (c *Cluster) List(ctx context.Context) ([]vmbackend.Guest, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if err := c.life.Err(); err != nil {
		return nil, errClosed
	}
	if err := c.settled(ctx); err != nil {
		return nil, fmt.Errorf("list the guests: %w", err)
	}
	c.refresh(ctx)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list the guests: %w", context.Cause(ctx))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []vmbackend.Guest{}
	for _, m := range c.members {
		for _, h := range m.guests {
			g := h.Guest
			if m.lost() {
				g.State, g.Since = vmbackend.Lost, m.since
			}
			out = append(out, g)
		}
	}
	return sorted(out, func(g vmbackend.Guest) string { return g.ID }), nil
}

// Destroy implements vmbackend.Backend. Where the guest's node does not answer,
// or an unknown guest may be on one that does not, it returns ErrUnreachable:
// try again later.
func (c *Cluster) Destroy(ctx context.Context, id string) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	m, err := c.find(ctx, id)
	if errors.Is(err, vmbackend.ErrNoGuest) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	c.mu.Lock()
	b := m.backend
	if m.state != Up {
		err = fmt.Errorf("destroy guest %s: %w", id, m.unreachable())
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	if err := m.while(ctx, func(ctx context.Context) error { return b.Destroy(ctx, id) }); err != nil {
		return err
	}
	m.forget(id)
	return nil
}

func (m *member) forget(id string) {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	delete(m.guests, id)
}
