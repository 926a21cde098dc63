package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"
)

func promptOf(guest string) string {
	return "\x1b[1;32mstudent@" + guest + "\x1b[0m:\x1b[1;34m~\x1b[0m$ "
}

// serveTerminal speaks the protocol of docs/architecture.md with a toy shell.
func (s *stage) serveTerminal(w http.ResponseWriter, r *http.Request) {
	guest := r.URL.Query().Get("guest")
	s.mu.Lock()
	if !slices.Contains(s.guests, guest) {
		guest = s.guests[0] // pages with more machines than the stage has
	}
	state, cut, deaf := s.stateOf(guest), s.cutOf(guest), s.deaf
	s.mu.Unlock()
	if deaf {
		refuse(w, http.StatusServiceUnavailable, "The demo plays deaf.", "")
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	if state != "ready" {
		_ = c.Close(4001, "no running guest")
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-cut:
			cancel()
		case <-ctx.Done():
		}
	}()
	t := &toy{stage: s, guest: guest, prompt: promptOf(guest), conn: c}
	t.attach(ctx)
	for {
		kind, data, err := c.Read(ctx)
		if err != nil {
			return
		}
		if kind == websocket.MessageBinary && !t.input(ctx, string(data)) {
			return
		}
	}
}

// stateOf is one machine's. The caller holds mu.
func (s *stage) stateOf(guest string) string {
	for _, m := range s.view.Machines {
		if m.Name == guest {
			return m.State
		}
	}
	return s.view.State
}

// toy is one connection's line editor.
type toy struct {
	stage         *stage
	guest, prompt string
	conn          *websocket.Conn
	line          strings.Builder
}

func (t *toy) control(ctx context.Context, m map[string]any) {
	b, _ := json.Marshal(m)
	_ = t.conn.Write(ctx, websocket.MessageText, b)
}

// attach replays the scrollback, or greets.
func (t *toy) attach(ctx context.Context) {
	t.stage.mu.Lock()
	scroll := append([]byte(nil), t.stage.scroll[t.guest]...)
	t.stage.mu.Unlock()
	t.control(ctx, map[string]any{"type": "attached", "replay": len(scroll) > 0})
	if len(scroll) > 0 {
		_ = t.conn.Write(ctx, websocket.MessageBinary, scroll)
		return
	}
	t.print(ctx, "\x1b[?2004h"+t.prompt) // with bracketed paste
}

func (t *toy) print(ctx context.Context, out string) {
	t.stage.mu.Lock()
	t.stage.scroll[t.guest] = append(t.stage.scroll[t.guest], out...)
	t.stage.mu.Unlock()
	_ = t.conn.Write(ctx, websocket.MessageBinary, []byte(out))
}

// input echoes, and runs a line at Enter. It reports whether the shell lives.
func (t *toy) input(ctx context.Context, in string) bool {
	for _, r := range unbracketed(in) {
		switch {
		case r == '\r':
			line := t.line.String()
			t.line.Reset()
			t.print(ctx, "\r\n")
			if line == "exit" {
				t.control(ctx, map[string]any{"type": "exit", "status": 0})
				t.stage.mu.Lock()
				t.stage.scroll[t.guest] = nil
				t.stage.mu.Unlock()
				_ = t.conn.Close(websocket.StatusNormalClosure, "")
				return false
			}
			t.stage.mu.Lock()
			t.stage.typed += line + "\n"
			t.stage.mu.Unlock()
			t.print(ctx, outputOf(line)+t.prompt)
		case r == 0x7f && t.line.Len() > 0:
			s := t.line.String()
			t.line.Reset()
			t.line.WriteString(s[:len(s)-1])
			t.print(ctx, "\b \b")
		case r == 0x03:
			t.line.Reset()
			t.print(ctx, "^C\r\n"+t.prompt)
		case r >= ' ' || r == '\n':
			t.line.WriteRune(r)
			t.print(ctx, strings.ReplaceAll(string(r), "\n", "\r\n> "))
		}
	}
	return true
}

// unbracketed takes the marks of a bracketed paste off. As in a real shell, a
// line end in it does not run the line. Marks that are split between two
// frames are beyond a toy.
func unbracketed(in string) string {
	before, rest, found := strings.Cut(in, "\x1b[200~")
	if !found {
		return in
	}
	pasted, after, _ := strings.Cut(rest, "\x1b[201~")
	return before + strings.ReplaceAll(pasted, "\r", "\n") + after
}

// outputOf knows a few commands that show what a terminal can.
func outputOf(line string) string {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "":
		return ""
	case "echo":
		return rest + "\r\n"
	case "pwd;", "ls":
		return "/home/student\r\ntotal 8\r\ndrwxr-xr-x 2 student student 4096 Nov 20 09:12 \x1b[1;34mDownloads\x1b[0m\r\n-rw-r--r-- 1 student student   14 Nov 20 09:13 notes.txt\r\n-rwxr-xr-x 1 student student  880 Nov 20 09:13 \x1b[1;32mtidy.sh\x1b[0m\r\n"
	case "mkdir", "cd":
		return ""
	case "colours": // direct colours and the dim ones, which need style attributes
		return "\x1b[38;2;200;60;40mred\x1b[0m \x1b[48;2;20;90;160;38;2;255;255;255m blue \x1b[0m \x1b[31mdark red\x1b[0m \x1b[2mdim\x1b[0m \x1b[4:3munderlined\x1b[0m\r\n"
	case "link":
		return "see https://example.org/manual\r\n"
	case "ask": // where is the cursor, and who are you?
		return "\x1b[6n\x1b[c\r\n"
	case "flood":
		return strings.Repeat(strings.Repeat("flood ", 12)+"\r\n", 20000)
	}
	return word + ": command not found\r\n"
}
