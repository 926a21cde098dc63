package guests

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// lease is one owner's right to a guest. Its status also serialises what is
// done to it: an operation begins by entering a busy state, in which no other
// may begin.
type lease struct {
	owner store.Owner

	mu     sync.Mutex
	status Status
	guest  *machine // nil: none yet
}

// Status is a consistent copy.
func (l *lease) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

func (l *lease) held() *machine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.guest
}

// begin enters a busy state if the lease is in one of the given states.
func (l *lease) begin(s State, detail string, from ...State) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range from {
		if l.status.State == f {
			l.status.State, l.status.Detail, l.status.Since = s, detail, time.Now()
			return true
		}
	}
	return false
}

// lose notes that the guest ended by itself, if it was ready all the time
// since it was looked at.
func (l *lease) lose(looked time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.State != Ready || !l.status.Since.Before(looked) {
		return false
	}
	l.status.State, l.status.Since = None, time.Now()
	l.status.Detail = "Your machine has stopped: it was switched off from inside, or it crashed. " +
		"Start it again: what you did in it is kept."
	return true
}

// set changes state and guest; a nil guest means that there is none.
func (l *lease) set(s State, detail string, g *machine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s == Ready {
		l.status.Generation++
	}
	l.status.State, l.status.Detail, l.status.Since = s, detail, time.Now()
	l.guest, l.status.Image = g, ""
	if g != nil {
		l.status.Image = g.kind.Image
	}
}

// notify tells of the lease's status as it is now.
func (m *Manager) notify(l *lease) Status {
	s := l.Status()
	m.cfg.Notify(l.owner, s)
	return s
}

// Start gives the owner a running guest: the one that is switched off, one
// from the pool, or a new one. It returns at once; Notify tells the rest.
// While something else is being done, or when a guest runs, it does nothing.
func (m *Manager) Start(o store.Owner, k Kind) Status {
	l := m.lease(o)
	if !l.begin(Starting, "Preparing your machine.", None, Failed) {
		return l.Status()
	}
	return m.supply(l, func(ctx context.Context) (*machine, error) { return m.provide(ctx, l, k) })
}

// Reset replaces the owner's guest by a fresh one. Everything in the old one
// is gone. It returns at once, as Start does.
func (m *Manager) Reset(o store.Owner, k Kind) Status {
	l := m.lease(o)
	if !l.begin(Resetting, "Replacing your machine by a fresh one.", None, Ready, Failed) {
		return l.Status()
	}
	return m.supply(l, func(ctx context.Context) (*machine, error) { return m.replace(ctx, l, k) })
}

// supply gets the guest for a lease that has entered a busy state, in the
// background.
func (m *Manager) supply(l *lease, get func(context.Context) (*machine, error)) Status {
	s := m.notify(l)
	m.background(func(ctx context.Context) {
		g, err := get(ctx)
		m.settle(l, g, err)
	})
	return s
}

// provide finds or makes the guest for a lease that is Starting.
func (m *Manager) provide(ctx context.Context, l *lease, k Kind) (*machine, error) {
	if g := l.held(); g != nil {
		err := m.bootKept(ctx, g)
		if !errors.Is(err, vmbackend.ErrNoGuest) && !errors.Is(err, vmbackend.ErrUnreachable) {
			return g, err
		}
		// It has vanished. The student gets another, not an excuse.
		return m.instead(ctx, l, g, k)
	}
	return m.fresh(ctx, l, k)
}

// fresh gives the owner, who has no guest, a free one or makes one.
func (m *Manager) fresh(ctx context.Context, l *lease, k Kind) (*machine, error) {
	if g := m.claim(ctx, k, "", l.owner); g != nil {
		return g, nil
	}
	return m.create(ctx, k, &l.owner)
}

// replace swaps the guest of a lease that is Resetting.
func (m *Manager) replace(ctx context.Context, l *lease, k Kind) (*machine, error) {
	old := l.held()
	if old == nil {
		return m.provide(ctx, l, k)
	}
	if g := m.claim(ctx, k, old.id, l.owner); g != nil {
		old.hangUp()
		m.retire(old.id)
		return g, nil
	}
	// The owner may have one guest only, so the old one must go first.
	if err := m.takeAway(ctx, old); err != nil {
		return old, err
	}
	return m.create(ctx, k, &l.owner)
}

// takeAway takes a guest from its owner for good.
func (m *Manager) takeAway(ctx context.Context, g *machine) error {
	g.hangUp()
	if err := m.cfg.Table.SetGuestMode(ctx, g.id, store.Retiring); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	m.retire(g.id)
	return nil
}

// Stop switches the owner's guest off; its disk stays. It returns at once.
func (m *Manager) Stop(o store.Owner) Status {
	l := m.lease(o)
	if !l.begin(Stopping, "Switching your machine off.", Ready) {
		return l.Status()
	}
	s := m.notify(l)
	m.background(func(ctx context.Context) {
		g := l.held()
		g.hangUp()
		if err := m.cfg.Backend.Stop(ctx, g.id); err != nil {
			m.cfg.Log.Error("guest does not stop", "guest", g.id, "err", err)
			l.set(Failed, "Your machine could not be switched off. Try to reset it.", g)
		} else {
			l.set(None, "Your machine is switched off. What you did in it is kept.", g)
		}
		m.notify(l)
	})
	return s
}

// settle ends Starting and Resetting.
func (m *Manager) settle(l *lease, g *machine, err error) {
	if err != nil {
		if m.ctx.Err() != nil {
			return // the gateway is closing: the next one sorts it out
		}
		m.cfg.Log.Error("no guest for a student", "user", l.owner.UserID, "course", l.owner.Course,
			"tutorial", l.owner.Tutorial, "err", err)
		l.set(Failed, explain(err), g)
	} else {
		l.set(Ready, cmp.Or(g.news, "Your machine is ready."), g)
		g.news = "" // told once
	}
	m.notify(l)
	m.wakeFiller()
}

// Client returns the kept SSH connection to the owner's running guest, logged
// in as user, and which guest that is. ErrNoGuest if none runs. A caller who
// finds the connection broken closes it; the next call makes a new one.
func (m *Manager) Client(ctx context.Context, o store.Owner, user string, p Purpose) (*ssh.Client, Machine, error) {
	l := m.lease(o)
	l.mu.Lock()
	g, state := l.guest, l.status.State
	l.mu.Unlock()
	if state != Ready || g == nil {
		return nil, Machine{}, ErrNoGuest
	}
	c, err := g.client(ctx, login{p, user})
	return c, Machine{ID: g.id, Image: g.kind.Image}, err
}

// Machine returns the owner's running guest. ErrNoGuest if none runs.
func (m *Manager) Machine(o store.Owner) (Machine, error) {
	l := m.lease(o)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.State != Ready || l.guest == nil {
		return Machine{}, ErrNoGuest
	}
	return Machine{ID: l.guest.id, Image: l.guest.kind.Image}, nil
}

// Machine tells which guest a connection leads to.
type Machine struct {
	ID    string
	Image string // digest
}
