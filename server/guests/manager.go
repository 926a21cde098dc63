// Package guests decides who has which guest: it leases one to each student's
// work on each tutorial, keeps a warm pool, and mends what the backend and the
// assignment table disagree about.
package guests

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// Table is the assignment table.
type Table interface {
	AddGuest(context.Context, store.Guest) error
	Guests(context.Context) ([]store.Guest, error)
	SetGuestMode(ctx context.Context, id string, m store.Mode) error
	AssignGuest(ctx context.Context, id, former string, o store.Owner, name string) error
	SetGuestPrepared(ctx context.Context, id string) error
	SetGuestNode(ctx context.Context, id, node string) error
	DeleteGuest(ctx context.Context, id string) error
	TouchGuests(ctx context.Context, all []store.Touch) error

	Enqueue(ctx context.Context, o store.Owner, booked bool) error
	Queue(context.Context) ([]store.Waiting, error)
	TakeTurn(ctx context.Context, o store.Owner) error
	SeenWaiting(ctx context.Context, o store.Owner, at time.Time) error
	LeaveQueue(ctx context.Context, o store.Owner) error
}

// Kind is what makes two fresh guests interchangeable.
type Kind struct {
	Image  string // a digest
	Memory int64  // bytes; 0 is the backend's default
	// Desktop gives the guest a screen, Mirror the way to the package mirror.
	Desktop, Mirror bool
}

// KindOf is what a tutorial's guest is made as, from an image's digest.
func KindOf(g content.Guest, digest string) Kind {
	return Kind{Image: digest, Memory: g.Memory, Desktop: g.Desktop, Mirror: g.Mirror}
}

// State is what a lease shows to its student.
type State string

// None means that no guest runs: there is none, or it is switched off. Queued
// means that there is no room for one yet.
const (
	None      State = "none"
	Queued    State = "queued"
	Starting  State = "starting"
	Ready     State = "ready"
	Resetting State = "resetting"
	Stopping  State = "stopping"
	Failed    State = "failed"
)

// Status is one student's view of their guests: of the one, or what several
// come to.
type Status struct {
	State  State
	Detail string // what is happening or went wrong, for the student
	Image  string // digest; empty without a guest
	Since  time.Time
	// Generation grows with every boot of a machine.
	Generation int
	// Machines tell of each, where there are several.
	Machines []MachineStatus
	// Place is that in the queue, from 1, where State is Queued. Estimate is how
	// long it will take about; 0 where nobody can say.
	Place    int
	Estimate time.Duration
	// KeptUntil is until when guests that came by the queue wait for their
	// owner to do something; nil where they don't.
	KeptUntil *time.Time
}

// MachineStatus is one of several guests.
type MachineStatus struct {
	Name       string
	State      State
	Detail     string
	Generation int
}

// Config is all that a Manager needs.
type Config struct {
	Backend vmbackend.Backend
	Table   Table
	Signer  ssh.Signer // the gateway's own key, which guests let in
	// Gateway names this installation. Guests of other installations on the
	// same backend carry another name and are left alone.
	Gateway string
	// Plans says which guests an owner's tutorial has now, in its order.
	Plans func(store.Owner) ([]Plan, error)
	// Prepare, which may be nil, is called with the guests that an owner is
	// about to get, and whenever they were started again. It returns whether
	// all is done that comes before the owner's work; if not, the guests are
	// given all the same.
	Prepare func(ctx context.Context, o store.Owner, guests []Handle) bool
	// Pool is how many guests of each kind wait ready for a student.
	Pool map[Kind]int
	// MaxRunning is how many guests may run at the same time, all together;
	// who comes later waits in a queue. 0 leaves it to the backend.
	MaxRunning int
	// PerUser is in how many tutorials a user may have guests that run;
	// PerCourse how many guests of a course may. 0 is any number.
	PerUser, PerCourse int
	// Booked, which may be nil, says whether an owner's class has booked this
	// time, and so comes first in the queue.
	Booked func(store.Owner) bool
	// Hold is how long a guest is kept for one whose turn in the queue has come,
	// Grace how long a place is kept for one whose page is closed; 0 means 5 and
	// 10 minutes.
	Hold, Grace time.Duration
	// Rest says when guests that nobody uses are suspended.
	Rest Rest
	// Parallel is how many guests may boot at the same time; at least 1.
	Parallel int
	// Notify is told of every change. It must not block.
	Notify func(store.Owner, Status)
	Log    *slog.Logger
	// ScanEvery is the period of the scan that mends what events missed;
	// 0 means 15 s.
	ScanEvery time.Duration
}

const (
	// bootTimeout is the deadline of every state in which a student waits.
	bootTimeout = 90 * time.Second
	// prepareTimeout is added to it where an exercise has to be prepared.
	prepareTimeout = 15 * time.Minute
)

// ErrNoGuest is returned where a running guest is needed and there is none.
var ErrNoGuest = errors.New("your machine is not running")

