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
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
)

// Errors of Submit.
var (
	ErrBadID   = errors.New("an attempt's ID must be a UUID")
	ErrTakenID = errors.New("this attempt's ID is taken by another attempt")
	ErrNoCheck = errors.New("no such check")
	// ErrNoneLeft says that a question takes no more answers.
	ErrNoneLeft = errors.New("no answers are left for this question")
)

// Refused is an answer that is none, in words for the student. It costs nothing.
type Refused struct{ Why error }

func (r Refused) Error() string { return r.Why.Error() }

// Config is all that a Grader needs.
type Config struct {
	Store interface {
		BeginAttempt(context.Context, store.Attempt) (store.Attempt, bool, error)
		FinishAttempt(context.Context, store.Attempt) error
		AddAttempt(context.Context, store.Attempt) (store.Attempt, bool, error)
		RunningAttempts(context.Context, *store.Owner) ([]store.Attempt, error)
		Attempt(ctx context.Context, id string) (store.Attempt, error)
		Tries(ctx context.Context, o store.Owner, check string) (int, error)
	}
	Guests interface {
		Machine(o store.Owner, name string) (guests.Machine, error)
		Client(ctx context.Context, o store.Owner, name, user string, p guests.Purpose) (*ssh.Client, guests.Machine, error)
	}
	// Values returns a student's variables for a tutorial.
	Values func(store.Owner) content.Values
	// Excuse says why a failure must not be held against the student, in words
	// for them; empty where nothing speaks against it.
	Excuse func(context.Context, store.Owner, *content.Check) string
	// Fits finds somebody else for whom a wrong answer would have been right;
	// see store.Attempt.
	Fits func(ctx context.Context, o store.Owner, check string, answer []string) (uint, error)
	// Best is the score of the attempt that counts for a check; negative if
	// none does.
	Best func(ctx context.Context, o store.Owner, check string) (float64, error)
	// Changed is told of every attempt when it begins and when it is done, Seen
	// of what a page had looked at by itself, where that is not kept.
	Changed, Seen func(store.Attempt)
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
	looks   map[slot]look   // that pages have asked for by themselves
}

// slot is what only one attempt at a time may run for.
type slot struct {
	owner store.Owner
	check string
}

// New returns a Grader; call Recover before the first Submit.
func New(cfg Config) *Grader {
	g := &Grader{cfg: cfg, room: make(chan struct{}, max(cfg.Parallel, 1)), patience: connectTimeout, running: map[slot]string{}, looks: map[slot]look{}}
	g.ctx, g.stop = context.WithCancel(context.Background())
	return g
}

// Close abandons running checks; the next Recover runs them again.
func (g *Grader) Close() {
	g.stop()
	g.work.Wait()
}

// Request is what a page asks for.
type Request struct {
	Check string
	ID    string // of the attempt
	// Answer is for questions: IDs of choices in their order, or one text.
	Answer []string
}

// Submit begins an attempt and returns it at once; Changed tells its outcome.
// The same ID again returns the same attempt, in whatever state it is. While
// an attempt at the same check runs, that one is returned instead of a new
// one. It returns one of the errors above, Refused or guests.ErrNoGuest, and
// then has stored nothing.
func (g *Grader) Submit(ctx context.Context, o store.Owner, t *content.Tutorial, r Request) (store.Attempt, error) {
	c, err := known(t, r)
	if err != nil {
		return store.Attempt{}, err
	}
	if a, err := g.cfg.Store.Attempt(ctx, r.ID); err == nil {
		return same(a, o, r.Check)
	} else if !errors.Is(err, store.ErrNotFound) {
		return store.Attempt{}, err
	}
	a, values, err := g.attempt(o, c, r)
	if err != nil {
		return store.Attempt{}, err
	}
	s := slot{o, r.Check}
	if other, err := g.join(ctx, s, r.ID); err != nil || other.ID != "" {
		return other, err
	}
	if err := g.left(ctx, o, c); err != nil {
		g.leave(s)
		return store.Attempt{}, err
	}
	if !inGuest(c) {
		defer g.leave(s)
		return g.judge(ctx, a, c, values, r.Answer)
	}
	a, fresh, err := g.cfg.Store.BeginAttempt(ctx, a)
	if err != nil {
		g.leave(s)
		return store.Attempt{}, err
	}
	if !fresh {
		g.leave(s)
		return same(a, o, r.Check)
	}
	g.cfg.Changed(a)
	g.work.Go(func() { g.run(a, c, values, s) })
	return a, nil
}

// known finds the check that is asked for.
func known(t *content.Tutorial, r Request) (*content.Check, error) {
	if !uuid.MatchString(r.ID) {
		return nil, ErrBadID
	}
	c := find(t, r.Check)
	if c == nil {
		return nil, ErrNoCheck
	}
	if c.Question != nil {
		if err := c.Question.Accepts(r.Answer); err != nil {
			return nil, Refused{err}
		}
	}
	return c, nil
}

// attempt is what is stored of an attempt before its outcome. A machine comes
// first where one is needed: without it there is nothing to see.
func (g *Grader) attempt(o store.Owner, c *content.Check, r Request) (store.Attempt, content.Values, error) {
	values := g.cfg.Values(o)
	vars, err := json.Marshal(values)
	if err != nil {
		return store.Attempt{}, nil, fmt.Errorf("encode variables: %w", err)
	}
	a := store.Attempt{ID: r.ID, UserID: o.UserID, ContextID: o.Context, Course: o.Course, Tutorial: o.Tutorial, Check: r.Check,
		Revision: lab.Revision(c), Vars: string(vars), Points: c.Points}
	if c.Question != nil {
		answer, err := json.Marshal(r.Answer)
		if err != nil {
			return store.Attempt{}, nil, fmt.Errorf("encode the answer: %w", err)
		}
		a.Answer = string(answer)
	}
	if !inGuest(c) {
		return a, values, nil
	}
	machine, err := g.cfg.Guests.Machine(o, c.Guest)
	a.GuestID, a.Image = machine.ID, machine.Image
	return a, values, err
}

// left is ErrNoneLeft where a question has been tried often enough.
func (g *Grader) left(ctx context.Context, o store.Owner, c *content.Check) error {
	if c.Question == nil || c.Question.MaxAttempts == 0 {
		return nil
	}
	n, err := g.cfg.Store.Tries(ctx, o, c.ID)
	if err == nil && n >= c.Question.MaxAttempts {
		return ErrNoneLeft
	}
	return err
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

// join takes a slot, or returns the attempt that runs in it. One that has just
// ended leaves it at any moment; who presses again means another attempt.
func (g *Grader) join(ctx context.Context, s slot, id string) (store.Attempt, error) {
	for {
		other := g.enter(s, id)
		if other == "" {
			return store.Attempt{}, nil
		}
		a, err := g.cfg.Store.Attempt(ctx, other)
		if errors.Is(err, store.ErrNotFound) {
			a, err = store.Attempt{}, nil // it is not stored yet, or was refused
		}
		if err != nil || a.State == store.Running {
			return a, err
		}
		select {
		case <-ctx.Done():
			return a, ctx.Err()
		case <-time.After(leaving):
		}
	}
}

// leaving is the pause between two looks at a slot that is about to be left.
const leaving = 5 * time.Millisecond

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
	a.State, a.Verdict, a.Score, a.Message, a.Theirs, a.EndedAt = store.Done, string(checks.Unsure), 0, message, new(string), &now
	return a
}
