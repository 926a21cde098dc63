package nodes

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/labmark/labmark/vmbackend"
)

// known finds a guest's node in memory.
func (c *Cluster) known(id string) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		if m.guests[id] != nil {
			return m
		}
	}
	return nil
}

// NodeOf names the node that a guest is on; empty if that is not known.
func (c *Cluster) NodeOf(id string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, m := range c.members {
		if m.guests[id] != nil {
			return name
		}
	}
	return ""
}

// find finds a guest's node, and asks all nodes afresh if none is known. Then
// ErrNoGuest says that no node has it, ErrUnreachable that one which does not
// answer may have it.
func (c *Cluster) find(ctx context.Context, id string) (*member, error) {
	if m := c.known(id); m != nil {
		return m, nil
	}
	if err := c.settled(ctx); err != nil {
		return nil, err
	}
	silent := c.refresh(ctx)
	if m := c.known(id); m != nil {
		return m, nil
	}
	if len(silent) > 0 {
		return nil, fmt.Errorf("guest %s: it may be on a node that does not answer (%s): %w", id, strings.Join(silent, ", "), vmbackend.ErrUnreachable)
	}
	return nil, fmt.Errorf("guest %s: %w", id, vmbackend.ErrNoGuest)
}

// refresh lists the guests of all nodes that are up, and returns the names of
// those whose guests are not known for sure now.
func (c *Cluster) refresh(ctx context.Context) (silent []string) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	var (
		asked sync.WaitGroup
		mu    sync.Mutex
	)
	for _, m := range c.all() {
		c.mu.Lock()
		up, name, b := m.state == Up, m.node.Name, m.backend
		c.mu.Unlock()
		asked.Go(func() {
			if up {
				err := m.while(ctx, func(ctx context.Context) error { return m.list(ctx, b) })
				if err == nil {
					return
				}
				if ctx.Err() == nil {
					c.cfg.Log.Warn("a node can't list its guests", "node", name, "err", err)
				}
				m.doubt()
			}
			mu.Lock()
			defer mu.Unlock()
			silent = append(silent, name)
		})
	}
	asked.Wait()
	return sorted(silent, func(s string) string { return s })
}

// reach finds the backend of the node that a guest is on, if the node is not
// lost.
func (c *Cluster) reach(ctx context.Context, id string) (*member, vmbackend.Backend, error) {
	m, err := c.find(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.lost() {
		return nil, nil, fmt.Errorf("guest %s: %w", id, m.unreachable())
	}
	return m, m.backend, nil
}

// learn notes what a call's error says of the node.
func (m *member) learn(err error) error {
	if errors.Is(err, vmbackend.ErrUnreachable) {
		m.doubt()
	}
	return err
}

// on does something with the backend that a guest is on.
func (c *Cluster) on(ctx context.Context, id string, do func(context.Context, vmbackend.Backend) error) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	m, b, err := c.reach(ctx, id)
	if err != nil {
		return err
	}
	return m.while(ctx, func(ctx context.Context) error { return do(ctx, b) })
}

// while makes a call that ends, with ErrUnreachable, when the node is lost
// meanwhile: nobody shall wait for it any longer.
func (m *member) while(ctx context.Context, call func(context.Context) error) error {
	m.cluster.mu.Lock()
	alive := m.alive
	m.cluster.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(alive, func() { cancel(vmbackend.ErrUnreachable) })()
	err := call(ctx)
	if err != nil && errors.Is(context.Cause(ctx), vmbackend.ErrUnreachable) && !errors.Is(err, vmbackend.ErrUnreachable) {
		err = fmt.Errorf("%w: the node was lost meanwhile: %w", err, vmbackend.ErrUnreachable)
	}
	return m.learn(err)
}

// able is on for abilities that not all backends have.
func able[A any](ctx context.Context, c *Cluster, id string, do func(context.Context, A) error) error {
	return c.on(ctx, id, func(ctx context.Context, b vmbackend.Backend) error {
		a, ok := b.(A)
		if !ok {
			return fmt.Errorf("guest %s: its node is of another kind: %w", id, vmbackend.ErrNotOffered)
		}
		return do(ctx, a)
	})
}

// Start implements vmbackend.Backend.
func (c *Cluster) Start(ctx context.Context, id string) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	m, b, err := c.reach(ctx, id)
	if err != nil {
		return err
	}
	err = m.while(ctx, func(ctx context.Context) error { return b.Start(ctx, id) })
	if err != nil && !errors.Is(err, vmbackend.ErrWrongState) && !errors.Is(err, vmbackend.ErrNoGuest) && !errors.Is(err, context.Canceled) {
		m.failing()
	}
	return err
}

// Dial implements vmbackend.Backend.
func (c *Cluster) Dial(ctx context.Context, id string) (conn net.Conn, err error) {
	err = c.on(ctx, id, func(ctx context.Context, b vmbackend.Backend) error {
		conn, err = b.Dial(ctx, id)
		return err
	})
	return conn, err
}

// Stop implements vmbackend.Backend.
func (c *Cluster) Stop(ctx context.Context, id string) error {
	return c.on(ctx, id, func(ctx context.Context, b vmbackend.Backend) error { return b.Stop(ctx, id) })
}

// Stats implements vmbackend.Backend.
func (c *Cluster) Stats(ctx context.Context, id string) (s vmbackend.Stats, err error) {
	err = c.on(ctx, id, func(ctx context.Context, b vmbackend.Backend) error {
		s, err = b.Stats(ctx, id)
		return err
	})
	return s, err
}

// Suspend implements vmbackend.Suspender, where the guest's node can.
func (c *Cluster) Suspend(ctx context.Context, id string) error {
	return able(ctx, c, id, func(ctx context.Context, s vmbackend.Suspender) error { return s.Suspend(ctx, id) })
}

// Resume implements vmbackend.Suspender, where the guest's node can.
func (c *Cluster) Resume(ctx context.Context, id string) error {
	return able(ctx, c, id, func(ctx context.Context, s vmbackend.Suspender) error { return s.Resume(ctx, id) })
}

// Snapshot implements vmbackend.Snapshotter, where the guest's node can.
func (c *Cluster) Snapshot(ctx context.Context, id, name string) error {
	return able(ctx, c, id, func(ctx context.Context, s vmbackend.Snapshotter) error { return s.Snapshot(ctx, id, name) })
}

// Rewind implements vmbackend.Snapshotter, where the guest's node can.
func (c *Cluster) Rewind(ctx context.Context, id, name string) error {
	return able(ctx, c, id, func(ctx context.Context, s vmbackend.Snapshotter) error { return s.Rewind(ctx, id, name) })
}

// DialDesktop implements vmbackend.Desktop, where the guest's node can.
func (c *Cluster) DialDesktop(ctx context.Context, id string) (conn net.Conn, err error) {
	err = able(ctx, c, id, func(ctx context.Context, d vmbackend.Desktop) error {
		conn, err = d.DialDesktop(ctx, id)
		return err
	})
	return conn, err
}
