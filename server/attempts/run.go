package attempts

import (
	"context"
	"errors"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
)

// connectTimeout bounds the way to the guest, before the script's own limit
// begins to count.
const connectTimeout = 20 * time.Second

const (
	// rounds is how often a check is run at most whose connection breaks.
	rounds = 4
	// wayPause gives what broke time to come back, longer each time.
	wayPause = 500 * time.Millisecond
)

// run takes a stored attempt to its end. If the gateway closes first, the
// attempt stays Running and Recover takes it up.
func (g *Grader) run(a store.Attempt, c *content.Check, values content.Values, s slot) {
	defer g.leave(s)
	a.Revision = lab.Revision(c) // of the one that is run now
	select {
	case g.room <- struct{}{}:
		defer func() { <-g.room }()
	case <-g.ctx.Done():
		return
	}
	done, broke := g.look(a, c, values)
	for again := 1; broke && again < rounds && g.pause(time.Duration(again)*wayPause); again++ {
		// The way to the guest broke, as when its node's libvirtd or sshd is
		// started anew. That is not the student's doing: look once more.
		done, broke = g.look(a, c, values)
	}
	if g.ctx.Err() != nil && done.Verdict == string(checks.Unsure) {
		return // cut off by Close, not by the guest
	}
	g.finish(done)
}

// look runs the script in the guest that the attempt was begun for. broke says
// that the connection broke in the middle.
func (g *Grader) look(a store.Attempt, c *content.Check, values content.Values) (done store.Attempt, broke bool) {
	client, machine, err := g.connect(a, c.Guest)
	switch {
	case errors.Is(err, guests.ErrNoGuest):
		return unsure(a, "Your machine is not running. Start it and run the check again."), false
	case err != nil:
		g.cfg.Log.Warn("no way to a student's guest", "attempt", a.ID, "guest", a.GuestID, "err", err)
		return unsure(a, "Your machine did not answer. Wait a moment and run the check again; if it stays so, reset the machine."), false
	case machine.ID != a.GuestID:
		return unsure(a, "Your machine was replaced by a fresh one before this check had ended. Run the check again."), false
	}
	res := checks.Run(g.ctx, client, script(c, values, a))
	if res.Verdict == checks.Unsure && res.Evidence.ExitStatus == nil {
		// The connection may be what failed. A new one costs little.
		client.Close()
	}
	return g.excused(record(a, res), c), errors.Is(res.Err, checks.ErrConnection)
}

// excused takes back a failure that is not the student's doing. Where answers
// are counted a right one goes, too: who breaks the preparation of their own
// machine must not learn for nothing which guess was right.
func (g *Grader) excused(a store.Attempt, c *content.Check) store.Attempt {
	counted := c.Question != nil && (c.Question.MaxAttempts > 0 || c.Question.Cost > 0)
	if a.Verdict != string(checks.Fail) && !(counted && a.Verdict == string(checks.Pass)) {
		return a
	}
	if g.cfg.Excuse != nil {
		if why := g.cfg.Excuse(g.ctx, a.Owner(), c); why != "" {
			a.Verdict, a.Score, a.Message, a.Theirs = string(checks.Unsure), 0, why, new(string)
			return a
		}
	}
	if c.Question != nil && a.Verdict == string(checks.Fail) {
		return g.compared(g.ctx, a, a.Answered())
	}
	return a
}

// connect tries for as long as patience allows: nodes come back.
func (g *Grader) connect(a store.Attempt, guest string) (*ssh.Client, guests.Machine, error) {
	ctx, cancel := context.WithTimeout(g.ctx, g.patience)
	defer cancel()
	for {
		client, machine, err := g.cfg.Guests.Client(ctx, a.Owner(), guest, "root", guests.ForChecks)
		if err == nil || errors.Is(err, guests.ErrNoGuest) || ctx.Err() != nil {
			return client, machine, err
		}
		select {
		case <-ctx.Done():
			return nil, machine, err
		case <-time.After(wayPause):
		}
	}
}

// pause is false when the gateway closes meanwhile.
func (g *Grader) pause(d time.Duration) bool {
	select {
	case <-g.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// record puts a result into an attempt, which knows its revision already.
func record(a store.Attempt, r checks.Result) store.Attempt {
	ended := r.Evidence.Ended.UTC()
	a.State = store.Done
	a.Verdict, a.Score, a.Message, a.Theirs = string(r.Verdict), r.Score, r.Message, &r.Theirs
	a.ExitStatus = r.Evidence.ExitStatus
	a.Stdout, a.StdoutCut = r.Evidence.Stdout.Text, r.Evidence.Stdout.Cut
	a.Stderr, a.StderrCut = r.Evidence.Stderr.Text, r.Evidence.Stderr.Cut
	a.EndedAt = &ended
	return a
}

// finish stores an outcome and tells of it. A database that is busy or full
// for a while must not cost a student an attempt, so it tries again until the
// gateway closes; then Recover runs the check once more.
func (g *Grader) finish(a store.Attempt) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 10*time.Second) {
		err := g.cfg.Store.FinishAttempt(context.WithoutCancel(g.ctx), a)
		if err == nil {
			g.cfg.Changed(a)
			return
		}
		if errors.Is(err, store.ErrNotFound) {
			return // finished already
		}
		g.cfg.Log.Error("can't store an attempt's outcome, will try again", "attempt", a.ID, "err", err)
		select {
		case <-g.ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
