package simulated

import (
	"bytes"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// clientRoom is how many pieces of output wait for a client. One that does
// not read misses the rest, and never holds up the others.
const clientRoom = 1024

// reset is the terminal's RIS control: what a client shows is out of date.
const reset = "\x1bc"

// attach gives a client the output to come, and the past before it when there
// is one.
func (t *terminal) attach(s *sshserver.Session, kept bool) <-chan []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	ch := make(chan []byte, clientRoom)
	if kept {
		ch <- append([]byte(reset), t.past...)
	}
	if s.Pty != nil {
		t.size = s.Pty.Size
	}
	t.clients[s] = ch
	return ch
}

func (t *terminal) detach(s *sshserver.Session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.clients, s)
}

// print shows text to all clients and keeps it.
func (t *terminal) print(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text == "" {
		return
	}
	t.past = append(t.past, text...)
	if over := len(t.past) - scrollback; over > 0 {
		t.past = bytes.Clone(t.past[over:])
	}
	for _, ch := range t.clients {
		select {
		case ch <- []byte(text):
		default:
		}
	}
}

func (t *terminal) finish(status uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.over:
	default:
		t.status = status
		close(t.over)
	}
}

func (t *terminal) resize(size sshserver.Size) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.size = size
}

func (t *terminal) sizeNow() sshserver.Size {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.size
}

// keep adds a typed byte to the line; maxLine bounds it.
func (t *terminal) keep(c byte) {
	const maxLine = 4096 // as the kernel's N_TTY_BUF_SIZE
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.line) < maxLine {
		t.line = append(t.line, c)
	}
}

func (t *terminal) erase() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.line) == 0 {
		return false
	}
	t.line = t.line[:len(t.line)-1]
	return true
}

func (t *terminal) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.line) == 0
}

func (t *terminal) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := string(t.line)
	t.line = nil
	return line
}
