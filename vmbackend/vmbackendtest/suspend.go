package vmbackendtest

import (
	"bufio"
	"io"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

func (w *bench) suspender() vmbackend.Suspender {
	w.Helper()
	s, ok := w.b.(vmbackend.Suspender)
	if ok != w.Suspends {
		w.Fatalf("the backend is a Suspender: %v; Options say %v", ok, w.Suspends)
	}
	if !ok {
		w.Skip("this backend cannot suspend")
	}
	return s
}

// Suspend freezes a running guest, Resume thaws it where it was.
func testSuspend(w *bench) {
	s := w.suspender()
	m := w.running("sleeper")
	boot := m.boot()
	client := m.connect("root")
	session, err := client.NewSession()
	if err != nil {
		w.Fatal(err)
	}
	in, err1 := session.StdinPipe()
	out, err2 := session.StdoutPipe()
	if err1 != nil || err2 != nil {
		w.Fatal(err1, err2)
	}
	if err := session.Start("cat"); err != nil {
		w.Fatal(err)
	}
	if err := s.Suspend(w.ctx, m.id); err != nil {
		w.Fatalf("Suspend: %v", err)
	}
	m.expect(vmbackend.Suspended)
	_, err = w.b.Dial(w.ctx, m.id)
	w.wantError("Dial of a suspended guest", err, vmbackend.ErrWrongState)
	w.wantError("Start of a suspended guest", w.b.Start(w.ctx, m.id), vmbackend.ErrWrongState)

	if _, err := io.WriteString(in, "awake\n"); err != nil {
		w.Fatal(err)
	}
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		lines <- line
	}()
	select {
	case line := <-lines:
		w.Errorf("a suspended guest answered %q", line)
	case <-time.After(200 * time.Millisecond): // a moment that an awake one would not need
	}
	if err := s.Resume(w.ctx, m.id); err != nil {
		w.Fatalf("Resume: %v", err)
	}
	m.expect(vmbackend.Running)
	select {
	case line := <-lines:
		if line != "awake\n" {
			w.Errorf("after Resume the program answered %q", line)
		}
	case <-time.After(w.Patience):
		w.Error("after Resume the program does not go on")
	}
	if m.boot() != boot {
		w.Error("the guest was booted anew")
	}
}

// A suspended guest can be stopped, taken over and destroyed.
func testSuspendedEnds(w *bench) {
	s := w.suspender()
	m := w.running("frozen")
	if err := s.Suspend(w.ctx, m.id); err != nil {
		w.Fatalf("Suspend: %v", err)
	}
	w.reopen()
	m.expect(vmbackend.Suspended)
	m.stop()
	m.expect(vmbackend.Stopped)
	m.start()
	if err := w.suspender().Suspend(w.ctx, m.id); err != nil {
		w.Fatalf("Suspend: %v", err)
	}
	m.destroy()
	m.expectGone()
}
