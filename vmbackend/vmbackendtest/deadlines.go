package vmbackendtest

import (
	"context"
	"errors"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// Every call returns soon after its context ends, with an error that wraps
// the context's.
func testEndedContext(w *bench) {
	m := w.running("hurried")
	late := w.plan("late")
	ended, cancel := context.WithCancel(w.ctx)
	cancel()
	calls := map[string]func() error{
		"Create": func() error { return w.b.Create(ended, late.spec) },
		"Start":  func() error { return w.b.Start(ended, m.id) },
		"Dial": func() error {
			conn, err := w.b.Dial(ended, m.id)
			if err == nil {
				_ = conn.Close()
			}
			return err
		},
		"Stop":    func() error { return w.b.Stop(ended, m.id) },
		"Destroy": func() error { return w.b.Destroy(ended, m.id) },
		"List": func() error {
			_, err := w.b.List(ended)
			return err
		},
		"Stats": func() error {
			_, err := w.b.Stats(ended, m.id)
			return err
		},
	}
	for name, call := range calls {
		done := make(chan struct{})
		var err error
		go func() {
			defer close(done)
			err = call()
		}()
		w.soon(name+" returns when its context has ended", done)
		w.wantError(name+" with a context that has ended", err, context.Canceled)
	}
	// A call that gave up may still take effect later; List tells the truth.
	if _, found := w.find(m.id); found {
		w.eventually("the guest is in a state of rest", func() bool {
			g, found := w.find(m.id)
			return !found || g.State == vmbackend.Running || g.State == vmbackend.Stopped
		})
	}
	m.destroy()
	m.expectGone()
}

// A start that is given no time returns soon, and leaves a guest that can be
// started.
func testShortDeadline(w *bench) {
	m := w.create("rushed")
	ctx, cancel := context.WithTimeout(w.ctx, time.Millisecond)
	defer cancel()
	began := time.Now()
	err := w.b.Start(ctx, m.id)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		w.Errorf("Start: got %v, want success or a missed deadline", err)
	}
	if took := time.Since(began); took > w.Patience {
		w.Errorf("Start returned %s after its deadline", took)
	}
	m.start()
	m.expect(vmbackend.Running)
	w.run(m.connect("root"), "true")
}
