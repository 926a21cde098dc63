package attempts

import (
	"context"
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
)

// inGuest says whether a machine is needed: a question that has its answers
// beside it is judged here.
func inGuest(c *content.Check) bool {
	return c.Question == nil || c.Script != "" || len(c.Facts) > 0
}

// judge stores an answer with what it is worth.
func (g *Grader) judge(ctx context.Context, a store.Attempt, c *content.Check, values content.Values, answer []string) (store.Attempt, error) {
	j := c.Question.Judge(answer, values)
	now := time.Now().UTC()
	a.Verdict, a.Score, a.Message, a.Theirs = string(checks.Fail), j.Score, j.Message, new(string)
	if j.Score == 1 {
		a.Verdict = string(checks.Pass)
	}
	a.StartedAt, a.EndedAt = now, &now
	a = g.compared(ctx, a, answer)
	a, fresh, err := g.cfg.Store.AddAttempt(ctx, a)
	if err != nil {
		return store.Attempt{}, err
	}
	if !fresh {
		return same(a, a.Owner(), c.ID)
	}
	g.cfg.Changed(a)
	return a, nil
}

// compared notes whose values a wrong answer would have fitted.
func (g *Grader) compared(ctx context.Context, a store.Attempt, answer []string) store.Attempt {
	if a.Verdict != string(checks.Fail) || g.cfg.Fits == nil {
		return a
	}
	var err error
	if a.Fits, err = g.cfg.Fits(ctx, a.Owner(), a.Check, answer); err != nil {
		g.cfg.Log.Warn("can't compare an answer with others' values", "attempt", a.ID, "err", err)
	}
	return a
}

// script is what is run in the guest for an attempt.
func script(c *content.Check, values content.Values, a store.Attempt) checks.Script {
	if c.Question == nil {
		return lab.Check(c, values)
	}
	return lab.Answered(c, a.Answered(), values)
}
