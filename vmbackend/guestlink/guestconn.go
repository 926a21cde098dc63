package guestlink

import (
	"bytes"
	"encoding/binary"
	"io"
)

// guestConn is one session's byte stream in the guest, below yamux.
type guestConn struct {
	guest   *Guest
	nonce   []byte
	pending []byte
	taken   uint32 // 'D' frames, modulo 2³²

	// Set before Read fails; read after the session has ended.
	next []byte
	err  error
}

func (c *guestConn) Read(p []byte) (int, error) {
	for len(c.pending) == 0 {
		if c.err = c.readFrame(); c.err != nil {
			return 0, c.err
		}
		if c.next != nil {
			return 0, io.EOF
		}
	}
	n := copy(p, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

func (c *guestConn) readFrame() error {
	t, payload, err := c.guest.dec.next()
	if err != nil {
		return err
	}
	switch t {
	case frameData:
		c.pending = payload
		c.taken++
		// The frame has left the line's buffers, which is all that counts.
		return c.guest.write(c.nonce, frameAck, binary.LittleEndian.AppendUint32(nil, c.taken))
	case frameSync:
		nonce := syncNonce(t, payload, nil)
		if nonce == nil {
			return errBadFrame
		}
		switch {
		case !bytes.Equal(nonce, c.nonce):
			c.next = nonce
		case c.taken == 0: // the host did not get the echo
			return c.guest.echo(nonce)
		}
		return nil
	default:
		return errBadFrame
	}
}

func (c *guestConn) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		part := p[done:min(done+maxPayload, len(p))]
		if err := c.guest.write(c.nonce, frameData, part); err != nil {
			return done, err
		}
		done += len(part)
	}
	return len(p), nil
}

// Close leaves the line open: the next session needs it.
func (c *guestConn) Close() error { return nil }
