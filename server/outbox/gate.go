package outbox

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/labmark/labmark/lti"
)

// lastPause is the longest before a grade is tried again.
const lastPause = 30 * time.Minute

// A platform that has failed downAfter times in a row is taken to be down. It
// is asked by one request then, now and then, at least every downPause.
const (
	downAfter = 5
	downPause = 5 * time.Minute
)

// pause grows with the number of tries, and is spread by a fifth either way,
// so that those who failed together don't come back together.
func (o *Outbox) pause(tries int, most time.Duration) time.Duration {
	d := o.cfg.Pause
	for i := 1; i < tries && d < most; i++ {
		d *= 2
	}
	d = min(d, most)
	return d - d/5 + rand.N(2*d/5)
}

// gate says how much a platform may be asked. Its fields are guarded by
// Outbox.mu.
type gate struct {
	parallel int
	spacing  time.Duration

	flying int
	next   time.Time // pace: not before
	fails  int       // in a row
	until  time.Time // trouble: not before
}

// gate is a platform's; the caller holds o.mu.
func (o *Outbox) gate(platform uint) *gate {
	g := o.gates[platform]
	if g == nil {
		g = &gate{parallel: o.cfg.Parallel}
		if o.cfg.Pace > 0 {
			g.spacing = time.Second / time.Duration(o.cfg.Pace)
		}
		o.gates[platform] = g
	}
	return g
}

func (g *gate) down() bool { return g.fails >= downAfter }

// opens is when the gate can be entered: zero means when somebody leaves.
func (g *gate) opens(now time.Time) (at time.Time, open bool) {
	if g.flying >= g.parallel || g.down() && g.flying > 0 {
		return time.Time{}, false
	}
	at = g.next
	if g.until.After(at) {
		at = g.until
	}
	return at, !at.After(now)
}

func (g *gate) enter(now time.Time) bool {
	if _, open := g.opens(now); !open {
		return false
	}
	g.flying++
	// What was not used lately may be caught up with, a little.
	if saved := now.Add(-time.Duration(g.parallel) * g.spacing); g.next.Before(saved) {
		g.next = saved
	}
	g.next = g.next.Add(g.spacing)
	return true
}

// closed are the platforms that can't be asked now, and when the first opens.
func (o *Outbox) closed(now time.Time) (ids []uint, opens time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, g := range o.gates {
		at, open := g.opens(now)
		if open {
			continue
		}
		ids = append(ids, id)
		if !at.IsZero() {
			opens = sooner(at, opens)
		}
	}
	return ids, opens
}

// land lets a request leave its platform's gate, and draws conclusions from
// how it went: an error is the platform's, nil that it works.
func (o *Outbox) land(ctx context.Context, platform uint, failed error) {
	now := o.cfg.Now()
	o.mu.Lock()
	g := o.gate(platform)
	g.flying--
	wasDown := g.down()
	hold := time.Time{}
	after, trouble := o.trouble(failed)
	switch {
	case ctx.Err() != nil || errors.Is(failed, errNotAsked):
		o.mu.Unlock()
		return
	case !trouble:
		g.fails = 0
		if wasDown {
			g.until = time.Time{}
		}
	default:
		g.fails++
		if g.down() {
			after = max(after, o.pause(g.fails-downAfter+1, downPause))
		}
		if at := now.Add(after); after > 0 && at.After(g.until) {
			g.until, hold = at, at
		}
	}
	o.mu.Unlock()

	switch {
	case wasDown && !trouble:
		o.cfg.Log.Info("the platform works again", "platform", platform)
		if err := o.cfg.Store.WakeGrades(ctx, platform, now); err != nil {
			o.fault(ctx, "wake grades", err)
		}
	case !hold.IsZero():
		o.cfg.Log.Warn("the platform is in trouble, its grades wait", "platform", platform, "until", hold, "err", failed)
		if err := o.cfg.Store.HoldGrades(ctx, platform, hold, why(failed)); err != nil {
			o.fault(ctx, "hold grades", err)
		}
	}
}

// errNotAsked is the end of a job that did not ask the platform for anything.
var errNotAsked = errors.New("the platform was not asked")

// trouble says whether a failure is the platform's, not the grade's,
// and how long it asks to be left alone.
func (o *Outbox) trouble(err error) (after time.Duration, trouble bool) {
	var e *lti.ServiceError
	if !errors.As(err, &e) || e.Kind() != lti.Temporary || errors.Is(err, lti.ErrScope) {
		return 0, false
	}
	switch {
	case e.Op == lti.OpToken, e.Status == 0, e.Status >= 500, e.Status == http.StatusRequestTimeout:
		return e.RetryAfter, true
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusTooEarly, e.Status == http.StatusForbidden:
		return max(e.RetryAfter, o.cfg.Pause), true
	}
	return 0, false
}
