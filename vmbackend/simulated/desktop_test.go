package simulated_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// seen makes a running guest with a screen.
func (l *lab) seen(id string) {
	l.Helper()
	spec := l.spec
	spec.ID, spec.Desktop = id, true
	if err := l.Create(l.Context(), spec); err != nil {
		l.Fatal(err)
	}
	if err := l.Start(l.Context(), id); err != nil {
		l.Fatal(err)
	}
}

func (l *lab) screen(id string) net.Conn {
	l.Helper()
	conn, err := l.DialDesktop(l.Context(), id)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	hello := make([]byte, 12)
	if _, err := io.ReadFull(conn, hello); err != nil || string(hello) != "RFB 003.008\n" {
		l.Fatalf("the screen says %q, %v", hello, err)
	}
	return conn
}

func TestScreenIsThereWhileTheGuestRuns(t *testing.T) {
	l := newLab(t)
	l.seen("a")
	one, two := l.screen("a"), l.screen("a") // any number may look
	if err := l.Stop(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	for _, conn := range []net.Conn{one, two} {
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("after a stop reading gives %v", err)
		}
	}
	if _, err := l.DialDesktop(t.Context(), "a"); !errors.Is(err, vmbackend.ErrWrongState) {
		t.Errorf("the screen of a stopped guest: %v", err)
	}
	if _, err := l.DialDesktop(t.Context(), "b"); !errors.Is(err, vmbackend.ErrNoGuest) {
		t.Errorf("the screen of no guest: %v", err)
	}
	l.running("c")
	if _, err := l.DialDesktop(t.Context(), "c"); !errors.Is(err, vmbackend.ErrNotOffered) {
		t.Errorf("the screen of a guest without one: %v", err)
	}
}

func TestScreenCanBreak(t *testing.T) {
	l := newLab(t)
	l.seen("a")
	wrong := errors.New("broken")
	remove := l.faults.Add(simulated.Fault{Call: simulated.Show, Err: wrong})
	if _, err := l.DialDesktop(t.Context(), "a"); !errors.Is(err, wrong) {
		t.Errorf("with a fault: %v", err)
	}
	remove()
	conn := l.screen("a")
	l.DropConnections("a")
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a dropped connection goes on")
	}
	l.screen("a")
}
