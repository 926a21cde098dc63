package mirror

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// maxName bounds a guest's name, greetingTimeout how long it may take.
	maxName         = 64
	greetingTimeout = 10 * time.Second
)

// Socket is where the proxy of a gateway with this data folder listens.
func Socket(dataDir string) string { return filepath.Join(dataDir, "mirror.sock") }

// Listen takes the socket, for its owner alone. Whoever can open it can be
// any guest.
func Listen(socket string) (net.Listener, error) {
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("package mirror: %w", err)
	}
	dir, err := os.Open(filepath.Dir(socket))
	if err != nil {
		return nil, fmt.Errorf("package mirror: %w", err)
	}
	defer dir.Close()
	// A socket's address holds 107 bytes, however long the folder's name is.
	short := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(socket))
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("package mirror: %w", err)
	}
	listener.SetUnlinkOnClose(false)
	if err := os.Chmod(socket, 0o600); err != nil {
		listener.Close()
		return nil, fmt.Errorf("package mirror: %w", err)
	}
	return listener, nil
}

// Serve answers guests at listener until ctx ends.
func (p *Proxy) Serve(ctx context.Context, listener net.Listener) error {
	l := greet(listener)
	server := &http.Server{
		Handler: p, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0), // guests must not write our log
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, guestKey{}, c.(*guestConn).guest)
		},
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	err := server.Serve(l)
	p.transport.CloseIdleConnections()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("package mirror: %w", err)
}

// guestKey is where a request's context has the guest's name.
type guestKey struct{}

// guestConn is a connection whose guest is known.
type guestConn struct {
	net.Conn
	guest string
}

// greetListener reads the first line of each connection, the guest's name.
type greetListener struct {
	net.Listener
	ready chan net.Conn
	err   error // why there will be no more; read after done is closed
	done  chan struct{}
	close sync.Once
	end   chan struct{}
}

func greet(l net.Listener) *greetListener {
	g := &greetListener{Listener: l, ready: make(chan net.Conn), done: make(chan struct{}), end: make(chan struct{})}
	go func() {
		defer close(g.done)
		for {
			conn, err := l.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				g.err = err
				return
			case err != nil: // too many open files: others will be closed
				time.Sleep(50 * time.Millisecond)
			default:
				go g.take(conn)
			}
		}
	}()
	return g
}

func (g *greetListener) take(conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(greetingTimeout))
	name, err := readName(conn)
	_ = conn.SetReadDeadline(time.Time{})
	if err != nil {
		conn.Close()
		return
	}
	select {
	case g.ready <- &guestConn{conn, name}:
	case <-g.end:
		conn.Close()
	}
}

func (g *greetListener) Accept() (net.Conn, error) {
	select {
	case conn := <-g.ready:
		return conn, nil
	case <-g.done:
		return nil, g.err
	}
}

func (g *greetListener) Close() error {
	g.close.Do(func() { close(g.end) })
	return g.Listener.Close()
}

// readName reads byte by byte, to take nothing of what the guest says.
func readName(r io.Reader) (string, error) {
	var name bytes.Buffer
	b := make([]byte, 1)
	for {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return name.String(), nil
		}
		if name.Len() == maxName {
			return "", errors.New("package mirror: a guest's name is too long")
		}
		name.WriteByte(b[0])
	}
}
