package nodes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// member is a node that the cluster is in touch with. What is not set once is
// guarded by the cluster's mutex.
type member struct {
	cluster *Cluster
	stop    context.CancelFunc
	done    chan struct{} // closed when its loop has ended
	tried   chan struct{} // closed when opening was tried once
	look    chan struct{} // wakes the loop to probe now

	node    Node
	backend vmbackend.Backend // nil until opened
	opening error             // why it is not open

	// alive ends when the node goes down; each time that it comes up there is
	// another one.
	alive context.Context
	die   context.CancelFunc

	state    State
	since    time.Time
	why      string
	answered time.Time // last
	trouble  string    // what probes have met since then; the loop's own
	// doubted is set when a call found the node unreachable after it answered.
	doubted bool
	// failed is when a guest could not be made or started here.
	failed time.Time
	downs  []time.Time // of late

	host     vmbackend.HostStats
	measured time.Time // when the measurement began
	guests   map[string]*held
	claimed  int // guests of other nodes that it tells of
	images   map[string]*imageCopy
}

// held is a guest on a node, as far as is known.
type held struct {
	vmbackend.Guest
	memory   int64     // bytes, where it was made by this gateway's run
	made     time.Time // when making it was begun; zero for those that were found
	creating bool
}

// join begins to be in touch with a node. Where it only is reached in another
// way, its guests are known from before, and the touch of before ends first.
// The cluster's mutex is held.
func (c *Cluster) join(n Node, before *member) *member {
	ctx, stop := context.WithCancel(c.life)
	m := &member{cluster: c, stop: stop, done: make(chan struct{}), tried: make(chan struct{}), look: make(chan struct{}, 1),
		node: n.clone(), state: Joining, since: time.Now(), answered: time.Now(),
		guests: map[string]*held{}, images: map[string]*imageCopy{}}
	m.alive, m.die = context.WithCancel(ctx)
	if before == nil {
		go m.run(ctx)
		return m
	}
	for id, h := range before.guests {
		same := *h
		same.creating = false // whoever makes it tells the former member
		m.guests[id] = &same
	}
	go func() {
		before.part()
		m.run(ctx)
	}()
	return m
}

// part leaves a node that is no longer a member.
func (m *member) part() {
	if err := m.leave(); err != nil {
		m.cluster.cfg.Log.Warn("a node's backend can't be closed", "node", m.node.Name, "err", err)
	}
}

// leave ends the touch.
func (m *member) leave() error {
	m.stop()
	<-m.done
	if b := m.open(); b != nil {
		return b.Close()
	}
	return nil
}

// want takes over what the table says now, and says what that means for the
// guests. The cluster's mutex is held.
func (m *member) want(n Node) []vmbackend.Event {
	lost := m.lost()
	if m.node.Wanted == Isolated && n.Wanted != Isolated {
		m.downs = nil // what has happened is forgiven
	}
	m.node = n.clone()
	if m.lost() == lost {
		return nil
	}
	return m.guestEvents()
}

// open is the backend, or nil.
func (m *member) open() vmbackend.Backend {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	return m.backend
}

func (m *member) openError() error {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	return m.opening
}

// lost says whether the node's guests are out of reach for their students. The
// cluster's mutex is held.
func (m *member) lost() bool { return m.state == Down || m.node.Wanted == Isolated }

// unreachable is the error of a call for a lost node. The cluster's mutex is
// held.
func (m *member) unreachable() error {
	switch {
	case m.state == Down:
		return fmt.Errorf("node %s has not answered since %s (%s): %w", m.node.Name, m.since.Local().Format("15:04:05"), m.why, vmbackend.ErrUnreachable)
	case m.node.Wanted == Isolated:
		return fmt.Errorf("node %s is isolated: %w", m.node.Name, vmbackend.ErrUnreachable)
	}
	return fmt.Errorf("node %s has not answered yet: %w", m.node.Name, vmbackend.ErrUnreachable)
}

// status is a copy. The cluster's mutex is held.
func (m *member) status() Status {
	return Status{Node: m.node.clone(), State: m.state, Since: m.since, Why: m.why, Guests: len(m.guests), Host: m.host}
}

// doubt notes that a call found the node unreachable, and lets it be probed.
func (m *member) doubt() {
	m.cluster.mu.Lock()
	m.doubted = true
	m.cluster.mu.Unlock()
	m.wake()
}

func (m *member) wake() {
	select {
	case m.look <- struct{}{}:
	default: // it is awake
	}
}

// fill replaces what is known of the node's guests by a list that was begun at
// a time. Guests that were made since then are kept. No guest ever moves: a
// node that claims another one's is not believed.
func (m *member) fill(list []vmbackend.Guest, begun time.Time) {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	now := map[string]*held{}
	claimed := 0
	for _, g := range list {
		if m.cluster.heldElsewhere(g.ID, m) {
			claimed++
			continue
		}
		g.Node = m.node.Name
		h := &held{Guest: g}
		if old := m.guests[g.ID]; old != nil {
			h.memory, h.made, h.creating = old.memory, old.made, old.creating
		}
		now[g.ID] = h
	}
	for id, h := range m.guests {
		if now[id] == nil && (h.creating || !h.made.Before(begun)) {
			now[id] = h
		}
	}
	m.guests = now
	if claimed != m.claimed {
		m.claimed = claimed
		m.cluster.cfg.Log.Error("a node tells of guests that are on others; see whether it is in the table twice, or in wrong hands",
			"node", m.node.Name, "guests", claimed)
	}
}

// heldElsewhere says whether a guest is known to be on another node than m. The
// cluster's mutex is held.
func (c *Cluster) heldElsewhere(id string, m *member) bool {
	for _, other := range c.members {
		if other != m && other.guests[id] != nil {
			return true
		}
	}
	return false
}

// mostGuests is far more than a node can have.
const mostGuests = 10_000

// list asks the node for its guests.
func (m *member) list(ctx context.Context, b vmbackend.Backend) error {
	begun := time.Now()
	list, err := b.List(ctx)
	if len(list) > mostGuests {
		err = fmt.Errorf("node %s tells of %d guests, which can't be: see with virsh list --all what runs there", m.node.Name, len(list))
	}
	if err == nil {
		m.fill(list, begun)
	}
	return err
}

func sorted[T any](list []T, key func(T) string) []T {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return list
}
