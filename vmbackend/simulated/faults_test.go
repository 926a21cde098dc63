package simulated_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

var errUnlucky = errors.New("no luck today")

func TestErrorAsOftenAsAsked(t *testing.T) {
	l := newLab(t)
	if err := l.create("g"); err != nil {
		t.Fatal(err)
	}
	l.faults.Add(simulated.Fault{Call: simulated.Start, Guest: "g", Times: 2, Err: errUnlucky})
	l.faults.Add(simulated.Fault{Call: simulated.Start, Guest: "other", Err: errors.New("not for g")})
	for i := range 2 {
		if err := l.Start(t.Context(), "g"); !errors.Is(err, errUnlucky) {
			t.Errorf("start %d: got %v, want the fault's error", i, err)
		}
		if got := l.state("g"); got != vmbackend.Stopped {
			t.Errorf("after a failed start the guest is %s", got)
		}
	}
	if err := l.Start(t.Context(), "g"); err != nil {
		t.Errorf("the third start still fails: %v", err)
	}
}

func TestRemovedFaultIsGone(t *testing.T) {
	l := newLab(t)
	remove := l.faults.Add(simulated.Fault{Call: simulated.List, Err: errUnlucky})
	if _, err := l.List(t.Context()); !errors.Is(err, errUnlucky) {
		t.Errorf("got %v", err)
	}
	remove()
	if _, err := l.List(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCreateFull(t *testing.T) {
	l := newLab(t)
	l.faults.Add(simulated.Fault{Call: simulated.Create, Times: 1, Err: vmbackend.ErrFull})
	if err := l.create("g"); !errors.Is(err, vmbackend.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	if got := l.state("g"); got != "" {
		t.Errorf("a guest that was refused is %s", got)
	}
}

func TestDelayGoesByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		if err := l.create("g"); err != nil {
			t.Fatal(err)
		}
		l.faults.Add(simulated.Fault{Call: simulated.Start, Delay: 90 * time.Second})
		began := time.Now()
		if err := l.Start(t.Context(), "g"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 90*time.Second {
			t.Errorf("the start took %s of the bubble's time", took)
		}
		_ = l.Close()
	})
}

func TestHangEndsWithTheDefaultDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		if err := l.create("g"); err != nil {
			t.Fatal(err)
		}
		l.faults.Add(simulated.Fault{Call: simulated.Start, Hang: true})
		began := time.Now()
		if err := l.Start(context.Background(), "g"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a missed deadline", err)
		}
		if took := time.Since(began); took != vmbackend.DefaultTimeout {
			t.Errorf("the call hung for %s, want %s", took, vmbackend.DefaultTimeout)
		}
		_ = l.Close()
	})
}

func TestDestroyOvertakesAHangingStart(t *testing.T) {
	l := newLab(t)
	if err := l.create("g"); err != nil {
		t.Fatal(err)
	}
	l.faults.Add(simulated.Fault{Call: simulated.Start, Hang: true})
	events := l.Watch(t.Context())
	started := make(chan error, 1)
	go func() { started <- l.Start(t.Context(), "g") }()
	for e := range events {
		if e.State == vmbackend.Starting {
			break
		}
	}
	if err := l.Destroy(t.Context(), "g"); err != nil {
		t.Fatal(err)
	}
	if err := <-started; !errors.Is(err, vmbackend.ErrNoGuest) {
		t.Errorf("the overtaken start said %v, want ErrNoGuest", err)
	}
}

func TestWrongHostKeyIsNoticed(t *testing.T) {
	l := newLab(t)
	l.running("g")
	remove := l.faults.Add(simulated.Fault{Call: simulated.Dial, WrongHostKey: true})
	if _, err := l.connect("g"); err == nil || !strings.Contains(err.Error(), "host key") {
		t.Errorf("got %v, want an error about the host key", err)
	}
	remove()
	l.mustConnect("g")
}

func TestSilentServer(t *testing.T) {
	l := newLab(t)
	l.running("g")
	l.faults.Add(simulated.Fault{Call: simulated.Dial, Silent: true})
	conn, err := l.Dial(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a silent server said %d bytes, error %v", n, err)
	}
	_ = conn.Close()
}

func TestStreamIsCut(t *testing.T) {
	l := newLab(t)
	l.running("g")
	l.faults.Add(simulated.Fault{Call: simulated.Dial, CutAfter: 10})
	conn, err := l.Dial(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if len(got) != 10 || err != nil {
		t.Errorf("got %q, error %v; want ten bytes and the end", got, err)
	}
}

func TestDroppedConnectionsLeaveTheGuest(t *testing.T) {
	l := newLab(t)
	l.running("g")
	client := l.mustConnect("g")
	l.DropConnections("g")
	_ = client.Wait() // returns at all
	if out, err := l.output(l.mustConnect("g"), "echo here", ""); err != nil || out != "here\n" {
		t.Errorf("after the drop: %q, %v", out, err)
	}
}

func TestKillIsToldWithItsReason(t *testing.T) {
	l := newLab(t)
	l.running("g")
	client, events := l.mustConnect("g"), l.Watch(t.Context())
	l.Kill("g", "out of memory")
	if e := <-events; e.State != vmbackend.Stopped || e.Reason != "out of memory" || e.ID != "g" {
		t.Errorf("got %+v", e)
	}
	_ = client.Wait()
	if _, err := l.Dial(t.Context(), "g"); !errors.Is(err, vmbackend.ErrWrongState) {
		t.Errorf("Dial of a dead guest: %v", err)
	}
}

func TestGuestDiesWhileACommandRuns(t *testing.T) {
	l := newLab(t)
	l.running("g")
	client := l.mustConnect("g")
	l.faults.Add(simulated.Fault{Call: simulated.Exec, Dies: true})
	if _, err := l.output(client, "true", ""); err == nil {
		t.Error("the command ended well in a dead guest")
	}
	if got := l.state("g"); got != vmbackend.Stopped {
		t.Errorf("the guest is %s", got)
	}
}

func TestCommandThatNeverEndsEndsWithItsClient(t *testing.T) {
	l := newLab(t)
	l.running("g")
	l.faults.Add(simulated.Fault{Call: simulated.Exec, Hang: true})
	client := l.mustConnect("g")
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("true"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- session.Wait() }()
	l.faults.Clear()
	if _, err := l.output(client, "true", ""); err != nil { // others are not held up
		t.Error(err)
	}
	select {
	case err := <-ended:
		t.Errorf("the hanging command ended: %v", err)
	default:
	}
	_ = client.Close()
	if err := <-ended; err == nil {
		t.Error("the command that was cut off ended well")
	}
}

func TestEndlessOutput(t *testing.T) {
	l := newLab(t)
	l.running("g")
	l.faults.Add(simulated.Fault{Call: simulated.Exec, Endless: true})
	session, err := l.mustConnect("g").NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("true"); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 8<<20)
	if _, err := io.ReadFull(out, text); err != nil || !bytes.Contains(text, []byte("All work")) {
		t.Errorf("after 8 MB at most: %v", err)
	}
}
