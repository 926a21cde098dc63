package guestssh

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// ErrDetached is returned by Wait when the terminal was left, or the way to it
// lost, while its shell was still running.
var ErrDetached = errors.New("the terminal was left before its shell ended")

// terminalVariable and keptRequest are the agent's, see package agent.
const (
	terminalVariable = "LABMARK_TERMINAL"
	keptRequest      = "kept-terminal@labmark"
)

// Terminal is an attachment to a kept terminal in a guest. Read yields its
// output until the shell ends or the connection does. Read and Write may run
// at the same time; the other methods at any time.
type Terminal struct {
	// Replayed says that the terminal was there already: what is read first is
	// a reset and the last part of its earlier output. False means that a new
	// shell was started.
	Replayed bool

	channel ssh.Channel
	kept    chan bool // gets one value, or is closed
	done    chan struct{}

	mu     sync.Mutex
	status int
	ended  bool
}

// Payloads of RFC 4254 sections 6.2, 6.4, 6.7 and 6.10.
type (
	ptyRequest struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	envRequest    struct{ Name, Value string }
	sizeRequest   struct{ Cols, Rows, Width, Height uint32 }
	statusMessage struct{ Status uint32 }
	signalMessage struct {
		Signal         string
		Core           bool
		Text, Language string
	}
)

// Attach attaches to the client user's terminal called name, which is 1 to 64
// letters, digits, dots, dashes or underscores. If there is none it starts one
// with a login shell. The size is in characters. Closing the client ends a
// call that takes too long.
func Attach(client *ssh.Client, name string, cols, rows int) (*Terminal, error) {
	channel, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		return nil, fmt.Errorf("terminal %s: %w", name, err)
	}
	t := &Terminal{channel: channel, kept: make(chan bool, 1), done: make(chan struct{})}
	go t.follow(requests)
	if err := t.start(name, cols, rows); err != nil {
		_ = channel.Close()
		return nil, fmt.Errorf("terminal %s: %w", name, err)
	}
	return t, nil
}

func (t *Terminal) start(name string, cols, rows int) error {
	steps := []struct {
		request string
		payload []byte
	}{
		{"env", ssh.Marshal(envRequest{terminalVariable, name})},
		{"pty-req", ssh.Marshal(ptyRequest{Term: "xterm-256color", Cols: clamp(cols), Rows: clamp(rows)})},
		{"shell", nil},
	}
	for _, s := range steps {
		ok, err := t.channel.SendRequest(s.request, true, s.payload)
		if err == nil && !ok {
			err = errors.New("refused")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.request, err)
		}
	}
	kept, ok := <-t.kept
	if !ok {
		why, _ := io.ReadAll(io.LimitReader(t.channel.Stderr(), 1<<10))
		return fmt.Errorf("the guest started no shell: %s", strings.TrimSpace(string(why)))
	}
	t.Replayed = kept
	go func() { _, _ = io.Copy(io.Discard, t.channel.Stderr()) }()
	return nil
}

// follow handles what the guest says beside the output, until the channel
// closes.
func (t *Terminal) follow(requests <-chan *ssh.Request) {
	defer close(t.done)
	once := sync.OnceFunc(func() { close(t.kept) })
	defer once()
	told := false
	for r := range requests {
		switch r.Type {
		case keptRequest:
			if !told {
				told = true
				t.kept <- len(r.Payload) == 1 && r.Payload[0] == 1
			}
		case "exit-status":
			var m statusMessage
			if ssh.Unmarshal(r.Payload, &m) == nil {
				t.end(int(m.Status))
			}
			if !told {
				once()
			}
		case "exit-signal":
			var m signalMessage
			if ssh.Unmarshal(r.Payload, &m) == nil {
				t.end(128 + signalNumbers[m.Signal])
			}
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
}

// signalNumbers are Linux's for the names of RFC 4254 section 6.10.
var signalNumbers = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "ABRT": 6, "FPE": 8, "KILL": 9,
	"USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15,
}

func (t *Terminal) end(status int) {
	t.mu.Lock()
	t.status, t.ended = status, true
	t.mu.Unlock()
}

// Read reads the terminal's output.
func (t *Terminal) Read(p []byte) (int, error) { return t.channel.Read(p) }

// Write types p.
func (t *Terminal) Write(p []byte) (int, error) { return t.channel.Write(p) }

// Resize sets the terminal's size for all who are attached.
func (t *Terminal) Resize(cols, rows int) error {
	_, err := t.channel.SendRequest("window-change", false, ssh.Marshal(sizeRequest{Cols: clamp(cols), Rows: clamp(rows)}))
	return err
}

// Wait waits until the shell has ended and returns its exit status; a shell
// that a signal ended has 128 plus the signal's number, as in a shell. It
// returns ErrDetached if the shell runs on. Output must be read meanwhile.
func (t *Terminal) Wait() (status int, err error) {
	<-t.done
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended {
		return 0, ErrDetached
	}
	return t.status, nil
}

// Close detaches. The terminal and its programs run on.
func (t *Terminal) Close() error {
	err := t.channel.Close()
	if errors.Is(err, io.EOF) {
		return nil // it is closed already
	}
	return err
}

func clamp(n int) uint32 { return uint32(min(max(n, 1), 1000)) }
