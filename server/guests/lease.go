package guests

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// lease is one owner's right to one guest of the tutorial. Its status also serialises what is
// done to it: an operation begins by entering a busy state, in which no other
// may begin.
type lease struct {
	owner store.Owner
	name  string // of the guest in the tutorial

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

// ready returns the guest if it is to be used, else nil.
func (l *lease) ready() *machine {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.State != Ready {
		return nil
	}
	return l.guest
}

// say changes what the student reads, in the same state.
func (l *lease) say(detail string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Detail = detail
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

// Start gives the owner running guests: those that are switched off, from the
// pool, or new ones. Where there is no room for them, or others wait, they are
// queued. It returns at once; Notify tells the rest. What is busy or runs is
// left alone. An error says that the tutorial's guests can't be made, or is a
// TooMany.
func (m *Manager) Start(o store.Owner) (Status, error) {
	orders, err := m.arrange(o)
	if err != nil {
		return Status{}, err
	}
	m.gate.Lock()
	defer m.gate.Unlock()
	if s, err := m.admit(o, orders); err != nil || s.State == Queued {
		return s, err
	}
	var jobs []job
	for _, w := range orders {
		if w.begin(Starting, "Preparing your machine.", None, Failed) {
			jobs = append(jobs, job{w.lease, func(ctx context.Context) (*machine, error) { return m.provide(ctx, w.lease, w.plan) }})
		}
	}
	return m.supply(o, jobs), nil
}

// admit lets guests of an owner begin to run that don't yet: there must be room
// for them, or they are Queued then. Gate is held. An error is a TooMany.
func (m *Manager) admit(o store.Owner, orders []order) (Status, error) {
	idle := 0
	for _, w := range orders {
		if s := w.Status().State; s == None || s == Failed {
			idle++
		}
	}
	if idle == 0 {
		return Status{}, nil
	}
	if err := m.quota(o); err != nil {
		return m.Status(o), err
	}
	if !m.queue.waiting(o) && m.room(idle, o.Course) {
		return Status{}, nil
	}
	for _, w := range orders {
		w.begin(Queued, queuedWords, None, Failed)
	}
	return m.queueUp(o)
}

// Reset replaces the owner's guest of that name, or all for an empty one, by
// fresh ones. Everything in the old ones is gone. It returns at once, as Start
// does. ErrUnknown if the tutorial has no such guest.
func (m *Manager) Reset(o store.Owner, name string) (Status, error) {
	return m.renew(o, name, m.replace)
}

// renew replaces guests as replace does.
func (m *Manager) renew(o store.Owner, name string, replace func(context.Context, *lease, Plan) (*machine, error)) (Status, error) {
	orders, err := m.arrange(o)
	if err != nil {
		return Status{}, err
	}
	if name != "" {
		orders = slices.DeleteFunc(orders, func(w order) bool { return w.name != name })
	}
	if len(orders) == 0 {
		return Status{}, ErrUnknown
	}
	m.gate.Lock()
	defer m.gate.Unlock()
	if s, err := m.admit(o, orders); err != nil || s.State == Queued {
		return s, err
	}
	var jobs []job
	for _, w := range orders {
		if w.begin(Resetting, "Replacing your machine by a fresh one.", None, Ready, Failed) {
			jobs = append(jobs, job{w.lease, func(ctx context.Context) (*machine, error) { return replace(ctx, w.lease, w.plan) }})
		}
	}
	return m.supply(o, jobs), nil
}

// job gets the guest for a lease that has entered a busy state.
type job struct {
	*lease
	get func(context.Context) (*machine, error)
}

// supply does an owner's jobs in the background. Guests that come together are
// prepared together, because the one may need the other.
func (m *Manager) supply(o store.Owner, jobs []job) Status {
	if len(jobs) == 0 {
		return m.Status(o)
	}
	s := m.notify(o)
	m.work.Go(func() {
		got := make([]*machine, len(jobs))
		var full atomic.Bool
		var each sync.WaitGroup
		for i, j := range jobs {
			each.Go(func() {
				ctx, cancel := context.WithTimeout(m.ctx, bootTimeout)
				defer cancel()
				g, err := j.get(ctx)
				if errors.Is(err, vmbackend.ErrFull) && m.ctx.Err() == nil {
					j.set(Queued, queuedWords, g)
					full.Store(true)
					return
				}
				if err != nil {
					m.fail(j.lease, g, err)
					return
				}
				got[i] = g
			})
		}
		each.Wait()
		if full.Load() {
			m.giveBack(jobs, got)
			if _, err := m.queueUp(o); err != nil {
				m.cfg.Log.Error("a student can't be queued", "user", o.UserID, "err", err)
			}
		}
		m.present(o, jobs, got)
	})
	return s
}

// present prepares guests, nil ones aside, and shows them as ready.
func (m *Manager) present(o store.Owner, jobs []job, got []*machine) {
	var handles []Handle
	fresh := false
	for i, g := range got {
		if g != nil {
			handles = append(handles, m.handle(jobs[i].lease, g))
			fresh = fresh || !g.prepared
		}
	}
	if len(handles) == 0 {
		return
	}
	if m.cfg.Prepare != nil {
		if fresh {
			for i, g := range got {
				if g != nil {
					jobs[i].say("Preparing the exercise.")
				}
			}
			m.notify(o)
		}
		ctx, cancel := context.WithTimeout(m.ctx, prepareTimeout)
		defer cancel()
		if !m.cfg.Prepare(ctx, o, handles) {
			fresh = false // it is tried again when they are started again
		}
	}
	if m.ctx.Err() != nil {
		return // the gateway is closing: the next one prepares them again
	}
	for i, g := range got {
		if g != nil {
			m.settle(jobs[i].lease, g, fresh)
		}
	}
	m.notify(o)
	m.wakeFiller()
}

// provide finds or makes the guest for a lease that is Starting.
func (m *Manager) provide(ctx context.Context, l *lease, p Plan) (*machine, error) {
	if g := l.held(); g != nil {
		err := m.bootKept(ctx, g)
		if err == nil {
			m.setMode(ctx, g.id, store.Assigned)
		}
		if !errors.Is(err, vmbackend.ErrNoGuest) && !errors.Is(err, vmbackend.ErrUnreachable) {
			return g, err
		}
		// It has vanished. The student gets another, not an excuse.
		return m.instead(ctx, l, g, p)
	}
	return m.fresh(ctx, l, p)
}

// fresh gives the owner, who has no guest, a free one or makes one.
func (m *Manager) fresh(ctx context.Context, l *lease, p Plan) (*machine, error) {
	if g := m.claim(ctx, p, "", l); g != nil {
		return g, nil
	}
	m.makeRoom(ctx)
	return m.create(ctx, p, &l.owner)
}

// replace swaps the guest of a lease that is Resetting.
func (m *Manager) replace(ctx context.Context, l *lease, p Plan) (*machine, error) {
	old := l.held()
	if old == nil {
		return m.provide(ctx, l, p)
	}
	if g := m.claim(ctx, p, old.id, l); g != nil {
		old.hangUp()
		m.retire(old.id)
		return g, nil
	}
	// The owner may have one guest of a name only, so the old one must go first.
	if err := m.takeAway(ctx, old); err != nil {
		return old, err
	}
	if len(p.Cards) > 0 {
		// Its successor has the same addresses on the same networks.
		if err := m.cfg.Backend.Destroy(ctx, old.id); err != nil {
			return nil, err
		}
	}
	g, err := m.create(ctx, p, &l.owner)
	if errors.Is(err, vmbackend.ErrFull) {
		// The old one's place is theirs.
		if err := m.cfg.Backend.Destroy(ctx, old.id); err != nil {
			return nil, err
		}
		return m.create(ctx, p, &l.owner)
	}
	return g, err
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

// Stop switches the owner's guests off; their disks stay. Who is in the queue
// leaves it. It returns at once.
func (m *Manager) Stop(o store.Owner) Status {
	queued := false
	for _, l := range m.lab(o).all() {
		queued = queued || l.Status().State == Queued
		if l.begin(Stopping, "Switching your machine off.", Ready) {
			m.background(func(ctx context.Context) { m.switchOff(ctx, l, offWords) })
		}
	}
	if queued {
		m.leave(m.ctx, o, leftWords)
	}
	return m.notify(o)
}

// switchOff ends a guest whose lease is Stopping; its owner then reads words.
func (m *Manager) switchOff(ctx context.Context, l *lease, words string) {
	g := l.held()
	g.hangUp()
	if err := m.cfg.Backend.Stop(ctx, g.id); err != nil {
		m.cfg.Log.Error("guest does not stop", "guest", g.id, "err", err)
		l.set(Failed, "Your machine could not be switched off. Try to reset it.", g)
	} else {
		m.setMode(ctx, g.id, store.Suspended)
		l.set(None, words, g)
	}
	m.notify(l.owner)
	m.wakeUsher()
}

// fail ends Starting and Resetting without a guest to use.
func (m *Manager) fail(l *lease, g *machine, err error) {
	if m.ctx.Err() != nil {
		return // the gateway is closing: the next one sorts it out
	}
	m.cfg.Log.Error("no guest for a student", "user", l.owner.UserID, "course", l.owner.Course,
		"tutorial", l.owner.Tutorial, "machine", l.name, "err", err)
	l.set(Failed, explain(err), g)
	m.notify(l.owner)
	m.wakeFiller()
	m.wakeUsher()
}

// settle ends Starting and Resetting with a guest. News of it are told once.
func (m *Manager) settle(l *lease, g *machine, prepared bool) {
	if prepared && !g.prepared {
		ctx, cancel := context.WithTimeout(m.ctx, 10*time.Second)
		defer cancel()
		if err := m.cfg.Table.SetGuestPrepared(ctx, g.id); err != nil {
			// The next gateway prepares it once more, which does no harm.
			m.cfg.Log.Error("can't keep that a guest is prepared", "guest", g.id, "err", err)
		}
		g.prepared = true
	}
	if g.news != "" {
		m.tell(l.owner, Notice{ID: "replaced", Kind: Replaced, Text: g.news})
	}
	l.set(Ready, cmp.Or(g.news, "Your machine is ready."), g)
	g.news = ""
}

// Client returns the kept SSH connection to the owner's running guest of that
// name (the first for an empty one), logged in as user, and which guest that
// is. ErrNoGuest if none runs. A caller who finds the connection broken closes
// it; the next call makes a new one.
func (m *Manager) Client(ctx context.Context, o store.Owner, name, user string, p Purpose) (*ssh.Client, Machine, error) {
	g, err := m.running(o, name)
	if err != nil {
		return nil, Machine{}, err
	}
	c, err := g.client(ctx, login{p, user})
	return c, g.told(), err
}

// Machine returns the owner's running guest of that name (the first for an
// empty one). ErrNoGuest if none runs.
func (m *Manager) Machine(o store.Owner, name string) (Machine, error) {
	g, err := m.running(o, name)
	if err != nil {
		return Machine{}, err
	}
	return g.told(), nil
}

func (m *Manager) running(o store.Owner, name string) (*machine, error) {
	if l := m.lab(o).find(name); l != nil {
		if g := l.ready(); g != nil {
			return g, nil
		}
	}
	return nil, ErrNoGuest
}

// Machine tells which guest a connection leads to.
type Machine struct {
	ID    string
	Image string // digest
}

func (g *machine) told() Machine { return Machine{ID: g.id, Image: g.kind.Image} }
