package bastion

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// session joins a client's session to one in the guest, request by request.
func (v *visit) session(ctx context.Context, ch ssh.NewChannel) {
	ours, requests, err := ch.Accept()
	if err != nil {
		return
	}
	defer func() { _ = ours.Close() }()
	say := func(words string) { _, _ = io.WriteString(ours.Stderr(), lines("Labmark: "+words)) }
	p, err := v.wake(ctx, say)
	var theirs ssh.Channel
	var told <-chan *ssh.Request
	if err == nil {
		theirs, told, err = v.channel(ctx, p, "session", nil)
	}
	if err != nil {
		sorry(ours, requests, func() { say(v.explain(err)) })
		return
	}
	defer func() { _ = theirs.Close() }()
	_, _ = theirs.SendRequest("env", false, ssh.Marshal(variable{"LABMARK_PERSON", "1"}))
	relay(ours, requests, theirs, told, v.works(p))
}

// works notes that the owner of a guest does something in it: whoever works by
// SSH alone is not idle. What a client sends by itself, as editors do, can't be
// told from keys.
func (v *visit) works(p place) func() {
	address, _, _ := net.SplitHostPort(v.conn.RemoteAddr().String())
	return func() { v.b.cfg.Guests.Active(p.Owner, address) }
}

// noted calls active whenever something was read.
type noted struct {
	io.Reader
	active func()
}

func (n noted) Read(b []byte) (int, error) {
	got, err := n.Reader.Read(b)
	if got > 0 {
		n.active()
	}
	return got, err
}

// relay carries everything both ways until the guest has closed the channel,
// or the client has. active is called when the client has sent something.
func relay(ours ssh.Channel, requests <-chan *ssh.Request, theirs ssh.Channel, told <-chan *ssh.Request, active func()) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for r := range requests {
			ok := false
			if allowed(r) {
				ok, _ = theirs.SendRequest(r.Type, r.WantReply, r.Payload)
			}
			if r.WantReply {
				_ = r.Reply(ok, nil)
			}
		}
		_ = theirs.Close() // the client has gone
	}()
	go func() {
		_, _ = io.Copy(theirs, noted{ours, active})
		_ = theirs.CloseWrite()
	}()
	var back, output sync.WaitGroup
	output.Go(func() { _, _ = io.Copy(ours, theirs) })
	output.Go(func() { _, _ = io.Copy(ours.Stderr(), theirs.Stderr()) })
	back.Go(func() {
		output.Wait()
		_ = ours.CloseWrite()
	})
	back.Go(func() {
		for r := range told {
			ok := false
			if r.Type == "exit-status" || r.Type == "exit-signal" {
				output.Wait() // some clients hang up on hearing it
				ok, _ = ours.SendRequest(r.Type, r.WantReply, r.Payload)
			}
			if r.WantReply {
				_ = r.Reply(ok, nil)
			}
		}
	})
	ended := make(chan struct{})
	go func() {
		back.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-gone: // a guest that hangs would never say that it has closed
	}
}

// variable is the payload of an env request, text that of exec and subsystem.
type (
	variable struct{ Name, Value string }
	text     struct{ Text string }
)

// allowed says what of a client's requests the guest gets to see. The
// gateway's own words to the agent are not for people.
func allowed(r *ssh.Request) bool {
	switch r.Type {
	case "pty-req", "shell", "exec", "window-change", "signal":
		return true
	case "env":
		var e variable
		return ssh.Unmarshal(r.Payload, &e) == nil && !strings.HasPrefix(e.Name, "LABMARK_")
	case "subsystem":
		var s text
		return ssh.Unmarshal(r.Payload, &s) == nil && s.Text == "sftp"
	}
	return false
}

// sorry lets a client ask for what it wants, and tells it instead why there is
// nothing.
func sorry(ours ssh.Channel, requests <-chan *ssh.Request, tell func()) {
	for r := range requests {
		start := r.Type == "shell" || r.Type == "exec" || r.Type == "subsystem"
		if r.WantReply {
			_ = r.Reply(true, nil)
		}
		if start {
			tell()
			_ = ours.CloseWrite()
			_, _ = ours.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{1}))
			return
		}
	}
}

// lines are for a terminal that may be raw.
func lines(words string) string { return strings.ReplaceAll(words, "\n", "\r\n") }

// forward joins a connection that the client wants to a port of its guest. The
// guest's agent opens it, and only to the guest itself.
func (v *visit) forward(ctx context.Context, ch ssh.NewChannel) {
	p, err := v.wake(ctx, func(string) {})
	var theirs ssh.Channel
	var told <-chan *ssh.Request
	if err == nil {
		theirs, told, err = v.channel(ctx, p, "direct-tcpip", ch.ExtraData())
	}
	if err != nil {
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) {
			_ = ch.Reject(refused.Reason, refused.Message)
			return
		}
		_ = ch.Reject(ssh.ConnectionFailed, strings.TrimSpace(v.explain(err)))
		return
	}
	defer func() { _ = theirs.Close() }()
	go ssh.DiscardRequests(told)
	ours, requests, err := ch.Accept()
	if err != nil {
		return
	}
	defer func() { _ = ours.Close() }()
	go func() {
		ssh.DiscardRequests(requests)
		_ = theirs.Close()
	}()
	var ways sync.WaitGroup
	ways.Go(func() { oneWay(ours, theirs) })
	ways.Go(func() { oneWay(theirs, noted{ours, v.works(p)}) })
	ways.Wait()
}

// oneWay copies until the end, and hands it on.
func oneWay(to ssh.Channel, from io.Reader) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		return
	}
	_ = to.CloseWrite()
}
