package outbox

import (
	"context"

	"github.com/labmark/labmark/server/store"
)

// batch is what is written by one transaction. Each transaction waits for the
// disk, so those who come while another is written share the next.
type batch struct {
	rows []store.OutboxGrade
	done chan struct{}
	err  error
}

// save writes how far a grade has come, also while the gateway closes: what is
// known of a platform was paid for.
func (o *Outbox) save(ctx context.Context, row store.OutboxGrade) error {
	o.mu.Lock()
	b := o.batch
	first := b == nil
	if first {
		b = &batch{done: make(chan struct{})}
		o.batch = b
	}
	b.rows = append(b.rows, row)
	o.mu.Unlock()
	if !first {
		<-b.done
		return own(b.err)
	}
	o.saving <- struct{}{}
	defer func() { <-o.saving }()
	o.mu.Lock()
	o.batch = nil
	o.mu.Unlock()
	b.err = o.cfg.Store.SaveGrades(context.WithoutCancel(ctx), b.rows...)
	close(b.done)
	return own(b.err)
}
