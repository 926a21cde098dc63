// Package outbox brings grades to learning platforms, whatever fails on the
// way. It holds no grades: store.OutboxGrade says that something has changed,
// and what the grade is by now is worked out from the attempts when it is sent.
//
// Rules, and where they are kept:
//   - one request at a time for a grade, timestamps strictly growing (send.go)
//   - what was posted is written down before, and read back if it is not known
//     whether it has arrived, so that none is sent twice (arrived.go)
//   - growing pauses; a platform that is down is asked by one request at a
//     time, not by all that wait (gate.go)
//   - what can't heal by itself is set aside for a person (send.go)
package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// Client is what is used of lti.Client.
type Client interface {
	Ready(context.Context, lti.Platform) error
	Clock(lti.Platform) time.Duration
	LineItems(ctx context.Context, p lti.Platform, url string, f lti.LineItemFilter) ([]lti.LineItem, error)
	AddLineItem(ctx context.Context, p lti.Platform, url string, item lti.LineItem) (lti.LineItem, error)
	Score(ctx context.Context, p lti.Platform, lineItemURL string, s lti.Score) error
	Results(ctx context.Context, p lti.Platform, lineItemURL, user string) ([]lti.Result, error)
}

var _ Client = (*lti.Client)(nil)

// Config is all that an Outbox needs.
type Config struct {
	Store  *store.Store
	Client Client
	// Grade works out the newest grade of a user at a link.
	Grade func(ctx context.Context, link store.ResourceLink, user uint) (progress.Grade, error)
	// Platform finds the platform of a context; an error keeps its grades waiting.
	Platform func(ctx context.Context, contextID uint) (lti.Platform, error)
	// Changed is told, after it was stored, that a grade was sent or refused,
	// or must wait; it may be nil.
	Changed func(link, user uint)
	// Parallel is how many requests a platform gets at a time, 4 if 0. Pace is
	// how many grades it gets a second at most, 20 if 0, any
	// number if below.
	Parallel, Pace int
	// Pause is the first before a grade is tried again, 5 s if 0; each is
	// twice the one before.
	Pause time.Duration
	Now   func() time.Time // nil means time.Now
	Log   *slog.Logger
}

// The outbox is looked at every poll without being told of anything, as the
// command line writes to it too; and every revive for grades that can go on
// since something else has changed.
const (
	poll   = 20 * time.Second
	revive = time.Minute
)

// Outbox sends grades while Run runs. Its methods may be called from any
// goroutine.
type Outbox struct {
	cfg  Config
	kick chan struct{}
	jobs sync.WaitGroup

	mu     sync.Mutex
	flying map[key]bool
	gates  map[uint]*gate // by platform
	makers map[uint]*maker
	batch  *batch
	saving chan struct{} // has room for the one batch that is being written
}

// key is one user's grade at one link.
type key struct{ link, user uint }

// New returns an Outbox that does nothing before Run.
func New(cfg Config) *Outbox {
	if cfg.Parallel == 0 {
		cfg.Parallel = 4
	}
	if cfg.Pace == 0 {
		cfg.Pace = 20
	}
	if cfg.Pause == 0 {
		cfg.Pause = 5 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Changed == nil {
		cfg.Changed = func(uint, uint) {}
	}
	return &Outbox{cfg: cfg, kick: make(chan struct{}, 1), saving: make(chan struct{}, 1),
		flying: map[key]bool{}, gates: map[uint]*gate{}, makers: map[uint]*maker{}}
}

// Kick lets the outbox look for grades to be sent, now.
func (o *Outbox) Kick() {
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

// Retry sends a grade now that waits or was refused; store.ErrNotFound if it
// is neither.
func (o *Outbox) Retry(ctx context.Context, link, user uint) error {
	ok, err := o.cfg.Store.RetryGrade(ctx, link, user)
	if err == nil && !ok {
		return store.ErrNotFound
	}
	o.Kick()
	return err
}

// RetryAll sends all refused grades of a context now, and returns how many.
func (o *Outbox) RetryAll(ctx context.Context, contextID uint) (int, error) {
	n, err := o.cfg.Store.RetryRefused(ctx, contextID)
	o.Kick()
	return int(n), err
}

// Wake makes all waiting grades of a platform due: something about it was
// mended.
func (o *Outbox) Wake(ctx context.Context, platform uint) error {
	o.mu.Lock()
	o.gate(platform).until = time.Time{}
	o.mu.Unlock()
	err := o.cfg.Store.WakeGrades(ctx, platform, o.cfg.Now())
	o.Kick()
	return err
}

// Run sends grades until ctx ends, and returns when the last request has
// ended. Only one Outbox may run over a database.
func (o *Outbox) Run(ctx context.Context) {
	defer o.jobs.Wait()
	started, revived := false, time.Time{}
	// Questions to the database are short; cut off, they would only look as
	// if it were in trouble.
	db := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		now := o.cfg.Now()
		if now.Sub(revived) >= revive {
			if err := o.cfg.Store.ReviveGrades(db, !started); err != nil {
				o.fault(ctx, "look for grades that can go on", err)
			} else {
				started, revived = true, now
			}
		}
		next := now.Add(poll)
		if started {
			next = o.dispatch(ctx, now)
		}
		wait := time.NewTimer(max(next.Sub(o.cfg.Now()), time.Millisecond))
		select {
		case <-ctx.Done():
		case <-o.kick:
		case <-wait.C:
		}
		wait.Stop()
	}
}

// dispatch starts what may be sent now, and returns when to look again.
func (o *Outbox) dispatch(ctx context.Context, now time.Time) time.Time {
	next, db := now.Add(poll), context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		closed, opens := o.closed(now)
		due, err := o.cfg.Store.DueGrades(db, now, closed, 4*o.cfg.Parallel+o.busy())
		if err != nil {
			o.fault(ctx, "find grades to be sent", err)
			return next
		}
		next = sooner(next, opens)
		begun := 0
		for _, g := range due {
			if o.begin(ctx, now, g) {
				begun++
			}
		}
		if begun == 0 {
			break
		}
	}
	at, err := o.cfg.Store.NextGrade(db, now)
	if err != nil {
		o.fault(ctx, "find the next grade", err)
	}
	return sooner(next, at)
}

// begin starts a grade's way unless it is on it, or its platform is closed.
func (o *Outbox) begin(ctx context.Context, now time.Time, g store.DueGrade) bool {
	k := key{g.LinkID, g.UserID}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.flying[k] || !o.gate(g.PlatformID).enter(now) {
		return false
	}
	o.flying[k] = true
	o.jobs.Go(func() {
		j := &job{Outbox: o, key: k}
		o.land(ctx, g.PlatformID, j.run(ctx))
		if j.broken {
			// The database is what fails; hurry would not help it.
			select {
			case <-ctx.Done():
			case <-time.After(o.cfg.Pause):
			}
		}
		o.mu.Lock()
		delete(o.flying, k)
		o.mu.Unlock()
		o.Kick()
	})
	return true
}

func (o *Outbox) busy() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.flying)
}

// fault logs what goes wrong here rather than at a platform.
func (o *Outbox) fault(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		o.cfg.Log.Error("outbox: can't "+what, "err", err)
	}
}

// sooner is the earlier of two times, of which b may be zero.
func sooner(a, b time.Time) time.Time {
	if b.IsZero() || a.Before(b) {
		return a
	}
	return b
}
