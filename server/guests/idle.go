package guests

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/labmark/labmark/server/store"
)

// Rest says when guests are suspended, and who is told before.
type Rest struct {
	// Idle is how long a guest may be without use; 0 is for ever. Limits, which
	// may be nil, says what an owner's tutorial wants instead.
	Idle   time.Duration
	Limits func(store.Owner) Limits
	// Frozen is how long a suspended guest keeps its memory before it is
	// switched off; 0 means two hours.
	Frozen time.Duration
	// Keep is how long a guest that does not run is kept for its owner; 0 means
	// a week.
	Keep time.Duration
	// Tell, which may be nil, is told of notices. It must not block.
	Tell func(store.Owner, Notice)
}

// Limits are what a tutorial says of the time of its guests; 0 is nothing.
type Limits struct {
	// Idle is as in Rest; Session is how long guests run at most.
	Idle, Session time.Duration
}

const (
	defaultFrozen = 2 * time.Hour
	defaultKeep   = 7 * 24 * time.Hour
	// idleWarning, soonWarning and lastWarning are how long before the end its
	// owner is warned. Short limits have shorter ones.
	idleWarning = 5 * time.Minute
	soonWarning = 10 * time.Minute
	lastWarning = 2 * time.Minute
	// lookEvery is how often it is looked who is idle.
	lookEvery = 2 * time.Second
)

// Notices that stand while they are true.
const (
	idleNotice    = "idle"
	sessionNotice = "session"
	lastNotice    = "session-last"
)

const (
	idleWarningWords    = "You have not used your machine for a while. It will be suspended; nothing in it is lost."
	sessionWarningWords = "The time for your machine is almost over. It will be suspended then; nothing in it is lost."
)

// presence is what a lab knows of its owner's session.
type presence struct {
	begun   time.Time // when the first guest of the session was ready; zero without one
	notices map[string]Notice
}

// lookIdle looks again and again who is idle.
func (m *Manager) lookIdle(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.mu.Lock()
			labs := slices.Collect(maps.Values(m.labs))
			m.mu.Unlock()
			for _, b := range labs {
				m.look(b, time.Now())
			}
		}
	}
}

// look warns the owner of a lab, or suspends its guests, when it is time.
func (m *Manager) look(b *lab, now time.Time) {
	var ready time.Time // the latest
	busy := false
	for _, l := range b.all() {
		s := l.Status()
		switch s.State {
		case Ready:
			ready = latest(ready, &s.Since)
		case None:
			m.endFrozen(l, now)
		default:
			busy = busy || s.State != Failed
		}
	}
	if ready.IsZero() {
		if !busy {
			b.endSession()
		}
		for _, id := range []string{idleNotice, sessionNotice, lastNotice} {
			m.retract(b, id)
		}
		return
	}
	begun := b.beginSession(ready)
	limits := m.limitsOf(b.owner)
	last := m.lastActive(b.owner)
	m.judgeIdle(b, now, latest(ready, &last), limits.Idle)
	m.judgeSession(b, now, begun, limits.Session)
}

func (m *Manager) judgeIdle(b *lab, now, since time.Time, limit time.Duration) {
	if limit <= 0 {
		return
	}
	end := since.Add(limit)
	switch {
	case !now.Before(end):
		m.suspend(b, suspendedWords, restedWords)
	case !now.Before(end.Add(-min(idleWarning, limit/2))):
		m.post(b, Notice{ID: idleNotice, Kind: Closing, Text: idleWarningWords, Until: end, Action: Stay})
	default:
		m.retract(b, idleNotice)
	}
}

func (m *Manager) judgeSession(b *lab, now, begun time.Time, limit time.Duration) {
	if limit <= 0 {
		return
	}
	end := begun.Add(limit)
	n := Notice{ID: sessionNotice, Kind: Closing, Text: sessionWarningWords, Until: end}
	switch {
	case !now.Before(end):
		m.suspend(b, overWords, overWords)
	case !now.Before(end.Add(-min(lastWarning, limit/4))):
		// One that was put away comes again, so it is another.
		m.retract(b, sessionNotice)
		n.ID = lastNotice
		m.post(b, n)
	case !now.Before(end.Add(-min(soonWarning, limit/2))):
		m.post(b, n)
	}
}

// limitsOf are an owner's.
func (m *Manager) limitsOf(o store.Owner) Limits {
	var l Limits
	if m.cfg.Rest.Limits != nil {
		l = m.cfg.Rest.Limits(o)
	}
	if l.Idle == 0 {
		l.Idle = m.cfg.Rest.Idle
	}
	return l
}

func (b *lab) beginSession(at time.Time) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.presence.begun.IsZero() {
		b.presence.begun = at
	}
	return b.presence.begun
}

func (b *lab) endSession() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.presence.begun = time.Time{}
}

// Stay is Active for an owner who was warned and wants to go on.
func (m *Manager) Stay(o store.Owner, address string) Status {
	m.Active(o, address)
	m.look(m.lab(o), time.Now())
	return m.Status(o)
}
