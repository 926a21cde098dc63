package outbox

import (
	"context"
	"errors"
	"html"
	"math"
	"strings"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/store"
)

// settle finds out whether the score that is under way has arrived: the
// gateway or the connection ended before the platform's answer came.
func (j *job) settle(ctx context.Context) error {
	flying, at := j.row.Flying, *j.row.FlyingAt
	there, _, err := j.look(ctx, flying, at)
	if kindOf(err) == lti.Gone {
		err = nil // and so is what may have arrived
	}
	if err != nil {
		return err
	}
	if there {
		now := j.cfg.Now()
		j.row.Sent, j.row.SentAt = flying, &now
	} else {
		j.reuse, j.reuseAt = flying, at
	}
	j.row.Flying, j.row.FlyingAt, j.asked = store.Sending{}, nil, true
	return nil
}

// look reads a user's result back and says whether it is the score that was
// posted with this timestamp. Seen is the result's own, where it has one.
func (j *job) look(ctx context.Context, s store.Sending, at time.Time) (there bool, seen time.Time, err error) {
	results, err := j.cfg.Client.Results(ctx, j.platform, s.To, j.subject)
	if errors.Is(err, lti.ErrScope) || kindOf(err) == lti.Refused {
		j.blind = true
		return false, time.Time{}, nil
	}
	for _, r := range results {
		if r.UserID == j.subject {
			return shows(r, s, at), r.At, err
		}
	}
	return false, time.Time{}, err
}

// shows says whether a result is what came of a score. Platforms scale scores
// to their own points, round them to five decimals, may keep a comment to
// themselves, and have for zero points, as for none, no score at all.
func shows(r lti.Result, s store.Sending, at time.Time) bool {
	given := 0.0
	if !s.Cleared {
		given = s.Score * r.Maximum / s.Max
	}
	switch {
	case r.Score == nil:
		return given == 0
	case s.Cleared:
		return false
	// Moodle clips what is above the maximum.
	case math.Abs(*r.Score-given) > 2e-5 && (given <= r.Maximum || *r.Score != r.Maximum):
		return false
	case r.Comment != "":
		return plain(r.Comment) == plain(s.Comment)
	}
	return r.At.IsZero() || r.At.Unix() == at.Unix()
}

// plain is a comment without what platforms do to comments.
func plain(s string) string { return strings.Join(strings.Fields(html.UnescapeString(s)), " ") }

// takeOff writes down what is about to be posted, so that it can be settled
// whatever happens.
func (j *job) takeOff(ctx context.Context, s store.Sending, at time.Time) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	j.row.State, j.row.Flying, j.row.FlyingAt, j.row.LastTimestamp = store.OutboxSending, s, &at, &at
	return j.save(ctx, j.row)
}

// arrived stores that the platform has a score.
func (j *job) arrived(ctx context.Context, s store.Sending) error {
	if j.row.SentAt == nil || !s.Same(j.row.Sent) {
		now := j.cfg.Now()
		j.row.Sent, j.row.SentAt = s, &now
	}
	j.row.State, j.row.SentVersion = store.OutboxSent, j.row.Version
	j.row.Tries, j.row.Why, j.row.LastError = 0, "", ""
	return j.store(ctx)
}

// rest stores that there is nothing to be sent.
func (j *job) rest(ctx context.Context, why string) error {
	j.row.State, j.row.SentVersion, j.row.Why, j.row.LastError, j.row.Tries = store.OutboxNowhere, j.row.Version, why, "", 0
	j.row.NextTry = j.cfg.Now().AddDate(100, 0, 0)
	return j.store(ctx)
}

// later stores that a grade must wait a moment, for no fault.
func (j *job) later(ctx context.Context, d time.Duration) error {
	j.row.State, j.row.NextTry = store.OutboxWaiting, j.cfg.Now().Add(d)
	return j.save(ctx, j.row)
}

// wait stores that a grade is to be tried again, and why.
func (j *job) wait(ctx context.Context, err error, why string) error {
	j.row.Tries++
	after := j.pause(j.row.Tries, lastPause)
	var e *lti.ServiceError
	if errors.As(err, &e) {
		after = max(after, e.RetryAfter)
	}
	j.row.State, j.row.NextTry, j.row.Why, j.row.LastError = store.OutboxWaiting, j.cfg.Now().Add(after), why, err.Error()
	return j.keep(ctx)
}

// refuse sets a grade aside for a person.
func (j *job) refuse(ctx context.Context, err error, why string) error {
	j.row.State, j.row.Why, j.row.LastError = store.OutboxRefused, why, err.Error()
	j.cfg.Log.Warn("a grade is refused", "link", j.row.LinkID, "user", j.row.UserID, "err", err)
	return j.store(ctx)
}

// store writes an outcome of which nothing is under way any more.
func (j *job) store(ctx context.Context) error {
	j.row.Flying, j.row.FlyingAt = store.Sending{}, nil
	return j.keep(ctx)
}

// keep writes an outcome and tells of it.
func (j *job) keep(ctx context.Context) error {
	err := j.save(ctx, j.row)
	if err == nil {
		j.cfg.Changed(j.row.LinkID, j.row.UserID)
	}
	return err
}

// failed stores what becomes of a grade that could not be sent, and returns
// the error for the platform's gate.
func (j *job) failed(ctx context.Context, err error) error {
	var own *ownError
	if err == nil || ctx.Err() != nil || errors.Is(err, errNotAsked) || errors.As(err, &own) {
		return err
	}
	var stored error
	switch {
	case errors.Is(err, errNowhere):
		j.row.State, j.row.NextTry, j.row.Why, j.row.LastError = store.OutboxNowhere, j.cfg.Now(), sentence(err), ""
		return errors.Join(errNotAsked, j.store(ctx))
	case kindOf(err) == lti.Temporary:
		stored = j.wait(ctx, err, why(err))
	default:
		stored = j.refuse(ctx, err, why(err))
	}
	if stored != nil {
		return stored
	}
	return err
}
