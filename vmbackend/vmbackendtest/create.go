package vmbackendtest

import (
	"maps"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// Create sets up a guest and stores its spec, without starting it.
func testCreate(w *bench) {
	before := time.Now().Add(-time.Second) // clocks of file systems are coarse
	labels := map[string]string{"student": "ada", "tutorial": "files"}
	m := w.create("fresh", func(s *vmbackend.Spec) { s.Labels = labels })
	g, found := w.find("fresh")
	if !found {
		w.Fatal("List does not have the new guest")
	}
	if g.State != vmbackend.Created || g.Image != w.Image || !maps.Equal(g.Labels, labels) {
		w.Errorf("List says %+v, want a created guest of image %s with labels %v", g, w.Image, labels)
	}
	if g.Since.Before(before) || g.Since.After(time.Now().Add(time.Second)) {
		w.Errorf("List says that the guest was created at %s, it is %s", g.Since, time.Now())
	}
	g.Labels["student"] = "eve"
	if again, _ := w.find("fresh"); again.Labels["student"] != "ada" {
		w.Error("changing the labels that List returned changed the guest's")
	}
	m.destroy()
}

// It returns ErrExists, ErrNoImage …, and names are 1 to 40 of [a-z0-9-].
func testCreateRefuses(w *bench) {
	m := w.create("taken", func(s *vmbackend.Spec) { s.Labels = map[string]string{"n": "first"} })
	second := w.plan("taken", func(s *vmbackend.Spec) { s.Labels = map[string]string{"n": "second"} })
	w.wantError("Create of a guest that exists", w.b.Create(w.ctx, second.spec), vmbackend.ErrExists)
	if g, _ := w.find("taken"); g.Labels["n"] != "first" {
		w.Error("a refused Create changed the guest that was there")
	}
	unknown := w.plan("imageless", func(s *vmbackend.Spec) { s.Image = "sha256:" + strings.Repeat("0", 64) })
	err := w.b.Create(w.ctx, unknown.spec)
	w.wantError("Create with an unknown image", err, vmbackend.ErrNoImage)
	if err != nil && !strings.Contains(err.Error(), unknown.spec.Image) {
		w.Errorf("the error does not name the image: %v", err)
	}
	unknown.expectGone()
	for _, id := range []string{"", "UPPER", "under_score", "a/b", "../up", ".", "a b", "ü", strings.Repeat("x", 41)} {
		bad := w.plan(id)
		if err := w.b.Create(w.ctx, bad.spec); err == nil {
			w.Errorf("Create accepted the name %q", id)
		}
	}
	if all := w.list(); len(all) != 1 {
		w.Errorf("List has %v, want only the guest that was made rightly", all)
	}
	m.destroy()
}

// ErrFull: no room for another guest.
func testCreateFull(w *bench) {
	if w.Full == nil {
		w.Skip("this backend knows no limit")
	}
	w.close()
	w.use(w.Full)
	only := w.create("only")
	w.wantError("Create beyond the limit", w.b.Create(w.ctx, w.plan("more").spec), vmbackend.ErrFull)
	only.destroy()
	w.create("next").destroy()
}

// calls are all methods about one guest that need it to be there.
func (w *bench) calls(id string) map[string]func() error {
	all := map[string]func() error{
		"Start": func() error { return w.b.Start(w.ctx, id) },
		"Stop":  func() error { return w.b.Stop(w.ctx, id) },
		"Dial": func() error {
			conn, err := w.b.Dial(w.ctx, id)
			if err == nil {
				_ = conn.Close()
			}
			return err
		},
		"Stats": func() error {
			_, err := w.b.Stats(w.ctx, id)
			return err
		},
	}
	if s, ok := w.b.(vmbackend.Suspender); ok {
		all["Suspend"] = func() error { return s.Suspend(w.ctx, id) }
		all["Resume"] = func() error { return s.Resume(w.ctx, id) }
	}
	return all
}

// A guest that does not exist: ErrNoGuest, except for Destroy.
func testNoGuest(w *bench) {
	for name, call := range w.calls("nobody") {
		w.wantError(name+" of no guest", call(), vmbackend.ErrNoGuest)
	}
	if err := w.b.Destroy(w.ctx, "nobody"); err != nil {
		w.Errorf("Destroy of no guest: %v", err)
	}
}

// A call in the wrong order returns ErrWrongState and changes nothing.
func testWrongState(w *bench) {
	m := w.create("idle")
	for _, name := range []string{"Dial", "Stats", "Suspend", "Resume"} {
		if call := w.calls("idle")[name]; call != nil {
			w.wantError(name+" of a guest that was never started", call(), vmbackend.ErrWrongState)
			m.expect(vmbackend.Created)
		}
	}
	m.start()
	m.expect(vmbackend.Running)
	m.stop()
	for _, name := range []string{"Dial", "Stats", "Suspend", "Resume"} {
		if call := w.calls("idle")[name]; call != nil {
			w.wantError(name+" of a stopped guest", call(), vmbackend.ErrWrongState)
			m.expect(vmbackend.Stopped)
		}
	}
}
