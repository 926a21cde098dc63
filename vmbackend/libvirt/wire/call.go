package wire

import (
	"context"
	"errors"
	"fmt"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
)

// Call runs f with a connection to libvirtd and returns when f or ctx ends. It
// waits for a connection until ctx ends. The error names what was being done;
// it is vmbackend.ErrUnreachable when there was no connection, or it broke.
//
// An f that ctx has overtaken may go on in the background until the node
// answers: it must not write to variables that are read afterwards all the
// same. Ask returns a value without that trap.
func (c *Conn) Call(ctx context.Context, what string, f func(*libvirt.Libvirt) error) error {
	_, err := Ask(ctx, c, what, func(l *libvirt.Libvirt) (struct{}, error) { return struct{}{}, f(l) })
	return err
}

// Ask is Call for an f that returns something.
func Ask[T any](ctx context.Context, c *Conn, what string, f func(*libvirt.Libvirt) (T, error)) (T, error) {
	var zero T
	ctx, cancel := bounded(ctx)
	defer cancel()
	l, err := c.await(ctx)
	if err != nil {
		return zero, fmt.Errorf("%s: %w", what, err)
	}
	select {
	case l.slots <- struct{}{}:
	case <-l.conn.dead:
		return zero, c.lost(what)
	case <-ctx.Done():
		return zero, fmt.Errorf("%s: the node has too many calls to answer: %w", what, ctx.Err())
	}
	return answer(ctx, c, l, what, func() (T, error) {
		defer func() { <-l.slots }()
		return f(l.virt)
	})
}

// Slow is Call for what takes long, such as saving a guest's memory: on a
// connection of its own, so that it keeps nothing else waiting. When ctx ends,
// so does the connection, and f with it.
func (c *Conn) Slow(ctx context.Context, what string, f func(*libvirt.Libvirt) error) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	if _, err := c.await(ctx); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	l, err := open(ctx, c.ctx, c.way, c.target, 1, false)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", what, vmbackend.ErrUnreachable, err)
	}
	defer l.close()
	_, err = answer(ctx, c, l, what, func() (struct{}, error) { return struct{}{}, f(l.virt) })
	return err
}

// answer runs f and waits for it, for ctx or for the link's end.
func answer[T any](ctx context.Context, c *Conn, l *link, what string, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var zero T
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	judge := func(r result) (T, error) {
		var refused libvirt.Error
		switch {
		case r.err == nil:
			return r.value, nil
		case l.isDead() && !errors.As(r.err, &refused):
			return zero, c.lost(what) // go-libvirt says only EINVAL
		default:
			return zero, fmt.Errorf("%s: %w", what, r.err)
		}
	}
	select {
	case r := <-done:
		return judge(r)
	case <-ctx.Done():
		return zero, fmt.Errorf("%s: the node does not answer: %w", what, ctx.Err())
	case <-l.conn.dead:
	}
	select {
	case r := <-done: // it was answered before the end
		return judge(r)
	default:
		return zero, c.lost(what)
	}
}

func (c *Conn) lost(what string) error {
	return fmt.Errorf("%s: %w (%s): the connection broke in the middle", what, vmbackend.ErrUnreachable, c.target)
}

// bounded gives a context without a deadline the contract's.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, vmbackend.DefaultTimeout)
}
