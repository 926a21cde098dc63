package libvirt

import (
	"context"
	"fmt"
	"time"
)

// job is work that many may wait for and that goes on when they do not: an
// image on its way to the node, a template being made.
type job[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// shared returns what the job of that name gives: one that is done or under
// way, else a new one. One that failed is not asked again, but made anew.
func shared[T any](ctx context.Context, b *Backend, jobs map[string]*job[T], name string, limit time.Duration, do func(context.Context) (T, error)) (T, error) {
	j, err := begin(b, jobs, name, limit, do)
	var zero T
	if err != nil {
		return zero, err
	}
	select {
	case <-j.done:
		return j.value, j.err
	case <-ctx.Done():
		return zero, fmt.Errorf("it takes longer than there was time for: %w", context.Cause(ctx))
	}
}

func begin[T any](b *Backend, jobs map[string]*job[T], name string, limit time.Duration, do func(context.Context) (T, error)) (*job[T], error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	if j := jobs[name]; j != nil && !j.failed() {
		return j, nil
	}
	j := &job[T]{done: make(chan struct{})}
	jobs[name] = j
	b.work.Go(func() {
		defer close(j.done)
		ctx, cancel := context.WithTimeout(b.life, limit)
		defer cancel()
		j.value, j.err = do(ctx)
	})
	return j, nil
}

func (j *job[T]) failed() bool {
	select {
	case <-j.done:
		return j.err != nil
	default:
		return false
	}
}

// result is what a job has given already.
func (j *job[T]) result() (T, bool) {
	var zero T
	if j == nil {
		return zero, false
	}
	select {
	case <-j.done:
		return j.value, j.err == nil
	default:
		return zero, false
	}
}
