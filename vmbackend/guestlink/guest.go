package guestlink

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// Pauses between 'H' frames: quick at first, because a host waits for the
// guest to boot, then rarely, because an unread line fills up.
const (
	firstHello = 100 * time.Millisecond
	lastHello  = 3 * time.Second
)

// Handler is what a guest does with its link.
type Handler interface {
	// Personalise makes the guest personal. It is called at each join, before
	// the join's streams are served.
	Personalise(ctx context.Context, p Personal) error
	// ServeStream serves one SSH connection and closes conn in the end. ctx
	// ends with the session.
	ServeStream(ctx context.Context, conn net.Conn)
}

// Guest is the guest's end of a link.
type Guest struct {
	rw      io.ReadWriteCloser
	dec     *decoder
	handler Handler

	streams sync.WaitGroup

	mu    sync.Mutex // one frame at a time
	nonce []byte     // of the present session; nil without one

	outward outward
}

// NewGuest prepares the guest's end over rw: a raw, 8-bit clean stream whose
// Close makes a blocked Read return.
func NewGuest(rw io.ReadWriteCloser, h Handler) *Guest {
	return &Guest{rw: rw, dec: newDecoder(rw), handler: h, outward: newOutward()}
}

// Serve answers one host after another, for ever. It returns when ctx ends or
// rw fails, has closed rw by then and waited for the streams it served.
func (g *Guest) Serve(ctx context.Context) error {
	defer g.streams.Wait()
	defer g.outward.end()
	defer func() { _ = g.rw.Close() }()
	defer context.AfterFunc(ctx, func() { _ = g.rw.Close() })()
	for {
		nonce, err := g.awaitSync()
		for err == nil {
			nonce, err = g.serveSession(ctx, nonce)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, errBadFrame) {
			return err
		}
	}
}

// Bye tells the host that the guest ends by itself; what is "reboot" or
// "poweroff".
func (g *Guest) Bye(what string) error {
	return g.write(nil, frameBye, []byte(what))
}

// awaitSync says hello until a host asks for a session.
func (g *Guest) awaitSync() ([]byte, error) {
	g.setNonce(nil)
	stop := make(chan struct{})
	defer close(stop)
	go g.sayHello(stop)
	for {
		t, payload, err := g.dec.next()
		if err != nil && !errors.Is(err, errBadFrame) {
			return nil, err
		}
		if nonce := syncNonce(t, payload, err); nonce != nil {
			return nonce, nil
		}
	}
}

func (g *Guest) sayHello(stop <-chan struct{}) {
	for pause := firstHello; ; pause = min(2*pause, lastHello) {
		if g.write(nil, frameHello, []byte{version}) != nil {
			return
		}
		select {
		case <-stop:
			return
		case <-time.After(pause):
		}
	}
}

func (g *Guest) setNonce(nonce []byte) {
	g.mu.Lock()
	g.nonce = nonce
	g.mu.Unlock()
}

// serveSession serves until the session ends. It returns the nonce of the
// next one, or errBadFrame if the host must ask for it first.
func (g *Guest) serveSession(ctx context.Context, nonce []byte) ([]byte, error) {
	// Whoever still writes for the session before finds its nonce gone, so
	// nothing of it comes after the echo.
	g.setNonce(nonce)
	if err := g.echo(nonce); err != nil {
		return nil, err
	}
	conn := &guestConn{guest: g, nonce: nonce}
	session, err := yamux.Server(&cork{ReadWriteCloser: conn}, yamuxConfig())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g.acceptStreams(ctx, session)
	_ = session.Close()
	if conn.next == nil && conn.err == nil {
		return nil, errBadFrame // yamux did not like what it read
	}
	return conn.next, conn.err
}

func (g *Guest) echo(nonce []byte) error {
	return g.write(nonce, frameEcho, append([]byte{version}, nonce...))
}

// acceptStreams returns when the session is over. Its first stream is for
// control; before that has made the guest personal, nobody enters.
func (g *Guest) acceptStreams(ctx context.Context, session *yamux.Session) {
	control, err := session.AcceptStream()
	if err != nil {
		return
	}
	p, err := g.takePersonal(ctx, control)
	personal := err == nil
	if personal && p.Streams {
		g.outward.offer(session)
		defer g.outward.offer(nil)
	}
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			return
		}
		if !personal {
			_ = stream.Close()
			continue
		}
		g.streams.Go(func() { g.handler.ServeStream(ctx, stream) })
	}
}

func (g *Guest) takePersonal(ctx context.Context, control net.Conn) (Personal, error) {
	defer func() { _ = control.Close() }()
	line, err := readLine(control, maxPersonal)
	if err != nil {
		return Personal{}, err
	}
	p, err := ParsePersonal(line)
	if err == nil {
		err = g.handler.Personalise(ctx, p)
	}
	if err != nil {
		text := err.Error()
		_ = writeMessage(control, reply{Error: text[:min(len(text), maxReply/8)]})
		return p, err
	}
	return p, writeMessage(control, reply{Ready: true})
}

// write sends one frame, if session is still the present one.
func (g *Guest) write(session []byte, t frameType, payload []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if session == nil && t == frameHello && g.nonce != nil {
		return errClosed
	}
	if session != nil && !bytes.Equal(session, g.nonce) {
		return errClosed
	}
	_, err := g.rw.Write(appendFrame(nil, t, payload))
	return err
}

// syncNonce returns the nonce of a valid 'S' frame, or nil.
func syncNonce(t frameType, payload []byte, err error) []byte {
	if err != nil || t != frameSync {
		return nil
	}
	rest, err := splitVersion(payload)
	if err != nil || len(rest) != nonceSize {
		return nil // the host reads our version in 'H' and explains
	}
	return bytes.Clone(rest)
}
