package guestlink

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

const (
	// syncPause lies between two 'S' frames.
	syncPause = 200 * time.Millisecond
	// firstSilence is how long the host waits for the guest to speak first,
	// laterSilence how long from then on. Only a guest that is in a session
	// already is silent, and it hears the first 'S'.
	firstSilence = time.Second
	laterSilence = 5 * time.Second
	// maxUnansweredSyncs keeps the line short of SerialWindow while nobody
	// listens.
	maxUnansweredSyncs = 40
)

// Options say what the line is like and what the guest may do. The zero value
// fits UML's serial line and a guest that may do nothing.
type Options struct {
	// Window is how many bytes of frames may be on their way to the guest: at
	// least SerialWindow, which 0 means.
	Window int
	// Awake says that the guest's agent is listening already, as in a guest
	// that was restored after AwaitHello. Then it is asked at once, not after
	// it has spoken or a second has passed. Not for UML, whose guests must
	// speak first.
	Awake bool
	// Accept lets the guest open streams to the host and serves each in a
	// goroutine of its own. When it returns the stream is closed. Nil ends
	// the link of a guest that opens one.
	Accept func(net.Conn)
}

// Host is the host's end of a link to a running guest.
type Host struct {
	session *yamux.Session
	conn    *hostConn
	rw      io.Closer
	close   sync.Once
}

// Connect joins the guest at the other end of rw and makes it personal. It
// waits for a guest that is still booting until ctx ends. Afterwards ctx no
// longer matters. Connect owns rw: it closes it when it fails, and when the
// Host is closed or done. It sets p.Streams by what o says.
func Connect(ctx context.Context, rw io.ReadWriteCloser, p Personal, o Options) (*Host, error) {
	p.Streams = o.Accept != nil
	if err := p.Validate(); err != nil {
		_ = rw.Close()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = rw.Close() })
	h, err := connect(rw, p, o)
	if !stop() && err == nil {
		_ = h.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = rw.Close()
		if cause := context.Cause(ctx); cause != nil {
			return nil, fmt.Errorf("guestlink: the guest's agent did not get ready in time: %w", cause)
		}
		return nil, err
	}
	return h, nil
}

func connect(rw io.ReadWriteCloser, p Personal, o Options) (*Host, error) {
	dec := newDecoder(rw)
	begun := time.Now()
	if err := join(rw, dec, o.Awake); err != nil {
		return nil, err
	}
	if !p.Time.IsZero() {
		p.Time = p.Time.Add(time.Since(begun)) // a guest may take long to boot
	}
	conn := newHostConn(rw, dec, max(o.Window, SerialWindow))
	g := &guard{ReadWriteCloser: &cork{ReadWriteCloser: conn}}
	if o.Accept != nil {
		g.visitors = newVisitors()
	}
	session, err := yamux.Client(g, yamuxConfig())
	if err != nil {
		return nil, err
	}
	h := &Host{session: session, conn: conn, rw: rw}
	if err := h.personalise(p); err != nil {
		_ = h.Close()
		return nil, errors.Join(err, conn.failure())
	}
	if o.Accept != nil {
		go g.visitors.serve(session, o.Accept)
	}
	return h, nil
}

// join sends 'S' at a bounded pace until the guest echoes it.
func join(rw io.ReadWriter, dec *decoder, awake bool) error {
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails, see crypto/rand
	heard := make(chan struct{}, 1)
	joined := make(chan struct{})
	defer close(joined)
	dec.anything = func() {
		select {
		case heard <- struct{}{}:
		default:
		}
	}
	defer func() { dec.anything = nil }()
	silence := firstSilence
	if awake {
		silence = 0
	}
	go sendSyncs(rw, nonce, silence, heard, joined)
	for {
		t, payload, err := dec.next()
		switch {
		case errors.Is(err, errBadFrame):
			continue
		case err != nil:
			return fmt.Errorf("guestlink: the line to the guest broke: %w", err)
		case t != frameHello && t != frameEcho:
			continue // left over from an earlier session
		}
		rest, err := splitVersion(payload)
		if err != nil {
			return err
		}
		if t == frameEcho && bytes.Equal(rest, nonce) {
			return nil
		}
	}
}

func sendSyncs(w io.Writer, nonce []byte, silence time.Duration, heard, joined <-chan struct{}) {
	frame := appendFrame(nil, frameSync, append([]byte{version}, nonce...))
	for range maxUnansweredSyncs {
		timer := time.NewTimer(silence)
		select {
		case <-joined:
			timer.Stop()
			return
		case <-heard:
		case <-timer.C:
		}
		timer.Stop()
		silence = laterSilence
		if _, err := w.Write(frame); err != nil {
			return // the reader meets the same error and tells it
		}
		select {
		case <-joined:
			return
		case <-time.After(syncPause):
		}
	}
}

func (h *Host) personalise(p Personal) error {
	control, err := h.session.OpenStream()
	if err != nil {
		return fmt.Errorf("guestlink: the control stream: %w", err)
	}
	defer func() { _ = control.Close() }()
	if err := writeMessage(control, p); err != nil {
		return fmt.Errorf("guestlink: sending the personal data: %w", err)
	}
	line, err := readLine(control, maxReply)
	if err != nil {
		return fmt.Errorf("guestlink: waiting for the guest to take its personal data: %w", err)
	}
	var r reply
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("guestlink: the guest's answer to its personal data cannot be read: %w", err)
	}
	if !r.Ready {
		return fmt.Errorf("guestlink: the guest could not take its personal data: %q", r.Error)
	}
	return nil
}

// Open opens a new stream to the guest's SSH server. Streams end with the
// link. An Open that ctx ends leaves nothing behind.
func (h *Host) Open(ctx context.Context) (net.Conn, error) {
	stream, err := openStream(ctx, h.session)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("guestlink: a new stream to the guest: %w", err), h.conn.failure())
	}
	return stream, nil
}

// Done is closed when the link has ended, for whatever reason. Err says which.
func (h *Host) Done() <-chan struct{} { return h.session.CloseChan() }

// Err returns why the link ended. It is nil before, and after Close.
func (h *Host) Err() error { return h.conn.failure() }

// Bye returns "reboot" or "poweroff" when the guest has announced that it
// ends by itself, and "" otherwise.
func (h *Host) Bye() string { return h.conn.farewell() }

// Close ends the link and all its streams. The guest runs on and can be
// joined again.
func (h *Host) Close() error {
	h.close.Do(func() {
		h.conn.fail(nil)
		_ = h.rw.Close()
		_ = h.session.Close()
	})
	return nil
}
