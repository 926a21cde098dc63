package preview

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/lab"
)

// ErrNoBlock says that the tutorial has not what is to be tried.
var ErrNoBlock = errors.New("the tutorial has no such block")

// Trial is what an author wants done in the guests. It leaves no attempt.
type Trial struct {
	// Do is "check", "solve" (and then check) or "mistake" (and then check).
	Do      string `json:"do"`
	Check   string `json:"check"`
	Mistake int    `json:"mistake"` // which of the check's, from 0
}

// Report is what came of a Trial.
type Report struct {
	// Held says that all went as it should; Says tells what that was.
	Held bool   `json:"held"`
	Says string `json:"says"`
	Runs []Ran  `json:"runs"`
}

// Ran is one script that was run.
type Ran struct {
	Title   string `json:"title"`
	Guest   string `json:"guest,omitempty"`
	Verdict string `json:"verdict,omitempty"` // of a check
	Message string `json:"message,omitempty"`
	// Status is nil when the script did not end by itself.
	Status *int   `json:"status"`
	Stdout string `json:"stdout,omitempty"`
	Stderr string `json:"stderr,omitempty"`
	Took   int64  `json:"took"` // ms
}

// Guests lead into the guests, as root, by their names in the tutorial.
type Guests func(ctx context.Context, guest string) (*ssh.Client, error)

// trial is a Trial under way.
type trial struct {
	t      *content.Tutorial
	c      *content.Check
	values content.Values
	guests Guests
	report Report
}

// Try does what "labmark test" does with one check, in guests as they are.
// ErrNoBlock, or an error on the way to a guest.
func Try(ctx context.Context, t *content.Tutorial, values content.Values, what Trial, guests Guests) (Report, error) {
	tr := &trial{t: t, values: values, guests: guests, report: Report{Runs: []Ran{}}}
	for _, c := range t.Checks {
		if c.ID == what.Check {
			tr.c = c
		}
	}
	if tr.c == nil {
		return Report{}, ErrNoBlock
	}
	var err error
	switch what.Do {
	case "check":
		err = tr.check(ctx)
	case "solve":
		err = tr.solve(ctx)
	case "mistake":
		err = tr.mistake(ctx, what.Mistake)
	default:
		err = ErrNoBlock
	}
	return tr.report, err
}

func (tr *trial) run(ctx context.Context, title, guest string, s checks.Script) (checks.Result, error) {
	client, err := tr.guests(ctx, guest)
	if err != nil {
		return checks.Result{}, err
	}
	r := checks.Run(ctx, client, s)
	if r.Verdict == checks.Unsure && r.Evidence.ExitStatus == nil {
		client.Close() // it may be what failed; a new one costs little
	}
	ran := Ran{Title: title, Guest: guest, Message: r.Message, Status: r.Evidence.ExitStatus,
		Stdout: r.Evidence.Stdout.Text, Stderr: r.Evidence.Stderr.Text,
		Took: r.Evidence.Ended.Sub(r.Evidence.Started).Round(time.Millisecond).Milliseconds()}
	tr.report.Runs = append(tr.report.Runs, ran)
	return r, nil
}

// verdict looks with the check: at the guest, or at an answer.
func (tr *trial) verdict(ctx context.Context, answer []string) (verdict checks.Verdict, message string, err error) {
	c := tr.c
	if c.Question != nil && c.Script == "" && len(c.Facts) == 0 {
		if err := c.Question.Accepts(answer); err != nil {
			return checks.Fail, err.Error(), nil
		}
		j := c.Question.Judge(answer, tr.values)
		verdict, message = checks.Fail, j.Message
		if j.Score == 1 {
			verdict = checks.Pass
		}
		for _, b := range j.Feedback {
			message += " " + plain(b, tr.values)
		}
		tr.report.Runs = append(tr.report.Runs, Ran{Title: "question " + c.ID, Verdict: string(verdict), Message: message})
		return verdict, message, nil
	}
	script := lab.Check(c, tr.values)
	if c.Question != nil {
		script = lab.Answered(c, answer, tr.values)
	}
	r, err := tr.run(ctx, "check "+c.ID, c.Guest, script)
	if err != nil {
		return "", "", err
	}
	tr.report.Runs[len(tr.report.Runs)-1].Verdict = string(r.Verdict)
	return r.Verdict, r.Message, nil
}

func (tr *trial) check(ctx context.Context) error {
	var answer []string
	if q := tr.c.Question; q != nil {
		if answer = q.Key(tr.values); answer == nil {
			tr.report.Says = "This question is asked with an answer: do its solution, or answer it."
			return nil
		}
	}
	verdict, _, err := tr.verdict(ctx, answer)
	tr.report.Held = verdict == checks.Pass
	tr.report.Says = map[checks.Verdict]string{checks.Pass: "The check passes.", checks.Fail: "The check fails.", checks.Unsure: "The check could not tell."}[verdict]
	return err
}

// solve does all solutions of the check, and looks whether it passes.
func (tr *trial) solve(ctx context.Context) error {
	var answer []string
	if tr.c.Question != nil {
		answer = tr.c.Question.Key(tr.values)
	}
	found := answer != nil
	for _, s := range tr.t.Solutions {
		if s.For != tr.c.ID {
			continue
		}
		found = true
		if s.Answer != "" {
			var err error
			if answer, err = tr.c.Question.Find(s.Answer, tr.values); err != nil {
				tr.report.Says = "The solution's answer is refused. " + err.Error()
				return nil
			}
		}
		if s.Script == "" {
			continue
		}
		r, err := tr.run(ctx, fmt.Sprintf("solve, line %d", s.Line), s.Guest, lab.Solution(s, tr.values))
		if err != nil {
			return err
		}
		if r.Verdict != checks.Pass {
			tr.report.Says = "The solution stopped at a command that failed."
			return nil
		}
	}
	if !found {
		return ErrNoBlock
	}
	verdict, _, err := tr.verdict(ctx, answer)
	tr.report.Held = verdict == checks.Pass
	tr.report.Says = "With the solution the check does not pass."
	if tr.report.Held {
		tr.report.Says = "With the solution the check passes."
	}
	return err
}

// mistake makes one of the check's mistakes, and looks whether that is told in
// the words that are expected.
func (tr *trial) mistake(ctx context.Context, n int) error {
	var m *content.Mistake
	for _, each := range tr.t.Mistakes {
		if each.For == tr.c.ID {
			if n == 0 {
				m = each
				break
			}
			n--
		}
	}
	if m == nil {
		return ErrNoBlock
	}
	var answer []string
	if m.Answer != "" {
		var err error
		if answer, err = tr.c.Question.Find(m.Answer, tr.values); err != nil {
			tr.report.Says = "The mistake's answer is refused. " + err.Error()
			return nil
		}
	}
	if m.Script != "" {
		if _, err := tr.run(ctx, fmt.Sprintf("mistake, line %d", m.Line), m.Guest, lab.Mistake(m, tr.values)); err != nil {
			return err
		}
	}
	verdict, message, err := tr.verdict(ctx, answer)
	expect := tr.values.Fill(m.Expect)
	switch {
	case err != nil:
		return err
	case verdict == checks.Pass:
		tr.report.Says = "The check does not notice the mistake. (Does the machine hold a solution already? Alt+R starts over.)"
	case verdict == checks.Unsure:
		tr.report.Says = "The check could not tell."
	case !strings.Contains(message, expect):
		tr.report.Says = fmt.Sprintf("The check notices the mistake, but does not say “%s”.", expect)
	default:
		tr.report.Held, tr.report.Says = true, "The check notices the mistake, in the words that are expected."
	}
	return nil
}
