package simulated

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// terminals are the kept terminals of one run, by user and name, as
// vmbackend/agent describes them.
type terminals struct {
	mu  sync.Mutex
	all map[string]*terminal
}

// scrollback is how many bytes a client gets that attaches again.
const scrollback = 256 << 10

// terminal is a fake pty with a shell at its prompt: it echoes what is typed,
// knows backspace, Ctrl-C and Ctrl-D, and runs lines.
type terminal struct {
	mu      sync.Mutex
	past    []byte
	line    []byte
	size    sshserver.Size
	clients map[*sshserver.Session]chan []byte
	over    chan struct{}
	status  uint32
}

func newTerminal() *terminal {
	return &terminal{clients: map[*sshserver.Session]chan []byte{}, over: make(chan struct{})}
}

// get finds a kept terminal, or makes one that has not ended.
func (ts *terminals) get(name string) (t *terminal, kept bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.all[name]; t != nil {
		select {
		case <-t.over:
		default:
			return t, true
		}
	}
	if ts.all == nil {
		ts.all = map[string]*terminal{}
	}
	ts.all[name] = newTerminal()
	return ts.all[name], false
}

// terminal serves a shell session: on a terminal of its own, or on the kept
// one that LABMARK_TERMINAL names.
func (h *sessions) terminal(s *sshserver.Session) sshserver.Exit {
	t, kept := newTerminal(), false
	if name := s.Getenv("LABMARK_TERMINAL"); name != "" {
		t, kept = h.run.terminals.get(s.User + "/" + name)
		_ = s.Tell("kept-terminal@labmark", []byte{map[bool]byte{false: 0, true: 1}[kept]})
	}
	output := t.attach(s, kept)
	defer t.detach(s)
	if !kept {
		t.print(h.prompt(s.User))
	}
	typed := make(chan []byte)
	go readTyped(s, typed)
	for {
		select {
		case text := <-output:
			if _, err := s.Write(text); err != nil {
				return sshserver.Exit{Signal: "HUP"}
			}
		case text, open := <-typed:
			if !open {
				typed = nil
				continue
			}
			h.typed(s, t, text)
		case size := <-s.Resizes():
			t.resize(size)
		case <-t.over:
			drain(s, output)
			return sshserver.Exit{Status: t.status}
		case <-s.Context().Done():
			return sshserver.Exit{Signal: "HUP"}
		}
	}
}

func readTyped(s *sshserver.Session, typed chan<- []byte) {
	defer close(typed)
	buffer := make([]byte, 4096)
	for {
		n, err := s.Read(buffer)
		if n > 0 {
			select {
			case typed <- bytes.Clone(buffer[:n]):
			case <-s.Context().Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func drain(w io.Writer, output <-chan []byte) {
	for {
		select {
		case text := <-output:
			_, _ = w.Write(text)
		default:
			return
		}
	}
}

func (h *sessions) prompt(user string) string {
	mark := "$"
	if user == "root" {
		mark = "#"
	}
	return fmt.Sprintf("%s@%s:~%s ", user, h.guest.hostname(), mark)
}

// typed takes what one client typed, as a terminal's line discipline does.
func (h *sessions) typed(s *sshserver.Session, t *terminal, text []byte) {
	for _, c := range text {
		switch c {
		case '\r', '\n':
			t.print("\r\n")
			h.enter(s, t)
		case 0x03: // Ctrl-C
			t.take()
			t.print("^C\r\n" + h.prompt(s.User))
		case 0x04: // Ctrl-D
			if t.empty() {
				t.finish(0)
				return
			}
		case 0x7f, 0x08: // backspace
			if t.erase() {
				t.print("\b \b")
			}
		default:
			t.keep(c)
			t.print(string([]byte{c}))
		}
	}
}

// enter runs the line that was typed.
func (h *sessions) enter(s *sshserver.Session, t *terminal) {
	line := t.take()
	var out shortText
	status, left := h.runLine(s, t, line, &out)
	t.print(strings.ReplaceAll(out.String(), "\n", "\r\n"))
	if left {
		t.finish(status)
		return
	}
	t.print(h.prompt(s.User))
}

func (h *sessions) runLine(s *sshserver.Session, t *terminal, line string, out *shortText) (status uint32, left bool) {
	switch first, _, _ := strings.Cut(strings.TrimSpace(line), " "); {
	case first == "":
		return 0, false
	case strings.TrimSpace(line) == "stty size":
		size := t.sizeNow()
		fmt.Fprintf(out, "%d %d\n", size.Rows, size.Cols)
		return 0, false
	case first != "exit" && h.guest.machine.Exec != nil:
		stdout, stderr, code := h.guest.machine.Exec(line, "")
		fmt.Fprint(out, stdout, stderr)
		return uint32(code), false
	}
	sh := &shell{ctx: s.Context(), user: s.User, guest: h.guest, disk: &Disk{h.guest}, in: strings.NewReader(""), out: out, errout: out}
	return uint32(sh.run(line)), sh.left
}

// shortText collects a line's output and refuses what is too much, so that
// yes ends.
type shortText struct{ strings.Builder }

func (t *shortText) Write(p []byte) (int, error) {
	if t.Len()+len(p) > scrollback {
		return 0, io.ErrShortWrite
	}
	return t.Builder.Write(p)
}
