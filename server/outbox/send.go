package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// job brings one grade one step further.
type job struct {
	*Outbox
	key      key
	row      store.OutboxGrade
	link     store.ResourceLink
	platform lti.Platform
	subject  string // the user's name at the platform
	// reuse is a score that has not arrived, with its timestamp: should it be
	// under way still, the platform takes only one of the two.
	reuse   store.Sending
	reuseAt time.Time
	// blind: the platform does not let results be read.
	blind  bool
	asked  bool // the platform, and it has answered
	broken bool // the database, not the platform
}

// run returns what the platform did wrong, nil if nothing, or errNotAsked.
func (j *job) run(ctx context.Context) error {
	err := j.load(ctx)
	if err == nil {
		err = j.advance(ctx)
	}
	var own *ownError
	switch {
	case errors.As(err, &own):
		j.fault(ctx, "work on a grade", fmt.Errorf("link %d, user %d: %w", j.row.LinkID, j.row.UserID, err))
		j.broken = true
		return errNotAsked
	case errors.Is(err, errNotAsked) && j.asked:
		return nil
	}
	return err
}

// ownError is what goes wrong here rather than at the platform.
type ownError struct{ error }

func (e *ownError) Unwrap() error { return e.error }

func own(err error) error {
	if err == nil {
		return nil
	}
	return &ownError{err}
}

// load reads the grade's row, which another job may have changed since it was
// found to be due, and what the grade is about.
func (j *job) load(ctx context.Context) error {
	db := context.WithoutCancel(ctx)
	row, err := j.cfg.Store.OutboxGrade(db, j.key.link, j.key.user)
	if err != nil {
		return own(err)
	}
	if row == nil || row.State != store.OutboxWaiting || row.NextTry.After(j.cfg.Now()) {
		return errNotAsked
	}
	j.row = *row
	if j.link, err = j.cfg.Store.Link(db, j.row.LinkID); err != nil {
		return own(err)
	}
	user, err := j.cfg.Store.User(db, j.row.UserID)
	if err != nil {
		return own(err)
	}
	if user.Subject != nil {
		j.subject = *user.Subject
	}
	if j.platform, err = j.cfg.Platform(db, j.link.ContextID); err != nil {
		return errors.Join(errNotAsked, j.wait(ctx, err, sentence(err)))
	}
	return nil
}

// advance settles what is under way, and then sends what is to be sent.
func (j *job) advance(ctx context.Context) error {
	if j.row.FlyingAt != nil {
		if err := j.settle(ctx); err != nil {
			return j.failed(ctx, err)
		}
	}
	g, err := j.cfg.Grade(context.WithoutCancel(ctx), j.link, j.row.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return errors.Join(errNotAsked, j.refuse(ctx, err, "What the activity shows is not served by Labmark any more."))
	}
	if err != nil {
		return own(err)
	}
	want, rest := j.want(g)
	if rest != "" {
		return errors.Join(errNotAsked, j.rest(ctx, rest))
	}
	if j.link.LineItem == "" {
		if err := j.findLineItem(ctx, "", g.Maximum); err != nil {
			return j.failed(ctx, err)
		}
	}
	want.To = j.link.LineItem
	if j.row.SentAt != nil && want.Same(j.row.Sent) {
		return errors.Join(errNotAsked, j.arrived(ctx, want))
	}
	if err = j.cfg.Client.Ready(ctx, j.platform); err == nil {
		err = j.send(ctx, want, g)
	}
	if kindOf(err) == lti.Gone {
		// Once: what was made anew just now and is gone again, stays gone.
		if err = j.findLineItem(ctx, want.To, g.Maximum); err == nil {
			want.To = j.link.LineItem
			err = j.send(ctx, want, g)
		}
	}
	return j.failed(ctx, err)
}

// want is what the platform should have. If it should be left as it is, rest
// says why.
func (j *job) want(g progress.Grade) (s store.Sending, rest string) {
	there := j.row.SentAt != nil && j.row.Sent.To == j.link.LineItem
	switch {
	case g.Excused && there:
		return store.Sending{Cleared: true}, ""
	case g.Excused:
		return s, "Excused: no grade is sent."
	case g.Maximum <= 0:
		return s, "There are no points to be won."
	case g.At.IsZero() && !there:
		return s, "No attempt counts yet."
	}
	return store.Sending{Score: g.Given, Max: g.Maximum, Comment: g.Comment}, ""
}

// leaps are how far timestamps jump ahead where a platform calls one stale
// again and again; its clock was ahead once, or a grader's was.
var leaps = []time.Duration{0, 0, time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}

// send posts a score until the platform takes it, or says why not.
func (j *job) send(ctx context.Context, want store.Sending, g progress.Grade) error {
	var err error
	for _, leap := range leaps {
		at, early := j.stamp(want, leap)
		if early > 0 {
			return errors.Join(errNotAsked, j.later(ctx, early))
		}
		if err := j.takeOff(ctx, want, at); err != nil {
			return err
		}
		err = j.cfg.Client.Score(ctx, j.platform, want.To, j.score(want, at, g))
		if err == nil {
			return j.arrived(ctx, want)
		}
		if kindOf(err) != lti.Stale {
			if !unsure(err) {
				j.row.Flying, j.row.FlyingAt = store.Sending{}, nil
			}
			return err
		}
		there, seen, readErr := j.look(ctx, want, at)
		if readErr != nil {
			return readErr
		}
		if there || j.blind && want.Same(j.reuse) && at.Equal(j.reuseAt) {
			return j.arrived(ctx, want)
		}
		j.reuseAt = time.Time{}
		if seen.After(at) {
			j.row.LastTimestamp = &seen
		}
	}
	return err
}

// score is what goes over the wire.
func (j *job) score(want store.Sending, at time.Time, g progress.Grade) lti.Score {
	s := lti.Score{UserID: j.subject, Given: want.Score, Maximum: want.Max, Cleared: want.Cleared, Comment: want.Comment,
		Activity: g.Progress, At: at}
	if j.platform.Product == "canvas" {
		s.Submission = &lti.Submission{}
		// The first is the student's attempt; counting each check as one would
		// use up what Canvas allows.
		if j.row.SentAt == nil {
			done := g.At.Add(j.cfg.Client.Clock(j.platform))
			if done.After(at) {
				done = at
			}
			s.Submission = &lti.Submission{New: true, At: done}
		}
	}
	return s
}

// unsure says whether a score may have arrived although there was an error.
func unsure(err error) bool {
	var e *lti.ServiceError
	return errors.As(err, &e) && e.Op == lti.OpScore && e.Unsure()
}

// kindOf is 0 for what is no platform's answer.
func kindOf(err error) lti.Kind {
	var e *lti.ServiceError
	if errors.As(err, &e) {
		return e.Kind()
	}
	return 0
}
