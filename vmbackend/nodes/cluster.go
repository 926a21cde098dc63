// Package nodes makes one backend of many: the guests of a gateway are spread
// over nodes, each with a backend of its own. It watches the nodes, chooses one
// for each new guest, remembers which guest is where, and says which guests are
// lost because their node is.
//
// A guest never moves. What a node knows is the truth; the memory here only
// says where to ask, and what to say of a node that does not answer.
package nodes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

var (
	_ vmbackend.Backend     = (*Cluster)(nil)
	_ vmbackend.Suspender   = (*Cluster)(nil)
	_ vmbackend.Snapshotter = (*Cluster)(nil)
	_ vmbackend.Desktop     = (*Cluster)(nil)
	_ vmbackend.ImageHolder = (*Cluster)(nil)
	_ vmbackend.Preparer    = (*Cluster)(nil)
)

// Config is all that a Cluster needs.
type Config struct {
	// Nodes reads the nodes; it is asked again every few seconds.
	Nodes func(context.Context) ([]Node, error)
	// Guests says which guest is on which node, as it was kept; read once. It
	// is what is said of a node that is down from the start. It may be nil.
	Guests func(context.Context) (map[string]string, error)
	// Open opens the backend of a node. It need not reach the node yet.
	Open func(Node) (vmbackend.Backend, error)
	// Isolate keeps that the cluster itself has isolated a node, and why.
	Isolate func(ctx context.Context, node, why string) error
	// Seen keeps how a node is found, for commands beside the gateway.
	Seen func(ctx context.Context, s Status) error
	Log  *slog.Logger
}

const (
	// silence is how long a node may not answer until it is Down.
	silence = 10 * time.Second
	// readEvery is the pause between two looks at the table of nodes.
	readEvery = 2 * time.Second
)

// Cluster is a vmbackend.Backend of all nodes.
type Cluster struct {
	cfg      Config
	watchers vmbackend.Watchers
	life     context.Context // ends with Close
	end      context.CancelFunc
	work     sync.WaitGroup

	mu      sync.Mutex
	members map[string]*member // by node's name
	// changed is closed, and replaced, whenever a node's state changes.
	changed chan struct{}
}

// New opens all nodes and watches them until Close. It fails if the nodes can't
// be read, or if not one of them can be opened; a node that does not answer is
// waited for in the background.
func New(ctx context.Context, cfg Config) (*Cluster, error) {
	c := &Cluster{cfg: cfg, members: map[string]*member{}, changed: make(chan struct{})}
	c.life, c.end = context.WithCancel(context.Background())
	list, err := cfg.Nodes(ctx)
	if err != nil {
		c.end()
		return nil, fmt.Errorf("read the nodes: %w", err)
	}
	c.take(list)
	if err := errors.Join(c.remember(ctx), c.opened(ctx)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.work.Go(c.readOn)
	return c, nil
}

// remember takes what was kept for what is there, until the nodes tell.
func (c *Cluster) remember(ctx context.Context) error {
	if c.cfg.Guests == nil {
		return nil
	}
	kept, err := c.cfg.Guests(ctx)
	if err != nil {
		return fmt.Errorf("read which guests are where: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, node := range kept {
		m := c.members[node]
		if m == nil {
			continue
		}
		for _, other := range c.members {
			if other != m {
				delete(other.guests, id) // it may have told already, and wrongly
			}
		}
		if m.guests[id] == nil {
			m.guests[id] = &held{Guest: vmbackend.Guest{ID: id, Node: node}}
		}
	}
	return nil
}

// opened waits until the opening of each node has been tried.
func (c *Cluster) opened(ctx context.Context) error {
	var failures []error
	all := c.all()
	for _, m := range all {
		select {
		case <-m.tried:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := m.openError(); err != nil {
			failures = append(failures, err)
		}
	}
	if len(failures) == len(all) {
		return errors.Join(failures...)
	}
	return nil
}

// readOn follows the table.
func (c *Cluster) readOn() {
	tick := time.NewTicker(readEvery)
	defer tick.Stop()
	for {
		select {
		case <-c.life.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(c.life, silence)
		list, err := c.cfg.Nodes(ctx)
		cancel()
		switch {
		case err == nil:
			c.take(list)
		case c.life.Err() == nil:
			c.cfg.Log.Error("can't read the nodes, will try again", "err", err)
		}
	}
}

// take brings the members in line with the table.
func (c *Cluster) take(list []Node) {
	wanted := map[string]Node{}
	for _, n := range list {
		wanted[n.Name] = n
	}
	var (
		gone   []*member
		events []vmbackend.Event
	)
	c.mu.Lock()
	for name, m := range c.members {
		if _, ok := wanted[name]; !ok {
			gone = append(gone, m)
			delete(c.members, name)
		}
	}
	for name, n := range wanted {
		switch m := c.members[name]; {
		case m == nil:
			c.members[name] = c.join(n, nil)
		case n.sameWay(m.node):
			events = append(events, m.want(n)...)
		default:
			c.members[name] = c.join(n, m)
		}
	}
	c.mu.Unlock()
	for _, m := range gone {
		m.part()
	}
	c.tell()
	for _, e := range events {
		c.watchers.Tell(e)
	}
}

// tell wakes all who wait for a change of states.
func (c *Cluster) tell() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// settled waits until no node is joining any more: each is then known to be up
// or down. That takes no longer than a node may be silent.
func (c *Cluster) settled(ctx context.Context) error {
	for {
		c.mu.Lock()
		changed, joining := c.changed, false
		for _, m := range c.members {
			joining = joining || m.state == Joining
		}
		c.mu.Unlock()
		if !joining {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.life.Done():
			return errClosed
		}
	}
}

var errClosed = errors.New("the backend has been closed")

// all are the members of the moment.
func (c *Cluster) all() []*member {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*member, 0, len(c.members))
	for _, m := range c.members {
		out = append(out, m)
	}
	return out
}

// Close lets go of all nodes; guests run on.
func (c *Cluster) Close() error {
	c.end()
	all := c.all()
	for _, m := range all {
		<-m.done // they begin work
	}
	c.work.Wait()
	var errs []error
	for _, m := range all {
		errs = append(errs, m.leave())
	}
	c.watchers.Close()
	return errors.Join(errs...)
}

// Statuses are the nodes by name, with what is known of each.
func (c *Cluster) Statuses() []Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Status
	for _, m := range c.members {
		out = append(out, m.status())
	}
	return sorted(out, func(s Status) string { return s.Name })
}
