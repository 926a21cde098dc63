package agent

import (
	"context"
	"io"
	"time"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// redrawPause lies between the two resizes that make a full-screen
// program draw itself anew: one would not be a change, and two at once
// would not be noticed.
const redrawPause = 60 * time.Millisecond

// client is one attached session.
type client struct {
	backlog []byte // to be sent before the output at offset
	offset  uint64
	// writing is since when the client has not taken what it was last given;
	// zero when it has.
	writing time.Time
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
