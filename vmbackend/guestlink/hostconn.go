package guestlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// How many bytes the host may be ahead of the guest on the wire, see
// Options.Window.
const (
	// SerialWindow is for UML's serial line, which hangs at 4 KB.
	SerialWindow = 3 << 10
	// PortWindow is for lines that hold the host back by themselves, such as
	// QEMU's virtio ports.
	PortWindow = 256 << 10
)

// maxBye bounds the text of a 'B' frame.
const maxBye = 64

var errClosed = errors.New("guestlink: the link is closed")

// hostConn is one session's byte stream on the host, below yamux.
type hostConn struct {
	rw      io.ReadWriteCloser
	dec     *decoder
	window  int    // bytes
	pending []byte // what Read has not handed out of the last 'D' frame

	mu     sync.Mutex
	credit sync.Cond // waits on mu for acknowledgements or the end
	// unacked holds the wire lengths of frames sent, oldest first.
	unacked     []int
	outstanding int // their sum
	acked       uint32
	ended       bool
	err         error
	bye         string
}

func newHostConn(rw io.ReadWriteCloser, dec *decoder, window int) *hostConn {
	c := &hostConn{rw: rw, dec: dec, window: window}
	c.credit.L = &c.mu
	return c
}

// Read is called by yamux's receiver only, and nearly all the time: this is
// also where acknowledgements arrive.
func (c *hostConn) Read(p []byte) (int, error) {
	for len(c.pending) == 0 {
		t, payload, err := c.dec.next()
		switch {
		case err == nil:
			err = c.take(t, payload)
		case !errors.Is(err, errBadFrame):
			err = fmt.Errorf("guestlink: the line to the guest broke: %w", err)
		}
		if err != nil {
			c.fail(err)
			return 0, err
		}
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

func (c *hostConn) take(t frameType, payload []byte) error {
	switch t {
	case frameData:
		c.pending = payload
		return nil
	case frameAck:
		if len(payload) != 4 {
			return errBadFrame
		}
		return c.acknowledge(binary.LittleEndian.Uint32(payload))
	case frameBye:
		c.mu.Lock()
		c.bye = string(payload[:min(len(payload), maxBye)])
		c.mu.Unlock()
		return nil
	case frameEcho:
		return nil // the answer to an 'S' that was sent twice
	case frameHello:
		return errors.New("guestlink: the guest's agent has started anew")
	default:
		return fmt.Errorf("guestlink: the guest sent a frame of unknown type %q", byte(t))
	}
}

func (c *hostConn) acknowledge(count uint32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := count - c.acked // modulo 2³², as the count is
	if n > uint32(len(c.unacked)) {
		return errors.New("guestlink: the guest acknowledged what it was never sent")
	}
	for _, wire := range c.unacked[:n] {
		c.outstanding -= wire
	}
	c.unacked = append(c.unacked[:0], c.unacked[n:]...)
	c.acked = count
	c.credit.Broadcast()
	return nil
}

// Write is called by yamux's sender only. It blocks until the guest has taken
// enough of what was sent before.
func (c *hostConn) Write(p []byte) (int, error) {
	most := maxPayload
	if c.window < PortWindow {
		most = maxSerialPayload
	}
	var frame []byte
	for done := 0; done < len(p); {
		part := p[done:min(done+most, len(p))]
		frame = appendFrame(frame[:0], frameData, part)
		if err := c.spend(len(frame)); err != nil {
			return done, err
		}
		if _, err := c.rw.Write(frame); err != nil {
			c.fail(err)
			return done, err
		}
		done += len(part)
	}
	return len(p), nil
}

func (c *hostConn) spend(wire int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.ended && c.outstanding+wire > c.window {
		c.credit.Wait()
	}
	if c.ended {
		return errClosed
	}
	c.outstanding += wire
	c.unacked = append(c.unacked, wire)
	return nil
}

// fail ends the session. The first reason stays.
func (c *hostConn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.ended, c.err = true, err
		c.credit.Broadcast()
	}
}

func (c *hostConn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *hostConn) farewell() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bye
}

// Close is called by yamux when it gives up.
func (c *hostConn) Close() error {
	c.fail(errClosed)
	return c.rw.Close()
}
