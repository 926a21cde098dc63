package guests

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// A suspended guest stands still with all its programs, and goes on at its
// owner's next visit. Inside this package its lease is None, as of one that is
// switched off: what may be done to both is the same. What tells them apart is
// machine.frozen; pages see the state Suspended.

// Suspended is what pages see of a lease whose guest stands still.
const Suspended State = "suspended"

const (
	suspendingWords = "Suspending your machine."
	suspendedWords  = "Your machine is suspended, because you have not used it for a while. Go on whenever you like: your programs are where you left them."
	overWords       = "Your time is over, so your machine is suspended. Nothing in it is lost."
	endedWords      = "Your machine was suspended for long, and has been switched off. Your files are kept, the programs that ran have ended."
)

// freeze sets since when the machine stands still; a zero time is one that
// does not.
func (g *machine) freeze(since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.frozen = since
}

func (g *machine) frozenSince() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.frozen
}

// shown is the lease's status for those outside of this package.
func (l *lease) shown() Status {
	s := l.Status()
	if g := l.held(); s.State == None && g != nil && !g.frozenSince().IsZero() {
		s.State = Suspended
	}
	return s
}

// suspend suspends all of an owner's guests that are ready. Where the backend
// can't they are switched off. The owner reads words, or off.
func (m *Manager) suspend(b *lab, words, off string) {
	begun := false
	for _, l := range b.all() {
		if l.begin(Stopping, suspendingWords, Ready) {
			begun = true
			m.background(func(ctx context.Context) { m.freeze(ctx, l, words, off) })
		}
	}
	if begun {
		b.endSession()
		for _, id := range []string{idleNotice, sessionNotice, lastNotice} {
			m.retract(b, id)
		}
		m.notify(b.owner)
	}
}

// freeze suspends a guest whose lease is Stopping.
func (m *Manager) freeze(ctx context.Context, l *lease, words, off string) {
	g := l.held()
	g.hangUp()
	err := vmbackend.ErrNotOffered
	if s, able := m.cfg.Backend.(vmbackend.Suspender); able {
		err = s.Suspend(ctx, g.id)
	}
	if err != nil {
		if !errors.Is(err, vmbackend.ErrNotOffered) {
			m.cfg.Log.Warn("a guest can't be suspended, it is switched off", "guest", g.id, "err", err)
		}
		m.switchOff(ctx, l, off)
		return
	}
	g.freeze(time.Now())
	m.setMode(ctx, g.id, store.Suspended)
	l.set(None, words, g)
	m.notify(l.owner)
	m.wakeUsher()
}

// thaw lets a suspended guest go on; false if it is not suspended, and has to
// be booted.
func (m *Manager) thaw(ctx context.Context, g *machine) (bool, error) {
	since := g.frozenSince()
	s, able := m.cfg.Backend.(vmbackend.Suspender)
	if since.IsZero() || !able {
		return false, nil
	}
	err := s.Resume(ctx, g.id)
	if errors.Is(err, vmbackend.ErrWrongState) {
		g.freeze(time.Time{})
		return false, nil // it ended while it was suspended
	}
	if err != nil {
		return true, err
	}
	g.freeze(time.Time{})
	if _, err := g.client(ctx, login{ForChecks, "root"}); err != nil {
		return true, err
	}
	m.setClock(ctx, g, time.Since(since))
	return true, nil
}

const (
	// clockPatience bounds the two commands that set a guest's clock.
	clockPatience = 2 * time.Second
	// clockSlack is how far a clock may be off by itself.
	clockSlack = 3 * time.Second
)

// setClock sets the clock of a guest that stood still, if that is why it lags:
// one that its owner has set otherwise stays so. That it fails ends nothing.
func (m *Manager) setClock(ctx context.Context, g *machine, stood time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, clockPatience)
	defer cancel()
	text, err := g.run(ctx, "date +%s")
	if err != nil {
		return
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	lag := time.Since(time.Unix(seconds, 0))
	if err != nil || lag < clockSlack || (lag-stood).Abs() > clockSlack {
		return
	}
	if _, err := g.run(ctx, fmt.Sprintf("date -s @%d", time.Now().Unix())); err != nil {
		m.cfg.Log.Warn("the clock of a resumed guest can't be set", "guest", g.id, "err", err)
	}
}

// run runs a command in the guest, as root.
func (g *machine) run(ctx context.Context, command string) (string, error) {
	c, err := g.client(ctx, login{ForChecks, "root"})
	if err != nil {
		return "", err
	}
	session, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	defer context.AfterFunc(ctx, func() { session.Close() })()
	out, err := session.Output(command)
	return string(out), err
}

// endFrozen switches off a guest that was suspended for long: its memory is
// wanted back.
func (m *Manager) endFrozen(l *lease, now time.Time) {
	g := l.held()
	if g == nil {
		return
	}
	since := g.frozenSince()
	if since.IsZero() || now.Before(since.Add(m.cfg.Rest.Frozen)) || !l.begin(Stopping, "Switching your machine off.", None) {
		return
	}
	g.freeze(time.Time{})
	m.notify(l.owner)
	m.background(func(ctx context.Context) { m.switchOff(ctx, l, endedWords) })
}
