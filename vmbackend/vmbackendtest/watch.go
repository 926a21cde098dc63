package vmbackendtest

import (
	"context"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// await reads events until the one that is waited for.
func (w *bench) await(events <-chan vmbackend.Event, id string, state vmbackend.State) vmbackend.Event {
	w.Helper()
	late := time.After(w.Patience)
	for {
		select {
		case e, open := <-events:
			if !open {
				w.Fatal("the channel of events was closed")
			}
			if e.ID == id && e.State == state {
				return e
			}
		case <-late:
			w.Fatalf("after %s still no event that %s is %s", w.Patience, id, state)
		}
	}
}

// Watch reports state changes from now on.
func testWatch(w *bench) {
	m := w.create("watched")
	one, two := w.b.Watch(w.ctx), w.b.Watch(w.ctx)
	m.start()
	m.stop()
	for _, events := range []<-chan vmbackend.Event{one, two} {
		w.await(events, m.id, vmbackend.Running)
		w.await(events, m.id, vmbackend.Stopped)
	}
}

// … until ctx ends; then it closes the channel.
func testWatchEnds(w *bench) {
	ctx, cancel := context.WithCancel(w.ctx)
	events := w.b.Watch(ctx)
	cancel()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for range events { // whatever was under way
		}
	}()
	w.soon("the channel of events is closed", closed)
}

// A slow reader loses events, never the backend its pace.
func testSlowWatcher(w *bench) {
	_ = w.b.Watch(w.ctx) // nobody reads
	m := w.create("lively")
	for range 3 {
		m.start()
		m.stop()
	}
	m.expect(vmbackend.Stopped)
}

// powerOff lets a guest end by itself.
func (w *bench) powerOff(m *machine) {
	w.Helper()
	client := m.connect("root")
	session, err := client.NewSession()
	if err != nil {
		w.Fatal(err)
	}
	_ = session.Run(w.PowerOff) // the guest may be gone before the answer
}

// Stopped covers a guest that ended by itself.
func testEndsByItself(w *bench) {
	m := w.running("tired")
	events := w.b.Watch(w.ctx)
	w.powerOff(m)
	e := w.await(events, m.id, vmbackend.Stopped)
	w.Logf("reason given: %q", e.Reason)
	m.expect(vmbackend.Stopped)
	_, err := w.b.Dial(w.ctx, m.id)
	w.wantError("Dial of a guest that ended", err, vmbackend.ErrWrongState)
	m.start()
	w.run(m.connect("root"), "true")
}
