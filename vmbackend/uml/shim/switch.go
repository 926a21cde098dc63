package shim

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend"
)

// A network of guests has no process of its own: it is a folder with a datagram
// socket for each card, and every shim is the port of its own guest in a switch
// that all of them make up. A shim that ends takes only its own guest along
// (docs/decisions/switch-in-the-supervisors.md).

const (
	// longestFrame is more than any that a guest can send by a card whose MTU
	// it may raise to 9000.
	longestFrame = 9216
	// A guest's frames are read at portRate, in bits per second, where a frame
	// counts as portLeast bytes at least: beyond that it fills its own card's
	// queue, not its neighbours' processors. portBurst may be saved up.
	portRate  = 100_000_000
	portLeast = 800
	portBurst = 20 * time.Millisecond
	// fullPatience is how long a frame waits for a queue that is full. The next
	// ones then wait for nothing for fullPenalty, lest somebody who does not
	// read hold up all others.
	fullPatience = 5 * time.Millisecond
	fullPause    = 200 * time.Microsecond
	fullPenalty  = 50 * time.Millisecond
)

// port joins one card of the guest to its network.
type port struct {
	name  string   // of the guest, and of its socket
	guest *os.File // the card's other end
	dir   *os.File // the network's folder
	wire  *os.File // the socket in it
	cable *cable
	peers peers
	pumps sync.WaitGroup
	// full is, by peer, until when its full queue is not waited for.
	fullMu sync.Mutex
	full   map[string]time.Time
}

// plugIn joins a card to the network whose folder it is, which is made if it
// is not there.
func plugIn(folder, name string, guest *os.File, link vmbackend.Link) (*port, error) {
	p := &port{name: name, guest: guest, full: map[string]time.Time{}}
	if err := p.listen(folder); err != nil {
		p.closeFiles()
		return nil, fmt.Errorf("join the network %s: %w", filepath.Base(folder), err)
	}
	p.peers = newPeers(int(p.dir.Fd()), name)
	p.cable = newCable(link, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), p.deliver)
	p.pumps.Go(p.outward)
	p.pumps.Go(p.inward)
	return p, nil
}

// listen makes the card's socket. Whoever destroys a network's last guest
// removes the folder, perhaps just now: then it is made again.
func (p *port) listen(folder string) (err error) {
	for range 10 {
		if err = os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if p.dir, err = os.Open(folder); err != nil {
			continue
		}
		if err = p.bind(); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		_ = p.dir.Close()
	}
	return err
}

func (p *port) bind() error {
	at := address(int(p.dir.Fd()), p.name)
	if err := os.Remove(at.Name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("make a socket: %w", err)
	}
	if err := unix.Bind(fd, at); err != nil {
		_ = unix.Close(fd)
		return fmt.Errorf("bind a socket: %w", err)
	}
	p.wire = os.NewFile(uintptr(fd), p.name)
	return nil
}

// outward takes what the guest sends, no faster than at portRate.
func (p *port) outward() {
	frame := make([]byte, longestFrame)
	paid := time.Now() // until when the frames so far were worth
	for {
		n, err := p.guest.Read(frame)
		if err != nil && !errors.Is(err, io.EOF) { // EOF is an empty frame
			return
		}
		if n >= etherHeader && n < longestFrame { // a longer one was cut off
			p.cable.send(frame[:n])
		}
		now := time.Now()
		if earliest := now.Add(-portBurst); paid.Before(earliest) {
			paid = earliest
		}
		paid = paid.Add(time.Duration(max(n, portLeast)) * 8 * time.Second / portRate)
		time.Sleep(paid.Sub(now))
	}
}

// deliver sends a frame to the peer that has its address, or to all.
func (p *port) deliver(frame []byte) {
	if peer, ok := p.peers.owner(mac(frame[0:6])); ok {
		if p.sendTo(peer, frame) {
			return
		}
	}
	for _, peer := range p.peers.all() {
		p.sendTo(peer, frame)
	}
}

// sendTo says whether the peer is there; its queue may be full all the same.
func (p *port) sendTo(peer string, frame []byte) bool {
	to := p.peers.address(peer)
	err := p.push(peer, p.wire, func(fd int) error {
		return unix.Sendto(fd, frame, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, to)
	})
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT) {
		p.peers.forget(peer)
		return false
	}
	return true
}

// inward takes what peers send to the guest.
func (p *port) inward() {
	frame := make([]byte, longestFrame)
	raw, err := p.wire.SyscallConn()
	if err != nil {
		return
	}
	for {
		var n int
		var from unix.Sockaddr
		var failure error
		err := raw.Read(func(fd uintptr) bool {
			n, from, failure = unix.Recvfrom(int(fd), frame, unix.MSG_DONTWAIT)
			return failure != unix.EAGAIN && failure != unix.EINTR
		})
		if err != nil { // closed
			return
		}
		if failure != nil || n < etherHeader || n >= longestFrame || p.cable.cut() {
			continue
		}
		if at, ok := from.(*unix.SockaddrUnix); ok {
			p.peers.learn(mac(frame[6:12]), filepath.Base(at.Name))
		}
		_ = p.push("", p.guest, func(fd int) error {
			_, err := unix.Write(fd, frame[:n])
			return err
		})
	}
}

// push tries to send until the other end's queue has room or it takes too long.
func (p *port) push(to string, by *os.File, send func(fd int) error) (failure error) {
	raw, err := by.SyscallConn()
	if err != nil {
		return err
	}
	attempt := func() {
		err = raw.Control(func(fd uintptr) { failure = send(int(fd)) })
		failure = errors.Join(failure, err)
	}
	begin := time.Now()
	for attempt(); errors.Is(failure, unix.EAGAIN); attempt() {
		if !p.mayWait(to, begin) {
			return failure
		}
		time.Sleep(fullPause)
	}
	return failure
}

// mayWait says whether a full queue is worth more waiting.
func (p *port) mayWait(to string, begin time.Time) bool {
	p.fullMu.Lock()
	defer p.fullMu.Unlock()
	now := time.Now()
	if now.Before(p.full[to]) {
		return false
	}
	if now.Sub(begin) > fullPatience {
		p.full[to] = now.Add(fullPenalty)
		return false
	}
	return true
}

// unplug ends the port; the guest's end of the card goes with it.
func (p *port) unplug() {
	_ = os.Remove(address(int(p.dir.Fd()), p.name).Name)
	_, _ = p.wire.Close(), p.guest.Close()
	p.pumps.Wait()
	p.cable.close()
	_ = p.dir.Close()
}

func (p *port) closeFiles() {
	for _, f := range []*os.File{p.dir, p.wire} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// address is a socket's in an open folder, short however long the folder's is.
func address(dir int, name string) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d/%s", dir, name)}
}
