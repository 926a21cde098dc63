package vmbackendtest

import (
	"maps"
	"slices"

	"github.com/labmark/labmark/vmbackend"
)

// Order is by ID.
func testListInOrder(w *bench) {
	if all := w.list(); len(all) != 0 {
		w.Errorf("a new backend lists %v", all)
	}
	for _, id := range []string{"m", "z-1", "a", "0", "z"} {
		w.create(id)
	}
	var got []string
	for _, g := range w.list() {
		got = append(got, g.ID)
	}
	if want := []string{"0", "a", "m", "z", "z-1"}; !slices.Equal(got, want) {
		w.Errorf("List has %v, want %v", got, want)
	}
}

// Guests outlive the process that created them: a new Backend over the same
// storage lists them and takes them over. Close lets go without ending them.
func testTakeOver(w *bench) {
	label := func(s *vmbackend.Spec) { s.Labels = map[string]string{"owner": s.ID} }
	created, running, stopped := w.create("created", label), w.running("running", label), w.running("stopped", label)
	w.run(running.connect("root"), "echo kept >/root/kept && sync")
	boot := running.boot()
	stopped.stop()

	w.reopen()
	created.expect(vmbackend.Created)
	running.expect(vmbackend.Running)
	stopped.expect(vmbackend.Stopped)
	for _, g := range w.list() {
		if !maps.Equal(g.Labels, map[string]string{"owner": g.ID}) || g.Image != w.Image || g.Since.IsZero() {
			w.Errorf("taken over as %+v, want its labels, image and time", g)
		}
	}
	if got := running.boot(); got != boot {
		w.Error("the running guest was booted anew")
	}
	if got := w.run(running.connect("root"), "cat /root/kept"); got != "kept" {
		w.Errorf("its file holds %q", got)
	}
	if _, err := w.b.Stats(w.ctx, running.id); err != nil {
		w.Errorf("Stats: %v", err)
	}

	created.start()
	stopped.start()
	running.stop()
	created.expect(vmbackend.Running)
	stopped.expect(vmbackend.Running)
	running.expect(vmbackend.Stopped)
	w.run(created.connect("root"), "true")
	for _, m := range []*machine{created, running, stopped} {
		m.destroy()
		m.expectGone()
	}
	w.reopen()
	if all := w.list(); len(all) != 0 {
		w.Errorf("destroyed guests are back: %v", all)
	}
}

// List is the truth, also of a guest that ends after it was taken over.
func testTakeOverEnded(w *bench) {
	m := w.running("adopted")
	w.reopen()
	events := w.b.Watch(w.ctx)
	w.powerOff(m)
	w.eventually("List says that the guest ended", func() bool {
		g, _ := w.find(m.id)
		return g.State == vmbackend.Stopped
	})
	w.await(events, m.id, vmbackend.Stopped)
	m.start()
	w.run(m.connect("root"), "true")
}
