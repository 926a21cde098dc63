package vmbackendtest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// ears are services and sockets on this machine that must hear nothing.
type ears struct {
	port  string
	token string

	mu    sync.Mutex
	heard []string
}

func (e *ears) note(format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.heard) < 20 {
		e.heard = append(e.heard, fmt.Sprintf(format, args...))
	}
}

// newEars listens on all addresses of this machine, by TCP and UDP, and, as
// root, to all frames on all its cards, until the test ends.
func newEars(t *testing.T, token string) *ears {
	t.Helper()
	e := &ears{token: token}
	tcp, err := net.Listen("tcp", ":0") // IPv4 and IPv6
	if err != nil {
		t.Fatal(err)
	}
	e.port = strconv.Itoa(tcp.Addr().(*net.TCPAddr).Port)
	udp, err := net.ListenPacket("udp", ":"+e.port)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			e.note("a connection from %s to %s", conn.RemoteAddr(), conn.LocalAddr())
			_ = conn.Close()
		}
	})
	all.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			e.note("a datagram from %s: %.80q", from, buf[:n])
		}
	})
	e.prove(t)
	sniffing, cancel := context.WithCancel(context.Background())
	all.Go(func() { e.sniff(sniffing, t) })
	t.Cleanup(func() {
		cancel()
		_, _ = tcp.Close(), udp.Close()
		all.Wait()
	})
	return e
}

// prove makes sure that what the ears are for would be heard.
func (e *ears) prove(t *testing.T) {
	t.Helper()
	for _, network := range []string{"tcp", "udp"} {
		conn, err := net.Dial(network, "127.0.0.1:"+e.port)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(e.token))
		_ = conn.Close()
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		e.mu.Lock()
		n := len(e.heard)
		if n >= 2 {
			e.heard = nil
		}
		e.mu.Unlock()
		if n >= 2 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("this machine does not hear itself: %q", e.heard)
		}
	}
}

// sniff looks for the token in all frames that this machine sees.
func (e *ears) sniff(ctx context.Context, t *testing.T) {
	const all = 0x0300 // ETH_P_ALL in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, all)
	if err != nil {
		t.Logf("frames on this machine's cards are not looked at, which needs root: %v", err)
		return
	}
	defer func() { _ = unix.Close(fd) }()
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000})
	buf := make([]byte, 64<<10)
	for ctx.Err() == nil {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err == nil && bytes.Contains(buf[:n], []byte(e.token)) {
			e.note("a frame: % .60x", buf[:min(n, 60)])
		}
		if err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (e *ears) complain(t *testing.T) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.heard {
		t.Errorf("the host heard of the guest: %s", h)
	}
}

// reachHost shouts at the host, at what clouds have at 169.254.169.254, and at
// everybody; nobody may answer and the host may not hear it.
func reachHost(p *prison) {
	const token = "labmark-token-for-the-host"
	e := newEars(p.T, token)
	client := p.prisoner.connect("root")
	prepareNetwork(p, client)
	r := p.shout(client, token, e.port)
	if len(r.Interfaces) == 0 {
		p.Log("the guest has no network card at all; only sockets were tried")
	} else if r.Sent < 1000 {
		p.Errorf("only %d frames could be sent", r.Sent)
	}
	for _, c := range r.Connected {
		p.Errorf("the guest reached %s", c)
	}
	for _, h := range p.allowed(r.Heard) {
		p.Errorf("the guest was answered: %s", h)
	}
	e.complain(p.T)
}

// prepareNetwork does what root can to be able to send more.
func prepareNetwork(p *prison, client *ssh.Client) {
	p.Helper()
	p.run(client, `for i in /sys/class/net/*; do case $(readlink -f $i) in */virtual/*) continue ;; esac; i=${i##*/}
		ip link set $i up; ip link set $i promisc on
		ip addr add 10.0.2.77/24 dev $i; ip addr add 169.254.1.1/16 dev $i; ip -6 addr add fd00::77/64 dev $i
		ip route replace default via 10.0.2.1 dev $i || ip route replace default dev $i
		ip -6 route replace default dev $i
		echo 1 >/proc/sys/net/ipv4/conf/$i/route_localnet
	done 2>/dev/null; true`)
}

// reachNeighbour shouts while the neighbour listens to its cards.
func reachNeighbour(p *prison) {
	const token = "labmark-token-for-the-neighbour"
	watcher, err := p.neighbour.connect("root").NewSession()
	if err != nil {
		p.Fatal(err)
	}
	defer watcher.Close()
	prepareNetwork(p, p.neighbour.connect("root"))
	stdin, _ := watcher.StdinPipe()
	stdout, _ := watcher.StdoutPipe()
	if err := watcher.Start("/root/probe watch " + token); err != nil {
		p.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); err != nil || line != "watching\n" {
		p.Fatalf("the neighbour says %q, %v", line, err)
	}
	client := p.prisoner.connect("root")
	prepareNetwork(p, client)
	p.shout(client, token, "9")
	_ = stdin.Close()
	text, err := io.ReadAll(out)
	if err != nil {
		p.Fatal(err)
	}
	r := p.report(strings.TrimSpace(string(text)))
	for _, h := range p.allowed(r.Heard) {
		p.Errorf("the neighbour heard: %s", h)
	}
}
