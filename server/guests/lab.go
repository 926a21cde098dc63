package guests

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// Plan is one guest of a tutorial, as it is made for one owner.
type Plan struct {
	Name string // in the tutorial
	Kind Kind
	// Alone says that the tutorial has no other guest.
	Alone bool
	// Cards join it to the owner's other guests, whom it knows by Hosts.
	Cards []vmbackend.Card
	Hosts []vmbackend.HostName
}

// pooled says whether any guest of the kind will do, or only one that was made
// for its owner.
func (p Plan) pooled() bool { return p.Alone && len(p.Cards) == 0 }

// hostname is the same for all that may wait in the pool.
func (p Plan) hostname() string {
	if p.Alone {
		return "lab"
	}
	return p.Name
}

// lab is all that one owner has: a lease for each guest of the tutorial.
type lab struct {
	owner   store.Owner
	telling sync.Mutex // held while Notify is told, so that nothing is told late

	mu     sync.Mutex
	leases []*lease // in the tutorial's order
	past   int      // generations of leases that are no more

	presence presence
}

// lab returns an owner's, made when first asked for.
func (m *Manager) lab(o store.Owner) *lab {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.labs[o]
	if b == nil {
		b = &lab{owner: o}
		m.labs[o] = b
	}
	return b
}

func (b *lab) all() []*lease {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.leases)
}

// find returns the lease of a guest, the first one for an empty name, or nil.
func (b *lab) find(name string) *lease {
	for _, l := range b.all() {
		if l.name == name || name == "" {
			return l
		}
	}
	return nil
}

// lease returns that of a guest, made when first asked for.
func (b *lab) lease(name string) *lease {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.leases {
		if l.name == name {
			return l
		}
	}
	l := &lease{owner: b.owner, name: name, status: Status{State: None, Since: time.Now()}}
	b.leases = append(b.leases, l)
	return l
}

// put replaces the leases; past are the generations of those left out.
func (b *lab) put(leases []*lease, past int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.leases, b.past = leases, b.past+past
}

// order is a lease together with what it is to hold.
type order struct {
	*lease
	plan Plan
}

// arrange gives an owner a lease for each guest that the tutorial has, and
// takes away guests that it no longer has.
func (m *Manager) arrange(o store.Owner) ([]order, error) {
	plans, err := m.cfg.Plans(o)
	if err != nil {
		return nil, err
	}
	b := m.lab(o)
	var orders []order
	var keep []*lease
	for _, p := range plans {
		l := b.lease(p.Name)
		orders, keep = append(orders, order{l, p}), append(keep, l)
	}
	past := 0
	for _, l := range b.all() {
		switch {
		case slices.Contains(keep, l):
		case l.begin(Stopping, "", None, Ready, Failed):
			past += l.Status().Generation
			if g := l.held(); g != nil {
				g.hangUp()
				m.discard(g.id)
			}
		default:
			keep = append(keep, l) // it is busy: another time
		}
	}
	b.put(keep, past)
	return orders, nil
}

// planOf is how a lease's guest is made now. A tutorial that is no more leaves
// what its guest was.
func (m *Manager) planOf(l *lease, was Kind) Plan {
	if plans, err := m.cfg.Plans(l.owner); err == nil {
		for _, p := range plans {
			if p.Name == l.name {
				return p
			}
		}
	}
	return Plan{Name: l.name, Kind: was, Alone: true}
}

// Status returns what an owner's leases come to.
func (m *Manager) Status(o store.Owner) Status {
	m.mu.Lock()
	b := m.labs[o]
	m.mu.Unlock()
	if b == nil {
		return Status{State: None, Since: m.begun}
	}
	return m.queued(b.status(m.begun), o)
}

// queued adds what the queue knows to an owner's status.
func (m *Manager) queued(s Status, o store.Owner) Status {
	switch s.State {
	case Queued:
		in := m.queue.place(o, time.Now())
		s.Place, s.Estimate = in.place, in.estimate
	case Ready:
		if m.queue.turn(o) != nil && !m.lastActive(o).After(s.Since) {
			until := s.Since.Add(m.cfg.Hold)
			s.KeptUntil = &until
		}
	}
	return s
}

// least orders states from the one that its student must know of first.
var least = []State{Resetting, Stopping, Queued, Starting, Failed, None, Suspended, Ready}

// status sums up: the lab is as ready as the least ready of its guests.
func (b *lab) status(begun time.Time) Status {
	b.mu.Lock()
	leases, past := slices.Clone(b.leases), b.past
	b.mu.Unlock()
	sum := Status{State: None, Since: begun}
	for i, l := range leases {
		s := l.shown()
		past += s.Generation
		if len(leases) > 1 {
			sum.Machines = append(sum.Machines, MachineStatus{l.name, s.State, s.Detail, s.Generation})
		}
		if i == 0 || slices.Index(least, s.State) < slices.Index(least, sum.State) {
			sum.State, sum.Detail, sum.Since, sum.Image = s.State, s.Detail, s.Since, s.Image
		}
	}
	same := func(s MachineStatus) bool { return s.Detail == sum.Detail }
	if i := slices.IndexFunc(sum.Machines, same); i >= 0 && slices.ContainsFunc(sum.Machines, func(s MachineStatus) bool { return !same(s) }) {
		sum.Detail = fmt.Sprintf("%s: %s", sum.Machines[i].Name, sum.Detail)
	}
	sum.Generation = past
	return sum
}

// notify tells of an owner's guests as they are now.
func (m *Manager) notify(o store.Owner) Status {
	b := m.lab(o)
	b.telling.Lock()
	defer b.telling.Unlock()
	s := m.queued(b.status(m.begun), o)
	m.cfg.Notify(o, s)
	return s
}

// Handle is the way into a guest that runs, also before it is shown as ready.
type Handle struct {
	Machine
	Name string // in the tutorial
	// Prepared says that Config.Prepare has been content with this guest before.
	Prepared bool

	m *Manager
	g *machine
}

// Client returns the kept connection for checks, as root; see Manager.Client.
func (h Handle) Client(ctx context.Context) (*ssh.Client, error) {
	return h.g.client(ctx, login{ForChecks, "root"})
}

// SetLink changes the cable of one of the guest's cards.
// vmbackend.ErrNotOffered where the backend can't.
func (h Handle) SetLink(ctx context.Context, network string, l vmbackend.Link) error {
	n, able := h.m.cfg.Backend.(vmbackend.Networker)
	if !able {
		return fmt.Errorf("change a cable of guest %s: %w", h.ID, vmbackend.ErrNotOffered)
	}
	return n.SetLink(ctx, h.ID, network, l)
}

func (m *Manager) handle(l *lease, g *machine) Handle {
	return Handle{Machine: g.told(), Name: l.name, Prepared: g.prepared, m: m, g: g}
}

// Handles are of an owner's guests that are ready.
func (m *Manager) Handles(o store.Owner) []Handle {
	var out []Handle
	for _, l := range m.lab(o).all() {
		if g := l.ready(); g != nil {
			h := m.handle(l, g)
			h.Prepared = true
			out = append(out, h)
		}
	}
	return out
}
