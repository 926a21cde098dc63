package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// mirrorAddress is where programs in the guest find the proxy to a package
	// mirror, where the course opens one.
	mirrorAddress = "127.0.0.1:3142"
	// mirrorFile tells apt of it.
	mirrorFile = "/etc/apt/apt.conf.d/95labmark-mirror"
	// mirrorClients bounds how many programs may wait for a stream; more are
	// hung up on.
	mirrorClients = 64
	// mirrorPatience bounds that wait.
	mirrorPatience = time.Minute
)

// mirrorSettings also undo what an image says to students who have no way to
// fetch anything: not to wait for it, and a message before each update.
const mirrorSettings = `// Written by Labmark: this lab's packages come through its gateway.
Acquire::http::Proxy "http://` + mirrorAddress + `";
Acquire::http::Timeout "60";
Acquire::Retries "3";
#clear APT::Update::Pre-Invoke;
`

// mirror is the way to the gateway's package mirror: whatever connects to
// mirrorAddress gets a stream of the link. It is there only while the host
// says so.
type mirror struct {
	open    func(context.Context) (net.Conn, error)
	address string
	root    string // "/", but in tests

	mu  sync.Mutex
	end context.CancelFunc // nil while closed
	// done is closed when the last listener has ended.
	done chan struct{}
}

// openToHost opens a stream of whatever link there is, or comes.
func (g *guest) openToHost(ctx context.Context) (net.Conn, error) {
	for {
		if link := g.link.get(); link != nil {
			conn, err := link.Open(ctx)
			if err == nil {
				return conn, nil
			}
		}
		select {
		case <-time.After(linkPause):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// set opens or closes the way. What fails is only said on the console: a
// guest without packages is better than none.
func (m *mirror) set(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if on == (m.end != nil) {
		return
	}
	path := filepath.Join(m.root, mirrorFile)
	if !on {
		m.end()
		<-m.done
		m.end = nil
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			logf("package mirror: %v", err)
		}
		return
	}
	listener, err := net.Listen("tcp", m.address)
	if err != nil {
		logf("package mirror: %v", err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.end, m.done = cancel, make(chan struct{})
	go m.serve(ctx, listener, m.done)
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return // no apt in this guest
	}
	if err := replaceFile(path, []byte(mirrorSettings)); err != nil {
		logf("package mirror: %v", err)
	}
}

func (m *mirror) serve(ctx context.Context, listener net.Listener, done chan<- struct{}) {
	defer close(done)
	var clients sync.WaitGroup
	defer clients.Wait()
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	room := make(chan struct{}, mirrorClients)
	for {
		client, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = client.Close()
			}
			return
		case err != nil: // out of descriptors or memory: others will end
			time.Sleep(linkPause)
			continue
		}
		select {
		case room <- struct{}{}:
			clients.Go(func() {
				m.carry(ctx, client)
				<-room
			})
		default:
			_ = client.Close()
		}
	}
}

// carry joins one program's connection with a stream to the host.
func (m *mirror) carry(ctx context.Context, client net.Conn) {
	defer client.Close()
	waiting, cancel := context.WithTimeout(ctx, mirrorPatience)
	stream, err := m.open(waiting)
	cancel()
	if err != nil {
		logf("package mirror: %v", err)
		return
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { _ = client.Close(); _ = stream.Close() })()
	// Either side's end is the end of both.
	go func() {
		defer client.Close()
		_, _ = io.Copy(client, stream)
	}()
	_, _ = io.Copy(stream, client)
}
