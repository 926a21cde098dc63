package guestlink

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// outward is what a guest needs to open streams of its own.
type outward struct {
	slots chan struct{} // as many as may be open

	mu      sync.Mutex
	session *yamux.Session // whose host takes streams; nil without one
	changed chan struct{}  // closed and replaced when session changes
	ended   bool           // the line is gone for good
	next    time.Time      // when the next stream may be opened
}

func newOutward() outward {
	return outward{slots: make(chan struct{}, maxOutward), changed: make(chan struct{})}
}

func (o *outward) offer(session *yamux.Session) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.session = session
	o.announce()
}

// end makes all who wait give up.
func (o *outward) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
	o.announce()
}

// announce wakes those who wait. The caller holds mu.
func (o *outward) announce() {
	close(o.changed)
	o.changed = make(chan struct{})
}

// Open opens a stream to the host. It waits until ctx ends for a host that
// takes streams (Personal.Streams) and for others' streams to end, of which
// there may be 16. It fails at once when Serve has returned.
func (g *Guest) Open(ctx context.Context) (net.Conn, error) {
	o := &g.outward
	select {
	case o.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("guestlink: %d streams to the host are open already: %w", maxOutward, context.Cause(ctx))
	}
	stream, err := o.open(ctx)
	if err != nil {
		<-o.slots
		return nil, fmt.Errorf("guestlink: a stream to the host: %w", err)
	}
	return &outwardStream{Stream: stream, release: func() { <-o.slots }}, nil
}

func (o *outward) open(ctx context.Context) (*yamux.Stream, error) {
	for {
		o.mu.Lock()
		session, changed, ended := o.session, o.changed, o.ended
		now := time.Now()
		wait := o.next.Sub(now)
		if session != nil && wait <= 0 {
			o.next = now.Add(outwardPause)
		}
		o.mu.Unlock()
		var pause <-chan time.Time
		switch {
		case ended:
			return nil, errClosed
		case session != nil && wait > 0:
			pause = time.After(wait)
		case session != nil:
			stream, err := openStream(ctx, session)
			if err == nil || ctx.Err() != nil {
				return stream, err
			}
			// A session that opens no streams is about to end.
		}
		select {
		case <-pause:
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// outwardStream gives its place free when both ends have closed it: so the
// host never counts more streams than the guest does.
type outwardStream struct {
	*yamux.Stream
	once    sync.Once
	release func()
}

func (s *outwardStream) Close() error {
	err := s.Stream.Close()
	s.once.Do(func() {
		go func() {
			_, _ = io.Copy(io.Discard, s.Stream)
			s.release()
		}()
	})
	return err
}
