package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/lab"
)

// visit is a student's way through a tutorial, on fresh guests. It goes
// forward only.
type visit struct {
	*trial
	machines Machines
	begun    time.Time
	// twice runs each setup a second time, which must change nothing.
	twice bool
	// set says that the guests were set up, and step which step was entered
	// last, by its place in t.Steps.
	set     bool
	step    int
	runs    []Run
	results []Result // of setups
	// patience bounds each solution; 0 is lab.SolutionTimeout.
	patience time.Duration
}

// run runs a script. The error is that of a lab which broke down.
func (v *visit) run(ctx context.Context, title, guest string, s checks.Script) (checks.Result, error) {
	return v.keep(ctx, title, guest, v.machines.Run(ctx, guest, s))
}

// keep takes a result among the evidence.
func (v *visit) keep(ctx context.Context, title, guest string, r checks.Result) (checks.Result, error) {
	v.runs = append(v.runs, Run{Title: title, Guest: guest, Result: r})
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	if r.Err != nil && lostGuest(r.Err) {
		return r, fmt.Errorf("%s: %w", title, r.Err)
	}
	return r, nil
}

// enter goes on to a step, through all before it. The first step may have no
// ID, and a check none, either: then the guests are only set up.
func (v *visit) enter(ctx context.Context, id string) error {
	if !v.set {
		v.set = true
		if err := v.setUp(ctx, ""); err != nil {
			return err
		}
	}
	to := slices.IndexFunc(v.t.Steps, func(s content.Step) bool { return s.ID == id })
	for v.step < to {
		v.step++
		at := v.t.Steps[v.step].ID
		if err := v.machines.Enter(ctx, at); err != nil {
			return err
		}
		if at == "" {
			continue
		}
		if err := v.setUp(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// setUp runs the setup blocks of a step, or of the start.
func (v *visit) setUp(ctx context.Context, step string) error {
	for _, s := range v.t.Setups {
		if s.At != step {
			continue
		}
		result := Result{Kind: Setup, Subject: s.Guest, What: "setup succeeds, also a second time", File: s.File, Line: s.Line, State: Held,
			Message: "It did."}
		from := len(v.runs)
		times := []string{"setup"}
		if v.twice {
			times = append(times, "setup, once more")
		}
		for i, title := range times {
			r, err := v.keep(ctx, title, s.Guest, v.machines.Prepare(ctx, s, v.values))
			if err != nil {
				return err
			}
			if r.Verdict != checks.Pass {
				result.State, result.Message = Fault, r.Message
				result.Mend = "Nothing else of this tutorial was tried."
				if i > 0 {
					result.Message = "It failed when it was run a second time. " + result.Message
					result.Mend = "Setup may be run again at any time: write it so that this changes nothing (mkdir -p, install, id USER || useradd USER)."
				}
				break
			}
		}
		result.Runs = v.runs[from:]
		v.results = append(v.results, result)
		if result.State == Fault {
			return errNoSetup
		}
	}
	return nil
}

// solve runs all solutions of a check, one of them in another form where
// instead names it.
func (v *visit) solve(ctx context.Context, c *content.Check, of *content.Solution, instead string) (ok bool, err error) {
	for _, s := range v.t.Solutions {
		if s.For != c.ID || s.Script == "" {
			continue
		}
		script := lab.Solution(s, v.values)
		title := fmt.Sprintf("solve at line %d", s.Line)
		if s == of {
			with := *s
			with.Script = instead
			script, title = lab.Solution(&with, v.values), title+", with something left out"
		}
		if v.patience > 0 {
			script.Timeout = v.patience
		}
		r, err := v.run(ctx, title, s.Guest, script)
		if err != nil || r.Verdict != checks.Pass {
			return false, err
		}
	}
	return true, nil
}

// upTo enters the steps and runs the solutions before a check, and enters its
// own step.
func (v *visit) upTo(ctx context.Context, index int) error {
	for _, c := range v.t.Checks[:index] {
		if err := v.enter(ctx, c.Step); err != nil {
			return err
		}
		if _, err := v.solve(ctx, c, nil, ""); err != nil {
			return err
		}
	}
	return v.enter(ctx, v.t.Checks[index].Step)
}

// check runs a check for whoever has these values; answer matters to questions.
func (v *visit) check(ctx context.Context, c *content.Check, title string, values content.Values, answer []string) (checks.Result, error) {
	script := lab.Check(c, values)
	if c.Question != nil {
		script = lab.Answered(c, answer, values)
	}
	r, err := v.run(ctx, title, c.Guest, script)
	if err == nil && errors.Is(r.Err, checks.ErrTimeout) {
		// The machine may have been busy for a moment. A check that is too slow
		// will be so again.
		return v.run(ctx, title+", once more", c.Guest, script)
	}
	return r, err
}

// result begins a Result about a check, with what was run since the visit had
// so many runs.
func (v *visit) result(kind Kind, c *content.Check, what string, since int) Result {
	return Result{Kind: kind, Subject: c.ID, What: what, File: c.File, Line: c.Line, State: Held,
		Runs: v.runs[since:len(v.runs):len(v.runs)], Took: time.Since(v.begun)}
}

// ended says in words how a script that is no check ended.
func ended(r checks.Result) string {
	said := strings.TrimSpace(r.Evidence.Stderr.Text)
	if i := strings.LastIndexByte(said, '\n'); i >= 0 {
		said = said[i+1:]
	}
	switch {
	case r.Evidence.ExitStatus == nil:
		return strings.TrimSuffix(r.Message, " This try does not count.")
	case said == "":
		return fmt.Sprintf("It ended with status %d and said nothing.", *r.Evidence.ExitStatus)
	}
	return fmt.Sprintf("It ended with status %d: %s", *r.Evidence.ExitStatus, said)
}
