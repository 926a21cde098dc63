package wire

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// pingPause lies between two pings.
	pingPause = time.Second
	// hungPatience is how long a node may be silent that acknowledges what is
	// sent to it. Emulated guests can keep a small machine busy for some seconds.
	hungPatience = 20 * time.Second
)

// watch looks after a connection until it is dead, and makes it so when the
// node is gone or ctx ends. raw is what f was made of.
func (f *framed) watch(ctx context.Context, raw net.Conn) {
	tick := time.NewTicker(pingPause)
	defer tick.Stop()
	for {
		select {
		case <-f.dead:
			return
		case <-ctx.Done():
			_ = f.Close()
			return
		case <-tick.C:
		}
		if f.silence() > hungPatience || deaf(raw) {
			_ = f.Close()
			return
		}
		go f.ping() // it may block
	}
}

// deafness is how long a peer's kernel may leave data unacknowledged, although
// they were sent several times.
const deafness = 3 * time.Second

// deaf says whether nobody is at the other end of a TCP connection any more.
// A peer that is only busy acknowledges all the same.
func deaf(conn net.Conn) bool {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return true
	}
	result := false
	err = raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		silent := time.Duration(info.Last_ack_recv) * time.Millisecond
		result = silent > deafness && (info.Retransmits > 1 || info.Probes > 1)
	})
	return result || err != nil
}
