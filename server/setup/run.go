package setup

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

const (
	// tries is how often a block is run whose connection breaks.
	tries = 3
	// pause gives what broke time to come back.
	pause = 500 * time.Millisecond
)

// task is a block together with the guest to run it in.
type task struct {
	*content.Setup
	guest guests.Handle
}

// blocks runs those of a step, or of the start for an empty one, that these
// guests still lack, in document order. The lane is held.
func (c *Crew) blocks(ctx context.Context, o store.Owner, step string, handles []guests.Handle) (ok bool) {
	todo, err := c.todo(ctx, o, step, handles)
	if err != nil {
		c.cfg.Log.Error("can't tell what a guest was prepared with", "user", o.UserID, "err", err)
		return false
	}
	if len(todo) == 0 {
		return true
	}
	c.tell(o, themes.SetupView{Step: step, State: "running"})
	values := c.cfg.Values(o)
	ok = true
	for _, t := range todo {
		ok = c.do(ctx, o, t, values) && ok
	}
	if ctx.Err() != nil {
		return false // the next gateway does it again
	}
	v := themes.SetupView{Step: step, State: "done"}
	if !ok {
		v.State, v.Message = "failed", startWords
		if step != "" {
			v.Message = stepWords
		}
	}
	c.tell(o, v)
	return ok
}

// todo are the blocks of a step that have not passed yet in these guests.
func (c *Crew) todo(ctx context.Context, o store.Owner, step string, handles []guests.Handle) ([]task, error) {
	t := c.cfg.Tutorial(o)
	if t == nil {
		return nil, nil
	}
	var all []task
	for _, s := range t.Setups {
		i := slices.IndexFunc(handles, func(h guests.Handle) bool { return h.Name == s.Guest })
		if s.At == step && i >= 0 {
			all = append(all, task{s, handles[i]})
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	runs, err := c.cfg.Store.SetupRuns(ctx, o, false)
	return slices.DeleteFunc(all, func(t task) bool {
		revision := lab.SetupRevision(t.Setup)
		return slices.ContainsFunc(runs, func(r store.SetupRun) bool {
			return r.GuestID == t.guest.ID && r.Revision == revision && !r.Failed()
		})
	}), err
}

// do runs one block and keeps how that went.
func (c *Crew) do(ctx context.Context, o store.Owner, t task, values content.Values) bool {
	r := c.run(ctx, t, values)
	for again := 1; errors.Is(r.Err, checks.ErrConnection) && again < tries && ctx.Err() == nil; again++ {
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			r = c.run(ctx, t, values)
		}
	}
	if ctx.Err() != nil {
		return false
	}
	run := store.SetupRun{UserID: o.UserID, ContextID: o.Context, Course: o.Course, Tutorial: o.Tutorial,
		GuestID: t.guest.ID, Guest: t.guest.Name, Step: t.At, File: t.File, Line: t.Line, Revision: lab.SetupRevision(t.Setup),
		Verdict: string(r.Verdict), Message: r.Message,
		Stdout: r.Evidence.Stdout.Text, StdoutCut: r.Evidence.Stdout.Cut,
		Stderr: r.Evidence.Stderr.Text, StderrCut: r.Evidence.Stderr.Cut,
		StartedAt: r.Evidence.Started, EndedAt: r.Evidence.Ended}
	if run.Failed() {
		c.cfg.Log.Error("a setup block failed", "course", o.Course, "file", t.File, "line", t.Line,
			"user", o.UserID, "guest", t.guest.ID, "message", r.Message, "err", r.Err)
	}
	if err := c.cfg.Store.AddSetupRun(ctx, run); err != nil {
		c.cfg.Log.Error("can't keep how a setup block went", "file", t.File, "line", t.Line, "user", o.UserID, "err", err)
		return false
	}
	return !run.Failed()
}

func (c *Crew) run(ctx context.Context, t task, values content.Values) checks.Result {
	begun := time.Now()
	client, err := t.guest.Client(ctx)
	if err != nil {
		return checks.Result{Verdict: checks.Unsure, Message: "There was no way into the machine.", Err: errors.Join(checks.ErrConnection, err),
			Evidence: checks.Evidence{Started: begun, Ended: time.Now()}}
	}
	r := lab.Prepare(ctx, client, t.Setup, values)
	if errors.Is(r.Err, checks.ErrConnection) {
		client.Close() // the next try dials anew
	}
	return r
}

// cables cuts and mends those that depend on the step. The lane is held.
func (c *Crew) cables(ctx context.Context, o store.Owner, step string, handles []guests.Handle) {
	t := c.cfg.Tutorial(o)
	if t == nil || !slices.ContainsFunc(t.Networks, func(n content.Network) bool { return len(n.CutAt) > 0 }) {
		return
	}
	cards := c.cfg.Cards(o)
	for _, h := range handles {
		for _, card := range cards[h.Name] {
			i := slices.IndexFunc(t.Networks, func(n content.Network) bool { return n.Name == card.Name })
			if i < 0 || len(t.Networks[i].CutAt) == 0 {
				continue
			}
			link := lab.LinkAt(&t.Networks[i], step)
			if err := h.SetLink(ctx, card.Network, link); err != nil && ctx.Err() == nil {
				c.cfg.Log.Error("a cable can't be changed", "guest", h.ID, "network", card.Name, "cut", link.Cut, "err", err)
			}
		}
	}
}
