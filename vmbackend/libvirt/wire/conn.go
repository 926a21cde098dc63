package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// way is how one transport reaches a node. Its methods end with their context.
type way interface {
	// libvirt dials libvirtd.
	libvirt(ctx context.Context) (net.Conn, error)
	// socket dials a unix socket on the node.
	socket(ctx context.Context, path string) (net.Conn, error)
	// command runs a shell script on the node.
	command(ctx context.Context, stdin io.Reader, script string, args []string) ([]byte, error)
	// close ends all that the way has open.
	close()
}

// Conn is the connection to one node. All methods may be called from any
// goroutine.
type Conn struct {
	target target
	calls  int
	way    way
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{}

	mu      sync.Mutex
	link    *link         // nil while there is no connection
	changed chan struct{} // closed and replaced when link changes
	reason  error         // why there is none
	readers map[chan Event]struct{}
}

// New checks the endpoint and begins to connect. It does not wait.
func New(e Endpoint, log *slog.Logger) (*Conn, error) {
	t, err := parse(e.URI)
	if err != nil {
		return nil, err
	}
	c := &Conn{
		target: t, calls: e.Calls, log: log.With("node", e.URI),
		ended: make(chan struct{}), changed: make(chan struct{}), readers: map[chan Event]struct{}{},
		reason: errors.New("no connection was made yet"),
	}
	if c.calls <= 0 {
		c.calls = 4
	}
	switch t.transport {
	case Local:
		c.way = local{t}
	case SSH:
		c.way, err = newSSH(t, e)
	case TLS:
		c.way, err = newTLS(t, e)
	}
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", e.URI, err)
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.run()
	return c, nil
}

// Transport says which way the node is reached.
func (c *Conn) Transport() Transport { return c.target.transport }

// Up says whether there is a connection now.
func (c *Conn) Up() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link != nil && !c.link.isDead()
}

// Close ends the connection and all that goes through it.
func (c *Conn) Close() error {
	c.cancel()
	<-c.ended
	return nil
}

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
)

// run connects again and again until Close.
func (c *Conn) run() {
	defer close(c.ended)
	defer c.closeReaders()
	defer c.way.close()
	pause := firstPause
	for c.ctx.Err() == nil {
		begun := time.Now()
		l, err := open(c.ctx, c.ctx, c.way, c.target, c.calls, true)
		if err != nil {
			c.failed(err)
		} else {
			c.came(l)
			<-l.conn.dead
			c.went()
		}
		if err == nil && time.Since(begun) > maxPause {
			pause = firstPause // it was worth something
			continue
		}
		select {
		case <-c.ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxPause)
	}
}

// failed notes why there is no connection, and logs it when it is news.
func (c *Conn) failed(err error) {
	c.mu.Lock()
	news := c.reason == nil || c.reason.Error() != err.Error()
	c.reason = err
	c.mu.Unlock()
	if news && c.ctx.Err() == nil {
		c.log.Warn("the node cannot be reached", "err", err)
	}
}

func (c *Conn) came(l *link) {
	c.set(l, nil)
	go func() {
		for m := range l.events {
			c.publish(Event{Domain: m.Dom, Kind: int(m.Event), Detail: int(m.Detail)})
		}
	}()
	c.log.Info("connected to the node")
	c.publish(Event{Link: true, Up: true})
}

func (c *Conn) went() {
	c.set(nil, errors.New("the connection was lost"))
	if c.ctx.Err() == nil {
		c.log.Warn("lost the connection to the node")
	}
	c.publish(Event{Link: true})
}

func (c *Conn) set(l *link, reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link, c.reason = l, reason
	close(c.changed)
	c.changed = make(chan struct{})
}

// await returns the link, as soon as there is one.
func (c *Conn) await(ctx context.Context) (*link, error) {
	for {
		c.mu.Lock()
		l, changed := c.link, c.changed
		c.mu.Unlock()
		if l != nil && !l.isDead() {
			return l, nil
		}
		select {
		case <-changed:
		case <-c.ctx.Done():
			return nil, fmt.Errorf("%w: the connection was closed here", vmbackend.ErrUnreachable)
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%s): %w; %w", vmbackend.ErrUnreachable, c.target, c.why(), ctx.Err())
		}
	}
}

// why says why there is no connection.
func (c *Conn) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason == nil {
		return errors.New("the connection was lost")
	}
	return c.reason
}

// String names the node as an administrator would.
func (t target) String() string {
	if t.transport == Local {
		return "libvirt on this machine"
	}
	return t.address
}
