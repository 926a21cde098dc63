package proof

import (
	"cmp"
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

// lostGuest says whether a check could not be tried because the way to its
// guest broke, which is nobody's fault.
func lostGuest(err error) bool { return errors.Is(err, checks.ErrConnection) }

// atStart does nothing, and sees that all checks fail.
func (tr *trial) atStart(ctx context.Context, v *visit) (out []Result, err error) {
	for _, c := range tr.t.Checks {
		if err := v.enter(ctx, c.Step); err != nil {
			return out, err
		}
		if !inGuest(c) {
			continue
		}
		v.begun = time.Now()
		result := v.result(Start, c, "before anything is done", len(v.runs))
		r, err := v.check(ctx, c, "check "+c.ID, v.values, nil)
		if err != nil {
			return out, err
		}
		result.Runs = v.runs[len(v.runs)-1:]
		result.Message = say(r)
		switch {
		case r.Verdict == checks.Unsure:
			result.State = Fault
			result.Message = "It can't tell. " + say(r)
			result.Mend = "On a fresh guest a check must fail, and say what is missing."
		case c.PassesAtStart, r.Verdict == checks.Fail && r.Score == 0:
		case r.Verdict == checks.Pass:
			result.State = Fault
			result.Message = "It passes before anything is done. " + say(r)
			result.Mend = "Let it look at what the student has to do; or write “passes=start” if it is to be so."
		default:
			result.State = Fault
			result.Message = fmt.Sprintf("It gives %.0f %% of its points before anything is done. %s", 100*r.Score, say(r))
			result.Mend = "Count only what the student has to do; or write “passes=start” if it is to be so."
		}
		result.Took = time.Since(v.begun)
		out = append(out, result)
	}
	return out, nil
}

// solveAll does all that is asked, in order, and sees each check pass, and
// fail for another student.
func (tr *trial) solveAll(ctx context.Context, v *visit) (out []Result, err error) {
	v.twice, tr.broken, tr.setupFailed = true, len(tr.t.Checks), false
	for i, c := range tr.t.Checks {
		if err = v.enter(ctx, c.Step); err != nil {
			break
		}
		if !inGuest(c) {
			continue
		}
		results, err := tr.solveOne(ctx, v, c)
		if err != nil {
			return nil, err
		}
		out = append(out, results...)
		if results[0].State == Fault { // that of the solution
			tr.broken = min(tr.broken, i)
		}
	}
	if err == nil && len(tr.t.Steps) > 0 { // setups of steps without checks
		err = v.enter(ctx, tr.t.Steps[len(tr.t.Steps)-1].ID)
	}
	tr.setupFailed = errors.Is(err, errNoSetup)
	return append(v.results, out...), err
}

// solveOne sees one check pass once it is solved, and not before.
func (tr *trial) solveOne(ctx context.Context, v *visit, c *content.Check) ([]Result, error) {
	from := len(v.runs)
	v.begun = time.Now()
	answer, solved, err := tr.solution(c)
	result := v.result(Solution, c, "with its solution", from)
	if err != nil {
		result.State, result.Message = Fault, "The answer of its solution is refused. "+err.Error()
		return []Result{result}, nil
	}
	if !solved {
		result.State, result.Message = Skipped, "It has no solution, as its author says."
		return []Result{result}, nil
	}
	before := checks.Fail
	if tr.o.Mutation && !c.PassesAtStart {
		r, err := v.check(ctx, c, "check "+c.ID+", before its solution", v.values, nil)
		if err != nil {
			return nil, err
		}
		before = r.Verdict
	}
	ok, err := v.solve(ctx, c, nil, "")
	if err != nil {
		return nil, err
	}
	if !ok {
		last := v.runs[len(v.runs)-1]
		result.Message = fmt.Sprintf("The solution fails (%s). %s", last.Title, ended(last.Result))
		result.State, result.Mend = Fault, "A solution stops at the first command that fails, as with “set -e”."
		result.Runs = v.runs[from:]
		return []Result{result}, nil
	}
	r, err := v.check(ctx, c, "check "+c.ID, v.values, answer)
	if err != nil {
		return nil, err
	}
	result.Message, result.Runs, result.Took = say(r), v.runs[from:], time.Since(v.begun)
	if r.Verdict != checks.Pass {
		result.State = Fault
		result.Message = "It does not pass though its solution was run. " + say(r)
		result.Mend = "Either the solution lacks something, or the check asks for more than the text does."
		return []Result{result}, nil
	}
	out := []Result{result}
	if before == checks.Pass && !tr.faulty(Start, c) {
		needless := v.result(Mutant, c, "without its whole solution", from)
		needless.State, needless.Message = Survivor, "It passes without its solution: what was done before is enough."
		needless.Mend = "Let it look at what its own task asks for; or give it no solution, and write “unsolved”."
		out = append(out, needless)
	}
	other, err := tr.asAnother(ctx, v, c, answer)
	if other != nil {
		out = append(out, *other)
	}
	return out, err
}

// asAnother sees a solved check fail for a student with other variables.
func (tr *trial) asAnother(ctx context.Context, v *visit, c *content.Check, answer []string) (*Result, error) {
	names := mentioned(tr.t, c)
	if len(names) == 0 {
		return nil, nil
	}
	tr.plan(Other, 1)
	v.begun = time.Now()
	from := len(v.runs)
	result := v.result(Other, c, "for a student with another "+strings.Join(names, ", "), from)
	others, differ := tr.another(tr.t, v.values, names)
	if differ == 0 {
		result.State, result.Message = Skipped, "No other student was found whose variables differ."
		return &result, nil
	}
	r, err := v.check(ctx, c, "check "+c.ID+", for another student", others, answer)
	if err != nil {
		return nil, err
	}
	result.Message, result.Runs, result.Took = say(r), v.runs[from:], time.Since(v.begun)
	switch r.Verdict {
	case checks.Pass:
		result.State = Fault
		result.Message = "It passes for a student who got another task. " + say(r)
		result.Mend = "Compare with the variable, and with nothing that is the same for all."
	case checks.Unsure:
		result.State = Fault
		result.Message = "It can't tell. " + say(r)
	}
	return &result, nil
}

// mistakes sees every typical mistake noticed, each on guests of its own.
func (tr *trial) mistakes() (jobs []func(context.Context, *visit) ([]Result, error)) {
	for _, m := range tr.t.Mistakes {
		i := slices.IndexFunc(tr.t.Checks, func(c *content.Check) bool { return c.ID == m.For })
		if i < 0 || !inGuest(tr.t.Checks[i]) {
			continue
		}
		tr.plan(Mistake, 1)
		if tr.beyond(i) {
			tr.add(Result{Kind: Mistake, Subject: m.For, What: "after a mistake", File: m.File, Line: m.Line, State: Skipped, Message: tr.why(i)})
			continue
		}
		jobs = append(jobs, func(ctx context.Context, v *visit) ([]Result, error) {
			r, err := tr.mistake(ctx, v, m, i)
			return []Result{r}, err
		})
	}
	return jobs
}

// beyond says whether what comes before a check can't be done.
func (tr *trial) beyond(index int) bool { return tr.setupFailed || index > tr.broken }

func (tr *trial) why(int) string {
	if tr.setupFailed {
		return "Not tried: the setup fails."
	}
	return fmt.Sprintf("Not tried: the check %s before it can't be solved.", tr.t.Checks[tr.broken].ID)
}

func (tr *trial) mistake(ctx context.Context, v *visit, m *content.Mistake, index int) (Result, error) {
	c := tr.t.Checks[index]
	result := Result{Kind: Mistake, Subject: c.ID, What: "after a mistake", File: m.File, Line: m.Line, State: Held}
	if err := v.upTo(ctx, index); err != nil {
		return result, err
	}
	answer, _, err := tr.solution(c)
	if m.Answer != "" && c.Question != nil {
		answer, err = c.Question.Find(m.Answer, v.values)
	}
	if err != nil {
		result.State, result.Message = Fault, "The answer is refused. "+err.Error()
		return result, nil
	}
	if m.Script != "" {
		if _, err := v.run(ctx, fmt.Sprintf("mistake at line %d", m.Line), m.Guest, lab.Mistake(m, v.values)); err != nil {
			return result, err
		}
	}
	r, err := v.check(ctx, c, "check "+c.ID, v.values, answer)
	if err != nil {
		return result, err
	}
	expect := v.values.Fill(m.Expect)
	result.Runs, result.Took, result.Message = v.runs, time.Since(v.begun), say(r)
	switch {
	case r.Verdict == checks.Pass:
		result.State, result.Message = Fault, "The mistake is not noticed: the check passes. "+say(r)
		result.Mend = "Let the check look for it; or the mistake makes none on a machine where all before it is done."
	case r.Verdict == checks.Unsure:
		result.State, result.Message = Fault, "The check can't tell. "+say(r)
	case !strings.Contains(r.Message, expect):
		result.State, result.Message = Fault, fmt.Sprintf("The check fails with other words: %s Expected was “%s”.", say(r), expect)
	}
	return result, nil
}

// mutations leaves out each line of each solution.
func (tr *trial) mutations() (jobs []func(context.Context, *visit) ([]Result, error)) {
	if !tr.o.Mutation {
		return nil
	}
	for i, c := range tr.t.Checks {
		if !inGuest(c) || c.PassesAtStart || tr.setupFailed || i >= tr.broken || tr.faulty(Start, c) || tr.faulty(Mutant, c) {
			continue
		}
		for _, s := range tr.t.Solutions {
			if s.For != c.ID {
				continue
			}
			all, skipped := mutants(s.Lang, s.Script)
			tr.plan(Mutant, len(all)+skipped)
			for range skipped {
				tr.add(Result{Kind: Mutant, Subject: c.ID, What: "with a line left out", File: s.File, Line: s.Line, State: Skipped,
					Message: "What is left is no script, or the same as without another line."})
			}
			for _, m := range all {
				jobs = append(jobs, func(ctx context.Context, v *visit) ([]Result, error) {
					r, err := tr.mutation(ctx, v, i, s, m)
					return []Result{r}, err
				})
			}
		}
	}
	return jobs
}

// faulty says whether something bad of this kind was found about a check.
func (tr *trial) faulty(kind Kind, c *content.Check) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.ContainsFunc(tr.results, func(r Result) bool { return r.Kind == kind && r.Subject == c.ID && r.Bad() })
}

