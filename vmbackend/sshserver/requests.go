package sshserver

import (
	"context"

	"golang.org/x/crypto/ssh"
)

// Payloads of RFC 4254 sections 6.2, 6.4 to 6.10.
type (
	ptyRequest struct {
		Term                      string
		Cols, Rows, Width, Height uint32
		Modes                     string
	}
	sizeRequest   struct{ Cols, Rows, Width, Height uint32 }
	envRequest    struct{ Name, Value string }
	textRequest   struct{ Text string }
	statusMessage struct{ Status uint32 }
	signalMessage struct {
		Signal         string
		Core           bool
		Text, Language string
	}
)

// serveSession accepts a channel, collects what the client sets up, runs the
// handler once and closes the channel.
func serveSession(ctx context.Context, user string, ch ssh.NewChannel, h Handler) {
	channel, requests, err := ch.Accept()
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &Session{
		User: user, ctx: ctx, channel: channel,
		resizes: make(chan Size, requestQueue),
		signals: make(chan string, requestQueue),
	}
	defer func() { _ = channel.Close() }()
	known, _ := h.(Subsystems)
	if !s.prepare(requests, known) {
		return
	}
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		s.follow(requests)
		cancel() // the channel is closed
	}()
	sendExit(channel, h.Session(s))
	_ = channel.Close()
	<-followed
}

// prepare handles requests up to the one that starts something. It returns
// false if the channel is closed first.
func (s *Session) prepare(requests <-chan *ssh.Request, known Subsystems) bool {
	envBytes := 0
	for r := range requests {
		ok, started := false, false
		switch r.Type {
		case "pty-req":
			ok = s.takePty(r.Payload)
		case "window-change":
			ok = s.takeFirstSize(r.Payload)
		case "env":
			var e envRequest
			ok = ssh.Unmarshal(r.Payload, &e) == nil && len(s.Env) < maxEnv && envBytes+len(r.Payload) <= maxEnvBytes
			if ok {
				envBytes += len(r.Payload)
				s.Env = append(s.Env, Variable(e))
			}
		case string(Shell):
			s.Kind, ok, started = Shell, true, true
		case string(Exec), string(Subsystem):
			var t textRequest
			ok = ssh.Unmarshal(r.Payload, &t) == nil
			if r.Type == string(Subsystem) {
				ok = ok && known != nil && known.Subsystem(t.Text)
			}
			s.Kind, s.Command, started = Kind(r.Type), t.Text, ok
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
		if started {
			return true
		}
	}
	return false
}

func (s *Session) takePty(payload []byte) bool {
	var p ptyRequest
	if ssh.Unmarshal(payload, &p) != nil {
		return false
	}
	s.Pty = &Pty{Term: p.Term, Size: size(p.Cols, p.Rows)}
	return true
}

func (s *Session) takeFirstSize(payload []byte) bool {
	var w sizeRequest
	if s.Pty == nil || ssh.Unmarshal(payload, &w) != nil {
		return false
	}
	s.Pty.Size = size(w.Cols, w.Rows)
	return true
}

// follow handles requests of a running session until the channel closes. It
// never waits for the handler.
func (s *Session) follow(requests <-chan *ssh.Request) {
	for r := range requests {
		ok := false
		switch r.Type {
		case "window-change":
			var w sizeRequest
			if ok = ssh.Unmarshal(r.Payload, &w) == nil; ok {
				offer(s.resizes, size(w.Cols, w.Rows))
			}
		case "signal":
			var t textRequest
			if ok = ssh.Unmarshal(r.Payload, &t) == nil; ok {
				offer(s.signals, t.Text)
			}
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
	}
}

// offer puts v into a full queue in place of the oldest.
func offer[T any](queue chan T, v T) {
	for {
		select {
		case queue <- v:
			return
		default:
		}
		select {
		case <-queue:
		default:
		}
	}
}

func size(cols, rows uint32) Size {
	const most = 1000 // a terminal's memory is the product
	return Size{Cols: uint16(min(cols, most)), Rows: uint16(min(rows, most))}
}

func sendExit(channel ssh.Channel, e Exit) {
	_ = channel.CloseWrite()
	if e.Signal != "" {
		_, _ = channel.SendRequest("exit-signal", false, ssh.Marshal(signalMessage{Signal: e.Signal, Core: e.Core}))
		return
	}
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(statusMessage{e.Status}))
}
