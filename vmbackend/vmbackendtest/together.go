package vmbackendtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// Calls for different guests run side by side.
func testGuestsSideBySide(w *bench) {
	machines := make([]*machine, w.Guests)
	for i := range machines {
		machines[i] = w.plan(fmt.Sprintf("row-%d", i))
	}
	w.each(w.Guests, func(i int) error {
		m := machines[i]
		if err := errors.Join(w.b.Create(w.ctx, m.spec), w.b.Start(w.ctx, m.id)); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(w.ctx, w.Patience)
		defer cancel()
		client, err := guestssh.Connect(ctx, w.b, m.id, "root", m.host, w.key)
		if err != nil {
			return err
		}
		defer func() { _ = client.Close() }()
		out, _, _, err := w.try(client, "hostname", "")
		if err == nil && out != m.id+"\n" {
			err = fmt.Errorf("guest %s calls itself %q", m.id, out)
		}
		return err
	})
	w.each(w.Guests, func(i int) error { return w.b.Destroy(w.ctx, machines[i].id) })
	if all := w.list(); len(all) != 0 {
		w.Errorf("after destroying all, List has %v", all)
	}
}

// Calls for the same guest take effect one after another.
func testStartTogether(w *bench) {
	m := w.create("rush")
	w.each(4, func(int) error { return w.b.Start(w.ctx, m.id) })
	m.expect(vmbackend.Running)
	boot := m.boot()
	w.each(4, func(int) error { return w.b.Start(w.ctx, m.id) })
	if m.boot() != boot {
		w.Error("starting a running guest from many goroutines booted it anew")
	}
	w.each(4, func(int) error { return w.b.Stop(w.ctx, m.id) })
	m.expect(vmbackend.Stopped)
	w.each(4, func(int) error { return w.b.Destroy(w.ctx, m.id) })
	m.expectGone()
}

// Destroy wins: once it has returned, no earlier call brings the guest back.
func testDestroyWins(w *bench) {
	m := w.create("doomed")
	started := make(chan error, 1)
	events := w.b.Watch(w.ctx)
	go func() { started <- w.b.Start(w.ctx, m.id) }()
	for e := range events { // Start is under way
		if e.ID == m.id && (e.State == vmbackend.Starting || e.State == vmbackend.Running) {
			break
		}
	}
	m.destroy()
	m.expectGone()
	if err := <-started; err != nil {
		w.Logf("the overtaken start said: %v", err)
	}
	m.expectGone()
	w.wantError("Start after Destroy", w.b.Start(w.ctx, m.id), vmbackend.ErrNoGuest)
	m = w.running("doomed") // the name is free
	w.run(m.connect("root"), "true")
}

// The same with everything at once; run it with -race.
func testDestroyWinsOverAll(w *bench) {
	m := w.create("storm")
	var calls sync.WaitGroup
	for range 2 {
		for _, call := range w.calls(m.id) {
			calls.Go(func() { _ = call() }) // errors are right here, crashes are not
		}
	}
	w.each(2, func(int) error { return w.b.Destroy(w.ctx, m.id) })
	m.expectGone()
	calls.Wait()
	m.expectGone()
}
