package guestlink

import (
	"bytes"
	"io"
	"sync"
	"testing"
)

// pipe is one direction of a serial line.
type pipe struct {
	mu     sync.Mutex
	cond   sync.Cond
	buf    []byte
	closed bool
	room   int // writers wait while so much is unread
	chunk  int // readers get at most so much at once
	peak   int
}

func newPipe(room, chunk int) *pipe {
	p := &pipe{room: room, chunk: chunk}
	p.cond.L = &p.mu
	return p
}

func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 && !p.closed {
		p.cond.Wait()
	}
	if len(p.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(len(b), p.chunk)], p.buf)
	p.buf = append(p.buf[:0], p.buf[n:]...)
	p.cond.Broadcast()
	return n, nil
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for done := 0; done < len(b); {
		for len(p.buf) >= p.room && !p.closed {
			p.cond.Wait()
		}
		if p.closed {
			return done, io.ErrClosedPipe
		}
		n := min(len(b)-done, p.room-len(p.buf))
		p.buf = append(p.buf, b[done:done+n]...)
		done += n
		p.peak = max(p.peak, len(p.buf))
		p.cond.Broadcast()
	}
	return len(b), nil
}

func (p *pipe) close() {
	p.mu.Lock()
	p.closed = true
	p.cond.Broadcast()
	p.mu.Unlock()
}

// lineLimit is what the host may be ahead: 3 KB, and the frames that join.
const lineLimit = 3<<10 + 64

// end is one end of the line.
type end struct {
	in, out *pipe
	once    sync.Once
	onClose func()
}

func (e *end) Read(b []byte) (int, error)  { return e.in.Read(b) }
func (e *end) Write(b []byte) (int, error) { return e.out.Write(b) }
func (e *end) Close() error {
	e.once.Do(e.onClose)
	return nil
}

// umlLine behaves as UML's serial line: the guest gets a few bytes at once,
// and the line would hang if the host ran 4 KB ahead. Closing the host's end
// ends only the host's reading, as a process that dies does: the guest's end
// stays open for the next host.
type umlLine struct {
	down, up *pipe // host → guest, guest → host
	guest    *end
}

func newUMLLine(tb testing.TB) *umlLine {
	l := &umlLine{down: newPipe(1<<20, 16), up: newPipe(64<<10, 4096)}
	l.guest = &end{in: l.down, out: l.up, onClose: func() { l.down.close(); l.up.close() }}
	tb.Cleanup(func() {
		if l.down.peak > lineLimit {
			tb.Errorf("the host ran %d bytes ahead of the guest; a real line hangs at 4 KB, allowed are %d", l.down.peak, lineLimit)
		}
	})
	return l
}

// host returns a fresh host's end. Its closing lets a pump die, not the line.
func (l *umlLine) host() *end {
	in := newPipe(64<<10, 4096)
	stop := make(chan struct{})
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := l.up.Read(buf)
			if err == nil {
				_, err = in.Write(buf[:n])
			}
			select {
			case <-stop: // what was read last is lost with this host
				return
			default:
			}
			if err != nil {
				in.close()
				return
			}
		}
	}()
	return &end{in: in, out: l.down, onClose: func() {
		close(stop)
		in.close()
		l.up.mu.Lock() // wakes the pump, which may wait for the guest
		l.up.buf = append(l.up.buf, flagByte)
		l.up.cond.Broadcast()
		l.up.mu.Unlock()
	}}
}

func (l *umlLine) garbage(toHost, toGuest []byte) {
	_, _ = l.up.Write(bytes.Clone(toHost))
	_, _ = l.down.Write(bytes.Clone(toGuest))
}