// mutantPatience bounds a solution that lacks something, which may wait for it.
const mutantPatience = 30 * time.Second

func (tr *trial) mutation(ctx context.Context, v *visit, index int, s *content.Solution, m mutant) (Result, error) {
	c := tr.t.Checks[index]
	result := Result{Kind: Mutant, Subject: c.ID, What: "without “" + m.left + "”", File: s.File, Line: s.Line + 1 + m.line, State: Held}
	if err := v.upTo(ctx, index); err != nil {
		return result, err
	}
	v.patience = max(mutantPatience, 5*tr.solvingTook(c))
	if _, err := v.solve(ctx, c, s, m.script); err != nil {
		return result, err
	}
	answer, _, err := tr.solution(c)
	if err != nil {
		return result, err // it was right a moment ago
	}
	r, err := v.check(ctx, c, "check "+c.ID, v.values, answer)
	if err != nil {
		return result, err
	}
	result.Runs, result.Took, result.Message = v.runs, time.Since(v.begun), say(r)
	if r.Verdict == checks.Pass {
		result.State, result.Message = Survivor, "The check does not miss this line. "+say(r)
		result.Mend = "Let the check look for what it does, or take it out of the solution, or write “# labmark: optional” at its end."
	}
	return result, nil
}

// solvingTook is how long the whole solution of a check took.
func (tr *trial) solvingTook(c *content.Check) time.Duration {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	for _, r := range tr.results {
		if r.Kind == Solution && r.Subject == c.ID {
			return r.Took
		}
	}
	return 0
}

// say is what a check said, in quotes.
func say(r checks.Result) string {
	return "It says: “" + cmp.Or(strings.TrimSpace(r.Message), "nothing") + "”"
}
