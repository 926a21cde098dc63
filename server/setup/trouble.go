package setup

import (
	"context"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// What a student reads. None of it is about their work.
const (
	startWords = "The exercise in your machine could not be prepared as it should be. That is not your fault: " +
		"checks that fail do not count until it is mended. Your instructor can see it. Resetting the machine may help."
	stepWords = "Your machine could not be prepared for this step. That is not your fault: " +
		"its checks do not count against you until it is mended. Your instructor can see it."
	excuseWords = "This check can't tell, because the preparation of your machine has failed. " +
		"That is not your fault, and this try does not count. Your instructor can see it."
	busyWords = "Your machine was still being prepared. Try again in a moment: this try does not count."
)

// tell keeps what pages that come later must know, and tells those that are
// there.
func (c *Crew) tell(o store.Owner, v themes.SetupView) {
	if v.Step != "" {
		l := c.lane(o)
		l.mu.Lock()
		l.view = &v
		l.mu.Unlock()
	}
	c.cfg.Tell(o, v)
}

// Standing is what a page that has just connected must know.
func (c *Crew) Standing(ctx context.Context, o store.Owner) ([]themes.SetupView, error) {
	var views []themes.SetupView
	words, err := c.Trouble(ctx, o)
	if words != "" {
		views = append(views, themes.SetupView{State: "failed", Message: words})
	}
	l := c.lane(o)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.view != nil {
		views = append(views, *l.view)
	}
	return views, err
}

// Trouble says in words for the student that the start of their guests was not
// prepared; empty when all is well.
func (c *Crew) Trouble(ctx context.Context, o store.Owner) (string, error) {
	failed, err := c.failed(ctx, o)
	for _, r := range failed {
		if r.Step == "" {
			return startWords, err
		}
	}
	return "", err
}

// Excuse says why a failure at a check must not be held against the student;
// empty if it may be.
func (c *Crew) Excuse(ctx context.Context, o store.Owner, check *content.Check) string {
	if c.lane(o).busy() {
		return busyWords
	}
	failed, err := c.failed(ctx, o)
	if err != nil {
		c.cfg.Log.Error("can't tell whether a guest is prepared", "user", o.UserID, "err", err)
	}
	for _, r := range failed {
		if r.Step == "" || r.Step == check.Step {
			return excuseWords
		}
	}
	return ""
}

// failed are the blocks whose newest run in the owner's present guests failed.
func (c *Crew) failed(ctx context.Context, o store.Owner) ([]store.SetupRun, error) {
	t := c.cfg.Tutorial(o)
	if t == nil || len(t.Setups) == 0 {
		return nil, nil
	}
	runs, err := c.cfg.Store.SetupRuns(ctx, o, false)
	if err != nil {
		return nil, err
	}
	present := map[string]bool{}
	for _, h := range c.cfg.Handles(o) {
		present[h.ID] = true
	}
	return Failed(t, runs, func(r store.SetupRun) bool { return present[r.GuestID] }), nil
}

// Failed are the newest runs, of those that count, of each block that the
// tutorial still has, in each guest, if they failed. Runs are oldest first.
func Failed(t *content.Tutorial, runs []store.SetupRun, counts func(store.SetupRun) bool) []store.SetupRun {
	current := map[string]bool{}
	for _, s := range t.Setups {
		current[lab.SetupRevision(s)] = true
	}
	type key struct{ guest, revision string }
	newest := map[key]store.SetupRun{}
	var order []key
	for _, r := range runs {
		k := key{r.GuestID, r.Revision}
		if !current[r.Revision] || !counts(r) {
			continue
		}
		if _, known := newest[k]; !known {
			order = append(order, k)
		}
		newest[k] = r
	}
	var failed []store.SetupRun
	for _, k := range order {
		if newest[k].Failed() {
			failed = append(failed, newest[k])
		}
	}
	return failed
}
