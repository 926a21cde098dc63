package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// libvirt's packets: a length of 4 bytes that counts itself, a header of six
// 4-byte words, then XDR (libvirt's docs, "RPC protocol"; src/rpc/virnetprotocol.x).
const (
	headerSize = 28
	// maxPacket is above libvirt's own limit of 32 MiB (VIR_NET_MESSAGE_MAX).
	maxPacket = 33 << 20
)

// keepalive, libvirt's own way of asking whether a peer is alive: answered at
// once, also when calls queue (src/rpc/virkeepaliveprotocol.x).
const (
	keepaliveProgram = 0x6b656570
	keepalivePing    = 1
)

// bounds follows the packets in a stream of bytes.
type bounds struct {
	head [4]byte
	have int // bytes of head that have come
	left int // bytes of the packet yet to come
}

var errPacket = errors.New("the node speaks no libvirt protocol: a packet of an impossible size")

// advance takes in further bytes.
func (b *bounds) advance(p []byte) error {
	for len(p) > 0 {
		if b.left > 0 {
			n := min(b.left, len(p))
			b.left -= n
			p = p[n:]
			continue
		}
		n := copy(b.head[b.have:], p)
		b.have += n
		p = p[n:]
		if b.have == len(b.head) {
			size := binary.BigEndian.Uint32(b.head[:])
			if size < headerSize || size > maxPacket {
				return fmt.Errorf("%w (%d bytes)", errPacket, size)
			}
			b.have, b.left = 0, int(size)-len(b.head)
		}
	}
	return nil
}

// between says that no packet has begun that has not ended.
func (b *bounds) between() bool { return b.have == 0 && b.left == 0 }

// framed is a connection to libvirtd that can put pings between the packets,
// refuses packets that would exhaust our memory, and tells when it is dead.
type framed struct {
	net.Conn
	in    bounds // of the one reader
	reads atomic.Bool
	alive atomic.Int64 // Unix nanoseconds
	once  sync.Once
	dead  chan struct{}

	mu  sync.Mutex // of out and of writing
	out bounds
}

func newFramed(conn net.Conn) *framed {
	f := &framed{Conn: conn, dead: make(chan struct{})}
	f.lives()
	return f
}

func (f *framed) lives() { f.alive.Store(time.Now().UnixNano()) }

// silence is how long nothing has shown that the node is alive. Where nobody
// reads, silence means nothing.
func (f *framed) silence() time.Duration {
	if !f.reads.Load() {
		return 0
	}
	return time.Since(time.Unix(0, f.alive.Load()))
}

func (f *framed) Read(p []byte) (int, error) {
	f.lives()
	f.reads.Store(true)
	n, err := f.Conn.Read(p)
	f.reads.Store(false)
	if n > 0 {
		f.lives()
		if bad := f.in.advance(p[:n]); bad != nil {
			n, err = 0, bad
		}
	}
	if err != nil {
		_ = f.Close()
	}
	return n, err
}

// bulk is more than the kernel takes for a peer that has stopped reading, or
// not much less: so writing it shows life.
const bulk = 256 << 10

func (f *framed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.Conn.Write(p)
	if err != nil {
		_ = f.Close()
		return n, err
	}
	if n >= bulk {
		f.lives()
	}
	return n, f.out.advance(p[:n])
}

// ping asks the node for a sign of life, unless a packet is just being written.
func (f *framed) ping() {
	if !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	if !f.out.between() {
		return
	}
	var p [headerSize]byte
	const message = 2 // neither a call nor a reply
	for i, word := range []uint32{headerSize, keepaliveProgram, 1, keepalivePing, message, 0, 0} {
		binary.BigEndian.PutUint32(p[4*i:], word)
	}
	if _, err := f.Conn.Write(p[:]); err != nil {
		_ = f.Close()
	}
}

func (f *framed) Close() error {
	err := net.ErrClosed
	f.once.Do(func() {
		close(f.dead)
		err = f.Conn.Close()
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
