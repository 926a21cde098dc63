package simulated

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/sshserver"
)

// run is a guest between its start and its end.
type run struct {
	ctx       context.Context
	end       context.CancelFunc
	execs     atomic.Int64
	terminals terminals

	mu     sync.Mutex
	conns  map[net.Conn]bool // the host's ends
	thawed chan struct{}     // closed unless the guest is suspended
	// display is what the guest's screen shows; nil until it is looked at.
	display *display
}

func newRun(ctx context.Context) *run {
	r := &run{conns: map[net.Conn]bool{}, thawed: make(chan struct{})}
	close(r.thawed)
	r.ctx, r.end = context.WithCancel(ctx)
	return r
}

func (r *run) freeze() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.thawed = make(chan struct{})
}

func (r *run) thaw() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.thawed)
}

// awake waits until the guest is not suspended, or has ended.
func (r *run) awake() error {
	r.mu.Lock()
	thawed := r.thawed
	r.mu.Unlock()
	select {
	case <-thawed:
		return nil
	case <-r.ctx.Done():
		return errors.New("the guest has ended")
	}
}

func (r *run) drop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
}

func (r *run) track(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c] = true
}

func (r *run) untrack(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// connect opens a stream to a new SSH server inside the guest.
func (g *guest) connect(r *run, f Fault) (net.Conn, error) {
	config := sshserver.Config{HostKey: g.hostKey, AuthorizedKeys: g.authorized, Handler: &sessions{guest: g, run: r}}
	if f.WrongHostKey {
		key, err := otherKey()
		if err != nil {
			return nil, err
		}
		config.HostKey = key
	}
	host, inside := newPipe()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.run != r {
		return nil, fmt.Errorf("it ended meanwhile: %w", vmbackend.ErrWrongState)
	}
	r.track(host)
	return host, g.backend.serve(func() {
		defer r.untrack(host)
		conn := &gated{Conn: inside, run: r, left: f.CutAfter, counts: f.CutAfter > 0}
		if f.Silent {
			<-r.ctx.Done()
			_ = conn.Close()
			return
		}
		_ = sshserver.Serve(r.ctx, conn, config) // failed logins are the client's to notice
	})
}

func otherKey() (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// gated is the guest's end of a stream: it stands still while the guest is
// suspended, and ends after so many bytes when a fault says so.
type gated struct {
	net.Conn
	run    *run
	mu     sync.Mutex
	left   int64
	counts bool
}

func (c *gated) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if awake := c.run.awake(); err == nil && awake != nil {
		return 0, awake
	}
	return n, err
}

func (c *gated) Write(p []byte) (int, error) {
	if err := c.run.awake(); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.counts {
		return c.Conn.Write(p)
	}
	if int64(len(p)) < c.left {
		c.left -= int64(len(p))
		return c.Conn.Write(p)
	}
	_, _ = c.Conn.Write(p[:c.left])
	c.left = 0
	_ = c.Close()
	return 0, net.ErrClosed
}