// ErrUnknown is returned where the tutorial has no guest of that name.
var ErrUnknown = errors.New("the tutorial has no such machine")

// Manager leases guests. Its methods may be called from any goroutine.
type Manager struct {
	cfg   Config
	boots chan struct{} // holds a token for each guest that may boot now
	fill  chan struct{} // wakes the filler
	ush   chan struct{} // wakes the usher

	ctx  context.Context // ends with Close; parent of all background work
	stop context.CancelFunc
	work sync.WaitGroup

	begun  time.Time
	limits map[store.Mode]limit
	queue  queue
	gate   sync.Mutex // held from counting guests until those that may run count

	mu   sync.Mutex
	labs map[store.Owner]*lab
	free map[Kind][]*machine
	// stranded are guests that can't be removed until their node is back.
	stranded map[string]bool
	// aside are broken guests that are kept for an administrator; broken is how
	// many there were. securing are guests that the queue is about to give out.
	aside            map[string]bool
	broken, securing int
	active           map[store.Owner]activity
	overruns         map[Overrun]int
	overdue          map[string]store.Mode // rows whose overrun is counted
}

// New returns a Manager that does nothing yet; call Recover, then Run.
func New(cfg Config) *Manager {
	if cfg.ScanEvery == 0 {
		cfg.ScanEvery = 15 * time.Second
	}
	cfg.Hold, cfg.Grace = cmp.Or(cfg.Hold, defaultHold), cmp.Or(cfg.Grace, defaultGrace)
	cfg.Rest.Frozen, cfg.Rest.Keep = cmp.Or(cfg.Rest.Frozen, defaultFrozen), cmp.Or(cfg.Rest.Keep, defaultKeep)
	m := &Manager{
		cfg:   cfg,
		boots: make(chan struct{}, max(cfg.Parallel, 1)),
		fill:  make(chan struct{}, 1),
		ush:   make(chan struct{}, 1),
		begun: time.Now(),

		limits: limits(),
		queue:  queue{seen: map[store.Owner]time.Time{}},

		labs: map[store.Owner]*lab{},
		free: map[Kind][]*machine{},

		stranded: map[string]bool{},
		aside:    map[string]bool{},
		active:   map[store.Owner]activity{},
		overruns: map[Overrun]int{},
		overdue:  map[string]store.Mode{},
	}
	m.limits[store.Suspended] = limit{cfg.Rest.Keep, Remove}
	m.ctx, m.stop = context.WithCancel(context.Background())
	return m
}

// Run keeps the pool full and mends what breaks, until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { m.watch(ctx) })
	loops.Go(func() { m.scanEvery(ctx, m.cfg.ScanEvery) })
	loops.Go(func() { m.fillPool(ctx) })
	loops.Go(func() { m.prepare(ctx) })
	loops.Go(func() { m.usher(ctx) })
	loops.Go(func() { m.noteActivity(ctx) })
	loops.Go(func() { m.lookIdle(ctx) })
	m.wakeFiller()
	loops.Wait()
}

// Close waits for background work and lets go of all guests, which go on
// running.
func (m *Manager) Close() {
	m.stop()
	m.work.Wait()
	for _, l := range m.leases() {
		if g := l.held(); g != nil {
			g.hangUp()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, free := range m.free {
		for _, g := range free {
			g.hangUp()
		}
	}
}

// background runs f under the manager's own context, with a deadline.
func (m *Manager) background(f func(ctx context.Context)) {
	m.work.Go(func() {
		ctx, cancel := context.WithTimeout(m.ctx, bootTimeout)
		defer cancel()
		f(ctx)
	})
}

// Counts returns how many guests are leased and how many wait free.
func (m *Manager) Counts() (leased, free int) {
	for _, l := range m.leases() {
		if l.held() != nil {
			leased++
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.free {
		free += len(f)
	}
	return leased, free
}

// leases are everybody's.
func (m *Manager) leases() []*lease {
	m.mu.Lock()
	labs := slices.Collect(maps.Values(m.labs))
	m.mu.Unlock()
	var all []*lease
	for _, b := range labs {
		all = append(all, b.all()...)
	}
	return all
}

// explain puts a backend's error into a student's words.
func explain(err error) string {
	switch {
	case errors.Is(err, vmbackend.ErrUnreachable):
		return "The computers that machines run on do not answer at the moment. Your points are kept. Try again in a few minutes."
	case errors.Is(err, vmbackend.ErrFull):
		return "All machines are in use at the moment. Try again in a few minutes."
	case errors.Is(err, vmbackend.ErrNoImage):
		return "This tutorial's machine image is missing on the server. Please tell your instructor."
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("Your machine did not answer within %v. Try again; if it stays so, tell your instructor.", bootTimeout)
	}
	return "Your machine could not be started. Try again; if it stays so, tell your instructor."
}
