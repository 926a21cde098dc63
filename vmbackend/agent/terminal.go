package agent

import (
	"context"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

const (
	// ahead is how much output may wait for the fastest client before the
	// program is held up. It is less than scrollback, so that a client that
	// does read misses nothing.
	ahead = scrollback / 2
	// stallLimit is how long a client that reads nothing can hold it up.
	stallLimit = 2 * time.Second
	// hangupLimit is how long output may still come after the shell's end.
	hangupLimit = time.Second
	// redrawPause lies between the two resizes that make a full-screen
	// program draw itself anew: one would not be a change, and two at once
	// would not be noticed.
	redrawPause = 60 * time.Millisecond
)

// terminal is a pseudo-terminal with its programs. Clients come and go.
type terminal struct {
	master *os.File
	proc   *process
	input  chan []byte
	done   chan struct{} // closed when all output is in ring

	mu      sync.Mutex
	ring    ring
	size    sshserver.Size
	clients map[*client]struct{}
	changed chan struct{} // closed and made anew when anything below mu changes
	ended   bool
}

// client is one attached session.
type client struct {
	backlog []byte // to be sent before the output at offset
	offset  uint64
	// writing is since when the client has not taken what it was last given;
	// zero when it has.
	writing time.Time
}

// newTerminal starts a shell or, for an exec, a command in a new terminal.
func (a *Agent) newTerminal(s *sshserver.Session, acct account) (*terminal, error) {
	size := sshserver.Size{Cols: 80, Rows: 24}
	term := "xterm-256color"
	if s.Pty != nil {
		size = s.Pty.Size
		if s.Pty.Term != "" {
			term = s.Pty.Term
		}
	}
	master, slave, err := a.pty.open(acct, size)
	if err != nil {
		return nil, err
	}
	sys := &syscall.SysProcAttr{Setctty: true, Ctty: 0}
	a.student.join(sys)
	env := append(allowed(s), "TERM="+term)
	proc, err := a.startShell(acct, s.Command, s.Kind == sshserver.Exec, env, [3]*os.File{slave, slave, slave}, sys)
	_ = slave.Close()
	if err != nil {
		_ = master.Close()
		return nil, err
	}
	t := &terminal{
		master: master, proc: proc, size: size,
		input: make(chan []byte), done: make(chan struct{}),
		clients: map[*client]struct{}{}, changed: make(chan struct{}),
	}
	go t.collect()
	go t.feed()
	return t, nil
}

// collect moves output into the ring until the terminal is finished.
func (t *terminal) collect() {
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		buf := make([]byte, 4096) // more than that a terminal never hands out
		for {
			n, err := t.master.Read(buf)
			if n > 0 {
				t.store(buf[:n])
			}
			if err != nil {
				return
			}
			t.pace()
		}
	}()
	<-t.proc.done
	_ = t.master.SetReadDeadline(time.Now().Add(hangupLimit))
	<-reading
	t.mu.Lock()
	t.ended = true
	t.notify()
	t.mu.Unlock()
	close(t.done)
	_ = t.master.Close()
}

func (t *terminal) store(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring.write(p)
	t.notify()
}

// notify wakes whoever waits on changed. The caller holds mu.
func (t *terminal) notify() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// pace holds up the program while every client that still reads is behind.
func (t *terminal) pace() {
	for {
		wait, changed := t.behind()
		if wait <= 0 {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
		case <-t.proc.done:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// behind returns how long to wait at most, 0 if not at all, and what tells
// that something has changed.
func (t *terminal) behind() (time.Duration, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var wait time.Duration
	for c := range t.clients {
		left := stallLimit
		if !c.writing.IsZero() {
			left -= time.Since(c.writing)
		}
		if left <= 0 {
			continue // it no longer counts, until it reads again
		}
		if t.ring.head-c.offset < ahead {
			return 0, t.changed
		}
		wait = max(wait, left)
	}
	return wait, t.changed
}

// feed writes input to the terminal. It may wait long for a program that does
// not read; clients wait with it, but can leave.
func (t *terminal) feed() {
	for {
		select {
		case p := <-t.input:
			if _, err := t.master.Write(p); err != nil {
				return
			}
		case <-t.done:
			return
		}
	}
}

// attach serves one session until it leaves or the terminal is finished; then
// finished is true.
func (a *Agent) attach(t *terminal, s *sshserver.Session, kept bool) (finished bool) {
	ctx, leave := context.WithCancel(s.Context())
	defer leave()
	c := t.join(kept)
	defer t.part(c)
	if s.Pty != nil {
		t.resize(s.Pty.Size)
	}
	go t.followInput(ctx, s)
	go a.followRequests(ctx, t, s)
	return t.deliver(ctx, c, s)
}

func (t *terminal) join(kept bool) *client {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &client{}
	if kept {
		t.catchUp(c)
	}
	t.clients[c] = struct{}{}
	return c
}

func (t *terminal) part(c *client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.clients, c)
	t.notify()
}

// catchUp brings a client that has missed output to the present. The caller
// holds mu.
func (t *terminal) catchUp(c *client) {
	data, alternate := t.ring.replay()
	c.backlog, c.offset = data, t.ring.head
	if alternate && !t.ended {
		go t.redraw()
	}
}

func (t *terminal) redraw() {
	t.mu.Lock()
	size := t.size
	t.mu.Unlock()
	size.Rows++
	setSize(t.master, size)
	time.Sleep(redrawPause)
	t.mu.Lock()
	defer t.mu.Unlock()
	setSize(t.master, t.size)
}

func (t *terminal) resize(size sshserver.Size) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if size.Cols == 0 || size.Rows == 0 {
		return
	}
	t.size = size
	setSize(t.master, size)
}

// deliver writes output to w, at w's own pace.
func (t *terminal) deliver(ctx context.Context, c *client, w io.Writer) (finished bool) {
	buf := make([]byte, 16<<10)
	for {
		n, changed, ended := t.take(c, buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return false
			}
			continue
		}
		if ended {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// take copies the next output for c, which has taken what it got before.
func (t *terminal) take(c *client, buf []byte) (n int, changed <-chan struct{}, ended bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !c.writing.IsZero() {
		c.writing = time.Time{}
		t.notify()
	}
	if len(c.backlog) == 0 {
		var kept bool
		if n, kept = t.ring.read(c.offset, buf); kept {
			c.offset += uint64(n)
		} else {
			t.catchUp(c)
		}
	}
	if len(c.backlog) > 0 {
		n = copy(buf, c.backlog)
		c.backlog = c.backlog[n:]
	}
	if n > 0 {
		c.writing = time.Now()
	}
	return n, t.changed, t.ended
}

func (t *terminal) followInput(ctx context.Context, s *sshserver.Session) {
	buf := make([]byte, 4096)
	for {
		n, err := s.Read(buf)
		if err != nil {
			return
		}
		p := append([]byte(nil), buf[:n]...)
		select {
		case t.input <- p:
		case <-t.done:
			return
		case <-ctx.Done():
			return
		}
	}
}
