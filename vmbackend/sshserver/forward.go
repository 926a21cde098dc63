package sshserver

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Forwarder is the ability of a Handler to open connections for a client
// (direct-tcpip, RFC 4254 section 7.2). Those of other handlers are refused.
type Forwarder interface {
	// Forward opens a connection to a port of host, as a client on user's
	// account asks for it. Its error is told to the client.
	Forward(ctx context.Context, user, host string, port int) (net.Conn, error)
}

// directTCPIP is the payload of a channel that is to lead elsewhere.
type directTCPIP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// forwardTimeout is how long opening a forwarded connection may take.
const forwardTimeout = 15 * time.Second

// serveForward opens what the client asks for and joins it to the channel,
// until both sides have said all, or the connection ends.
func serveForward(ctx context.Context, user string, ch ssh.NewChannel, f Forwarder) {
	var to directTCPIP
	if ssh.Unmarshal(ch.ExtraData(), &to) != nil || to.Port == 0 || to.Port > 65535 {
		_ = ch.Reject(ssh.ConnectionFailed, "this is no address")
		return
	}
	dial, cancel := context.WithTimeout(ctx, forwardTimeout)
	conn, err := f.Forward(dial, user, to.Host, int(to.Port))
	cancel()
	if err != nil {
		_ = ch.Reject(ssh.ConnectionFailed, "no connection to "+net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port)))+": "+err.Error())
		return
	}
	defer func() { _ = conn.Close() }()
	channel, requests, err := ch.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	closed := make(chan struct{})
	go func() {
		ssh.DiscardRequests(requests)
		close(closed)
	}()
	var ways sync.WaitGroup
	ways.Go(func() { oneWay(conn, channel) })
	ways.Go(func() { oneWay(channel, conn) })
	go func() {
		select {
		case <-closed: // the client has let go of it
		case <-ctx.Done():
		}
		_ = conn.Close()
	}()
	ways.Wait()
	_ = channel.Close()
	<-closed
}

// oneWay copies until the end, and hands the end on.
func oneWay(to io.Writer, from io.Reader) {
	_, err := io.Copy(struct{ io.Writer }{to}, from)
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil {
		_ = half.CloseWrite()
		return
	}
	if whole, ok := to.(io.Closer); ok {
		_ = whole.Close()
	}
}
