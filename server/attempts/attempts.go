// Package attempts runs checks for students: it stores each attempt before it
// runs and its outcome afterwards, so that none is lost or doubled, whatever
// dies in between.
package attempts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
)

// Errors of Submit.
var (
	ErrBadID   = errors.New("an attempt's ID must be a UUID")
	ErrTakenID = errors.New("this attempt's ID is taken by another attempt")
	ErrNoCheck = errors.New("no such check")
)

// Config is all that a Grader needs.
type Config struct {
	Store interface {
		BeginAttempt(context.Context, store.Attempt) (store.Attempt, bool, error)
		FinishAttempt(context.Context, store.Attempt) error
		RunningAttempts(context.Context, *store.Owner) ([]store.Attempt, error)
		Attempt(ctx context.Context, id string) (store.Attempt, error)
	}
	Guests interface {
		Machine(store.Owner) (guests.Machine, error)
		Client(context.Context, store.Owner, string, guests.Purpose) (*ssh.Client, guests.Machine, error)
	}
	// Values returns a student's variables for a tutorial.
	Values func(store.Owner) content.Values
	// Changed is told of every attempt when it begins and when it is done.
	Changed func(store.Attempt)
	// Parallel is how many checks may run at once, over all students.
	Parallel int
	Log      *slog.Logger
}

// Grader runs checks. Its methods may be called from any goroutine.
type Grader struct {
	cfg  Config
	room chan struct{} // holds a token for each check that may run now
	// patience bounds the way to a guest; tests have less of it.
	patience time.Duration

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	running map[slot]string // attempt IDs
}

// slot is what only one attempt at a time may run for.
type slot struct {
	owner store.Owner
	check string
}

// New returns a Grader; call Recover before the first Submit.
func New(cfg Config) *Grader {
	g := &Grader{cfg: cfg, room: make(chan struct{}, max(cfg.Parallel, 1)), patience: connectTimeout, running: map[slot]string{}}
	g.ctx, g.stop = context.WithCancel(context.Background())
	return g
}

// Close abandons running checks; the next Recover runs them again.
func (g *Grader) Close() {
	g.stop()
	g.work.Wait()
}

// Submit begins an attempt and returns it at once; Changed tells its outcome.
// The same ID again returns the same attempt, in whatever state it is. While
// an attempt at the same check runs, that one is returned instead of a new
// one. It returns ErrBadID, ErrTakenID, ErrNoCheck or guests.ErrNoGuest, and
// then has stored nothing.
func (g *Grader) Submit(ctx context.Context, o store.Owner, t *content.Tutorial, check, id string) (store.Attempt, error) {
	if !uuid.MatchString(id) {
		return store.Attempt{}, ErrBadID
	}
	c := find(t, check)
	if c == nil {
		return store.Attempt{}, ErrNoCheck
	}
	if a, err := g.cfg.Store.Attempt(ctx, id); err == nil {
		return same(a, o, check)
	} else if !errors.Is(err, store.ErrNotFound) {
		return store.Attempt{}, err
	}
	// A machine comes before an attempt: without one there is nothing to see.
	machine, err := g.cfg.Guests.Machine(o)
	if err != nil {
		return store.Attempt{}, err
	}

	s := slot{o, check}
	if other := g.enter(s, id); other != "" {
		return g.cfg.Store.Attempt(ctx, other)
	}
	values := g.cfg.Values(o)
	vars, err := json.Marshal(values)
	if err != nil {
		g.leave(s)
		return store.Attempt{}, fmt.Errorf("encode variables: %w", err)
	}
	a, fresh, err := g.cfg.Store.BeginAttempt(ctx, store.Attempt{
		ID: id, UserID: o.UserID, ContextID: o.Context, Course: o.Course, Tutorial: o.Tutorial, Check: check,
		GuestID: machine.ID, Image: machine.Image, Vars: string(vars), Points: c.Points,
	})
	if err != nil {
		g.leave(s)
		return store.Attempt{}, err
	}
	if !fresh {
		g.leave(s)
		return same(a, o, check)
	}
	g.cfg.Changed(a)
	g.work.Go(func() { g.run(a, c, values, s) })
	return a, nil
}

// uuid is the canonical form of RFC 9562, section 4.
var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func find(t *content.Tutorial, check string) *content.Check {
	for _, c := range t.Checks {
		if c.ID == check {
			return c
		}
	}
	return nil
}

// same returns a stored attempt if it is what is asked for once more.
func same(a store.Attempt, o store.Owner, check string) (store.Attempt, error) {
	if a.Owner() != o || a.Check != check {
		return store.Attempt{}, ErrTakenID
	}
	return a, nil
}

// enter takes a slot, or returns the attempt that holds it.
func (g *Grader) enter(s slot, id string) (other string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if other = g.running[s]; other == "" {
		g.running[s] = id
	}
	return other
}

func (g *Grader) leave(s slot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.running, s)
}

// Recover runs the attempts that a former run of the gateway left unfinished.
// The tutorial function returns nil for one that is no more.
func (g *Grader) Recover(ctx context.Context, tutorial func(store.Owner) *content.Tutorial) error {
	left, err := g.cfg.Store.RunningAttempts(ctx, nil)
	if err != nil {
		return fmt.Errorf("find unfinished attempts: %w", err)
	}
	for _, a := range left {
		var c *content.Check
		if t := tutorial(a.Owner()); t != nil {
			c = find(t, a.Check)
		}
		if c == nil {
			g.finish(unsure(a, "This check was taken out of the course before it had ended."))
			continue
		}
		values := content.Values{}
		if err := json.Unmarshal([]byte(a.Vars), &values); err != nil {
			g.cfg.Log.Error("attempt with unreadable variables", "attempt", a.ID, "err", err)
			g.finish(unsure(a, "This check could not be finished after a restart of the server. Please run it again."))
			continue
		}
		s := slot{a.Owner(), a.Check}
		g.enter(s, a.ID)
		g.work.Go(func() { g.run(a, c, values, s) })
	}
	return nil
}

// unsure ends an attempt without a run.
func unsure(a store.Attempt, message string) store.Attempt {
	now := time.Now().UTC()
	a.State, a.Verdict, a.Score, a.Message, a.EndedAt = store.Done, string(checks.Unsure), 0, message, &now
	return a
}
