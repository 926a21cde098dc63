package guestlink

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"time"

	"github.com/hashicorp/yamux"
)

// streamWindow is yamux's smallest; it bounds what one stream can make the
// other end keep in memory.
const streamWindow = 256 << 10

// yamuxConfig is the same on both ends. There are no keepalives: a guest may
// be suspended for hours, and the host hears of its end from the stream below.
func yamuxConfig() *yamux.Config {
	c := yamux.DefaultConfig()
	c.AcceptBacklog = 64
	c.EnableKeepAlive = false
	// A guest under a fork bomb may take long to read.
	c.ConnectionWriteTimeout = 2 * time.Minute
	c.StreamOpenTimeout = 0 // callers have contexts
	c.StreamCloseTimeout = 30 * time.Second
	c.MaxStreamWindowSize = streamWindow
	c.LogOutput = nil
	c.Logger = log.New(io.Discard, "", 0) // the guest must not write our log
	return c
}

// yamux's header: version, type, flags (16 bits), stream (32), length (32),
// big endian; see yamux's spec.md.
const (
	muxHeader      = 12
	muxData        = 0
	muxUpdate      = 1
	muxPing        = 2
	muxGoAway      = 3
	muxSYN, muxACK = 1, 2
	muxFIN, muxRST = 4, 8
)

// openStream opens a stream from this end, and leaves none if ctx ends before.
func openStream(ctx context.Context, session *yamux.Session) (*yamux.Stream, error) {
	type opened struct {
		stream *yamux.Stream
		err    error
	}
	ch := make(chan opened, 1)
	go func() {
		stream, err := session.OpenStream()
		ch <- opened{stream, err}
	}()
	select {
	case o := <-ch:
		return o.stream, o.err
	case <-ctx.Done():
		go func() {
			if o := <-ch; o.err == nil {
				_ = o.stream.Close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

var (
	errGuestOpens = errors.New("guestlink: the guest tried to open a stream to the host")
	errGuestPings = errors.New("guestlink: the guest sent a ping")
	errMux        = errors.New("guestlink: the guest sent what is no yamux message")
)

// guard reads along, on the host, what the guest sends to yamux and ends the
// link on what no honest guest sends: streams that nobody would take, or too
// many, and pings, for each of which yamux starts a goroutine.
type guard struct {
	io.ReadWriteCloser
	visitors *visitors // nil: the guest may open no streams
	header   [muxHeader]byte
	have     int    // bytes of header so far
	skip     uint32 // bytes of the present message's data still to come
}

func (g *guard) Read(p []byte) (int, error) {
	n, err := g.ReadWriteCloser.Read(p)
	if bad := g.inspect(p[:n]); bad != nil {
		if c, ok := g.ReadWriteCloser.(interface{ fail(error) }); ok {
			c.fail(bad)
		}
		return 0, bad
	}
	return n, err
}

func (g *guard) inspect(p []byte) error {
	for len(p) > 0 {
		if g.skip > 0 {
			n := min(uint64(g.skip), uint64(len(p)))
			g.skip -= uint32(n)
			p = p[n:]
			continue
		}
		n := copy(g.header[g.have:], p)
		p = p[n:]
		if g.have += n; g.have == muxHeader {
			g.have = 0
			if err := g.judge(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *guard) judge() error {
	kind := g.header[1]
	flags := binary.BigEndian.Uint16(g.header[2:])
	stream := binary.BigEndian.Uint32(g.header[4:])
	length := binary.BigEndian.Uint32(g.header[8:])
	switch {
	case g.header[0] != 0 || kind > muxGoAway:
		return errMux
	case kind == muxPing && flags != muxACK:
		return errGuestPings
	case kind == muxPing || kind == muxGoAway:
		return nil
	case kind == muxData && length > streamWindow:
		return errMux
	case kind == muxData:
		g.skip = length
	}
	switch {
	case stream%2 == 0 && g.visitors != nil:
		return g.visitors.flags(stream, flags)
	case stream%2 == 0 || flags&muxSYN != 0: // the host's own streams are odd
		return errGuestOpens
	}
	return nil
}

// cork joins the header of a yamux data message with the data that yamux
// writes right after it: one frame, and one system call, instead of two. In
// UML a system call is what costs.
type cork struct {
	io.ReadWriteCloser
	held []byte
}

func (c *cork) Write(p []byte) (int, error) {
	if len(c.held) == 0 && len(p) == muxHeader && p[1] == muxData && binary.BigEndian.Uint32(p[8:]) > 0 {
		c.held = append(c.held, p...)
		return len(p), nil
	}
	if len(c.held) == 0 {
		return c.ReadWriteCloser.Write(p)
	}
	c.held = append(c.held, p...)
	_, err := c.ReadWriteCloser.Write(c.held)
	c.held = c.held[:0]
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

func (c *cork) fail(err error) {
	if f, ok := c.ReadWriteCloser.(interface{ fail(error) }); ok {
		f.fail(err)
	}
}
