package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// card is a network card of the guest, with a socket for raw frames.
type card struct {
	net.Interface
	fd int
	// marker sends the mark: a socket does not hear what it sends itself.
	marker int

	mu    sync.Mutex
	heard [][]byte
	mark  []byte
	done  chan struct{}
}

const allProtocols = 0x0003 // ETH_P_ALL

func swap(v uint16) uint16 { return v<<8 | v>>8 }

// openCards opens all cards but the loopback, and listens on them. mark ends
// the listening once it has been seen going out.
func openCards(mark string) ([]*card, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var cards []*card
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback != 0 || i.Flags&net.FlagRunning == 0 || len(i.HardwareAddr) != 6 {
			continue
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, int(swap(allProtocols)))
		if err != nil {
			return nil, fmt.Errorf("raw frames: %w", err)
		}
		marker, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0) // hears nothing
		if err != nil {
			return nil, fmt.Errorf("raw frames: %w", err)
		}
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: swap(allProtocols), Ifindex: i.Index}); err != nil {
			return nil, fmt.Errorf("%s: %w", i.Name, err)
		}
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP,
			&unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_PROMISC}); err != nil {
			return nil, fmt.Errorf("%s: %w", i.Name, err)
		}
		for _, s := range []int{fd, marker} { // a card may take nothing
			_ = unix.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Usec: 50_000})
		}
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4<<20)
		c := &card{Interface: i, fd: fd, marker: marker, mark: []byte(mark), done: make(chan struct{})}
		go c.listen()
		cards = append(cards, c)
	}
	return cards, nil
}

func (c *card) listen() {
	defer close(c.done)
	buf := make([]byte, 64<<10)
	for {
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		if err != nil {
			return
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		switch {
		case ok && link.Pkttype == unix.PACKET_OUTGOING:
			if bytes.Contains(buf[:n], c.mark) {
				return
			}
		default:
			c.mu.Lock()
			c.heard = append(c.heard, bytes.Clone(buf[:n]))
			c.mu.Unlock()
		}
	}
}

func (c *card) send(frame []byte) bool { return c.sendBy(c.fd, frame) }

func (c *card) sendBy(fd int, frame []byte) bool {
	return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: c.Index, Halen: 6}) == nil
}

// end sends the mark, waits until it has passed and so all before it, and
// returns what came in.
func (c *card) end() []string {
	frame := ether(broadcast, c.HardwareAddr, 0x88b5, c.mark)
	// Queues may be full for a moment.
	for limit := time.Now().Add(20 * time.Second); ; {
		c.sendBy(c.marker, frame)
		select {
		case <-c.done:
		case <-time.After(20 * time.Millisecond):
			if time.Now().Before(limit) {
				continue
			}
			return []string{"nothing: " + c.Name + " cannot be listened to"}
		}
		break
	}
	var words []string
	for _, f := range c.heard {
		words = append(words, describe(f))
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// describe says what a frame is, as far as tests must know.
func describe(f []byte) string {
	if len(f) < 14 {
		return fmt.Sprintf("a frame of %d bytes", len(f))
	}
	kind, body := binary.BigEndian.Uint16(f[12:]), f[14:]
	switch {
	case kind == 0x0806 && len(body) >= 28 && body[7] == 2:
		return "arp " + netip.AddrFrom4([4]byte(body[14:18])).String()
	case kind == 0x0800 && len(body) >= 20 && body[9] == 1:
		return "icmp " + netip.AddrFrom4([4]byte(body[12:16])).String()
	case kind == 0x0800 && len(body) >= 20:
		return fmt.Sprintf("ipv4 protocol %d from %s", body[9], netip.AddrFrom4([4]byte(body[12:16])))
	}
	return fmt.Sprintf("type %#04x from %s, %d bytes", kind, net.HardwareAddr(f[6:12]), len(f))
}

// watch listens until standard input ends.
func watch(token string) (report, error) {
	var r report
	cards, err := openCards("end of " + token)
	if err != nil {
		return r, err
	}
	fmt.Println("watching")
	_, _ = io.Copy(io.Discard, os.Stdin)
	for _, c := range cards {
		r.Interfaces = append(r.Interfaces, c.Name)
		r.Heard = append(r.Heard, c.end()...)
	}
	return r, nil
}
