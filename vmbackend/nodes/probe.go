package nodes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

const (
	// probeEvery is the pause between two looks at a node, and hurry that
	// while one that was up does not answer.
	probeEvery = 3 * time.Second
	hurry      = time.Second
	// A node that was lost flapLimit times within flapSpan is isolated.
	flapLimit = 3
	flapSpan  = 10 * time.Minute
)

// run opens the node's backend and watches it until ctx ends.
func (m *member) run(ctx context.Context) {
	defer close(m.done)
	defer m.stop() // of all that is done there
	c := m.cluster
	for first := true; ; first = false {
		c.mu.Lock()
		node := m.node.clone()
		c.mu.Unlock()
		b, err := c.cfg.Open(node)
		if err != nil {
			err = fmt.Errorf("node %s: %w", node.Name, err)
		}
		c.mu.Lock()
		m.backend, m.opening, m.answered = b, err, time.Now()
		if err != nil {
			m.backend = nil // not a nil of some type
		}
		c.mu.Unlock()
		if first {
			close(m.tried)
		}
		if err == nil {
			break
		}
		m.enter(ctx, Down, err.Error())
		if !m.pause(ctx, silence) {
			return
		}
	}
	forward := make(chan struct{})
	go func() { defer close(forward); m.forward(ctx) }()
	defer func() { <-forward }()
	for {
		wait := m.probe(ctx)
		if !m.pause(ctx, wait) {
			return
		}
	}
}

// pause waits, less long when the loop is woken; false when ctx has ended.
func (m *member) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-m.look:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// probe looks at the node once and returns how long to wait until the next look.
func (m *member) probe(ctx context.Context) time.Duration {
	c := m.cluster
	c.mu.Lock()
	state, limit := m.state, m.answered.Add(silence)
	c.mu.Unlock()
	if least := time.Now().Add(vmbackend.ProbePatience); m.trouble == "" && limit.Before(least) {
		limit = least // we did not ask for some time: that is not the node's silence
	}
	patience, cancel := context.WithTimeout(ctx, vmbackend.ProbePatience)
	defer cancel()
	if state != Down { // it is called down in time
		patience, cancel = context.WithDeadline(patience, limit)
		defer cancel()
	}
	err := m.measure(patience, state)
	if ctx.Err() != nil {
		return 0
	}
	if err == nil {
		c.mu.Lock()
		m.answered, m.doubted = time.Now(), false
		c.mu.Unlock()
		m.trouble = ""
		m.enter(ctx, Up, "")
		m.lookForImages(ctx)
		return probeEvery
	}
	if m.trouble == "" || !errors.Is(err, context.DeadlineExceeded) {
		m.trouble = err.Error() // that time was up says less than what came before
	}
	if state == Down || !time.Now().Before(limit) {
		m.enter(ctx, Down, m.trouble)
		return probeEvery
	}
	return min(hurry, time.Until(limit))
}

// measure asks for a sign of life. A node that was not up must also tell which
// guests it has, before anything is said of them.
func (m *member) measure(ctx context.Context, state State) error {
	b := m.open()
	h, can := b.(vmbackend.Host)
	if can {
		begun := time.Now()
		stats, err := h.Host(ctx)
		if err != nil {
			return err
		}
		m.cluster.mu.Lock()
		m.host, m.measured = stats, begun
		m.cluster.mu.Unlock()
	}
	if !can || state != Up {
		return m.list(ctx, b)
	}
	return nil
}

// enter changes the node's state, and tells everybody.
func (m *member) enter(ctx context.Context, s State, why string) {
	c := m.cluster
	c.mu.Lock()
	if m.state == s {
		if s == Down {
			m.why = why
		}
		c.mu.Unlock()
		return
	}
	before := m.state
	m.state, m.since, m.why = s, time.Now(), why
	if m.die(); s == Up {
		m.alive, m.die = context.WithCancel(ctx)
	}
	flaps := s == Down && before == Up && m.flapping()
	status := m.status()
	events := m.guestEvents()
	c.mu.Unlock()
	switch {
	case s == Down:
		c.cfg.Log.Error("a node does not answer", "node", status.Name, "guests", status.Guests, "err", why)
	case before == Down:
		c.cfg.Log.Info("a node is back", "node", status.Name, "guests", status.Guests)
	default:
		c.cfg.Log.Info("a node is up", "node", status.Name, "guests", status.Guests)
	}
	if flaps {
		m.isolate(ctx)
	}
	if c.cfg.Seen != nil {
		if err := c.cfg.Seen(ctx, status); err != nil && ctx.Err() == nil {
			c.cfg.Log.Warn("can't keep a node's state", "node", status.Name, "err", err)
		}
	}
	c.tell()
	for _, e := range events {
		c.watchers.Tell(e)
	}
}

// flapping notes a loss and says whether there were too many of late. The
// cluster's mutex is held.
func (m *member) flapping() bool {
	now := time.Now()
	m.downs = append(slices.DeleteFunc(m.downs, func(t time.Time) bool { return now.Sub(t) > flapSpan }), now)
	return len(m.downs) >= flapLimit && m.node.Wanted != Isolated
}

// isolate takes a node out of use that comes and goes: students would lose
// their guests again and again.
func (m *member) isolate(ctx context.Context) {
	c := m.cluster
	why := fmt.Sprintf("it was lost %d times within %.0f minutes", flapLimit, flapSpan.Minutes())
	c.mu.Lock()
	m.node.Wanted, m.node.WantedWhy = Isolated, why
	name := m.node.Name
	c.mu.Unlock()
	c.cfg.Log.Error("a node is isolated because it comes and goes", "node", name, "why", why)
	if err := c.cfg.Isolate(ctx, name, why); err != nil {
		c.cfg.Log.Error("can't keep that a node is isolated", "node", name, "err", err)
	}
}
