package agent

import (
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
