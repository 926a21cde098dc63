package simulated

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipeRoom is how many bytes each direction of a pipe holds before the writer
// waits. net.Pipe holds none, and SSH begins with both sides writing.
const pipeRoom = 64 << 10

// newPipe returns the two ends of a stream in memory. Beside what net.Conn
// promises, its waits are of the kind that testing/synctest can see through.
func newPipe() (a, b net.Conn) {
	there, back := newHalf(), newHalf()
	return &end{in: back, out: there}, &end{in: there, out: back}
}

// half is one direction.
type half struct {
	mu      sync.Mutex
	changed *sync.Cond
	data    []byte
	// closed: the writer has closed, what is buffered may still be read.
	// broken: the reader has gone, writing makes no sense.
	closed, broken bool
	read, write    deadline
}

func newHalf() *half {
	h := &half{}
	h.changed = sync.NewCond(&h.mu)
	return h
}

// deadline is one side's deadline on a half. Guarded by the half's mu.
type deadline struct {
	timer  *time.Timer
	passed bool
}

func (h *half) set(d *deadline, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	d.timer, d.passed = nil, false
	if !t.IsZero() {
		if wait := time.Until(t); wait <= 0 {
			d.passed = true
		} else {
			d.timer = h.expire(d, wait)
		}
	}
	h.changed.Broadcast()
}

// expire marks d as passed unless it was set anew meanwhile.
func (h *half) expire(d *deadline, wait time.Duration) *time.Timer {
	var timer *time.Timer
	timer = time.AfterFunc(wait, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if d.timer == timer {
			d.passed = true
			h.changed.Broadcast()
		}
	})
	return timer
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.broken:
			return 0, io.ErrClosedPipe
		case h.read.passed:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(h.data) > 0:
			n := copy(p, h.data)
			h.data = h.data[n:]
			h.changed.Broadcast()
			return n, nil
		case h.closed:
			return 0, io.EOF
		}
		h.changed.Wait()
	}
}

func (h *half) Write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.closed, h.broken:
			return n, io.ErrClosedPipe
		case h.write.passed:
			return n, os.ErrDeadlineExceeded
		case n == len(p):
			return n, nil
		}
		if room := pipeRoom - len(h.data); room > 0 {
			part := p[n:min(len(p), n+room)]
			h.data = append(h.data, part...)
			n += len(part)
			h.changed.Broadcast()
			continue
		}
		h.changed.Wait()
	}
}

func (h *half) end(mark *bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*mark = true
	h.changed.Broadcast()
}

// end is a net.Conn made of two halves.
type end struct{ in, out *half }

func (e *end) Read(p []byte) (int, error)  { return e.in.Read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.Write(p) }

func (e *end) Close() error {
	e.out.end(&e.out.closed)
	e.in.end(&e.in.broken)
	e.in.set(&e.in.read, time.Time{}) // stops the timers
	e.out.set(&e.out.write, time.Time{})
	return nil
}

func (e *end) SetDeadline(t time.Time) error {
	e.in.set(&e.in.read, t)
	e.out.set(&e.out.write, t)
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.in.set(&e.in.read, t)
	return nil
}

func (e *end) SetWriteDeadline(t time.Time) error {
	e.out.set(&e.out.write, t)
	return nil
}

func (e *end) LocalAddr() net.Addr  { return address{} }
func (e *end) RemoteAddr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "simulated" }
