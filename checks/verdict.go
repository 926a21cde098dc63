package checks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"
)

// observation is what was seen of one run.
type observation struct {
	exitStatus     *int
	exitSignal     string
	records        []record
	stdout, stderr Output
	lastLine       string // of standard error
}

// notCounted ends every message of a run that told nothing.
const notCounted = " This try does not count."

// judge turns what was seen, or what kept Run from seeing it, into a verdict.
func (r *Result) judge(s Script, seen observation, err error) {
	r.Evidence.ExitStatus = seen.exitStatus
	r.Evidence.Stdout, r.Evidence.Stderr = seen.stdout, seen.stderr
	said, ended := seen.said()
	if err == nil {
		err = seen.fault(ended)
	}
	if err != nil {
		r.Verdict, r.Err = Unsure, err
		r.Message, r.Theirs = explain(err, s, seen)
		r.Message += notCounted
		return
	}
	values := maps.Clone(s.Vars)
	if values == nil {
		values = map[string]string{}
	}
	maps.Copy(values, said.values)
	r.decide(said, ended)
	r.Message, r.Theirs = r.message(s, said, ended, values, seen.lastLine)
}

// said returns the record that counts, and the script's exit status, which is
// negative where it is unknown. The first helper called decides, wherever that
// was: in a subshell it could not end the script.
func (o observation) said() (said record, status int) {
	status = -1
	for _, r := range o.records {
		if r.kind == "start" {
			continue
		}
		if said.kind == "" {
			said = r
		}
		if final, err := strconv.Atoi(r.status); err == nil {
			status = final
		}
	}
	if o.exitStatus != nil {
		status = *o.exitStatus
	}
	return said, status
}

// fault finds out what kept a script that has ended from being one to judge.
func (o observation) fault(status int) error {
	switch {
	case o.exitSignal != "" && status < 0:
		return fmt.Errorf("%w by signal %s", ErrKilled, o.exitSignal)
	case len(o.records) == 0:
		return fmt.Errorf("%w: exit status %d", ErrNoStart, status)
	case status < 0:
		return ErrConnection
	}
	return nil
}

// decide sets Verdict and Score.
func (r *Result) decide(said record, status int) {
	kind := said.kind
	if kind == "" {
		switch status {
		case 0:
			kind = "pass"
		case ExitUnsure:
			kind = "unsure"
		}
	}
	switch kind {
	case "pass":
		r.Verdict, r.Score = Pass, 1
	case "unsure":
		r.Verdict = Unsure
	case "partial":
		r.Verdict, r.Score = Fail, share(said.got, said.of)
		if r.Score == 1 {
			r.Verdict = Pass
		}
	default:
		r.Verdict = Fail
	}
}

// share returns got/of within [0,1], and 0 where they make no sense.
func share(got, of string) float64 {
	g, err1 := strconv.ParseFloat(got, 64)
	o, err2 := strconv.ParseFloat(of, 64)
	if err1 != nil || err2 != nil || !(g > 0) || !(o > 0) || math.IsInf(o, 0) {
		return 0
	}
	return min(g/o, 1)
}

// message finds the words for the student: those given to the helper, else the
// author's line for this verdict, else something that helps; and which of them
// are not our own.
func (r *Result) message(s Script, said record, status int, values map[string]string, lastLine string) (message, theirs string) {
	m := clean(said.message)
	if m != "" && r.Verdict != Unsure {
		return m, m
	}
	switch r.Verdict {
	case Pass:
		if m, ok := expand(s.PassMessage, values); ok && clean(m) != "" {
			return clean(m), clean(m)
		}
		return "Passed.", ""
	case Unsure:
		if m != "" {
			return m + notCounted, m
		}
		return withLine("The check could not tell whether this is done.", lastLine) + notCounted, lastLine
	}
	done := ""
	if r.Score > 0 {
		done = fmt.Sprintf("%s of %s done.", clean(said.got), clean(said.of))
	}
	if m, ok := expand(s.FailMessage, values); ok && clean(m) != "" {
		return strings.TrimSpace(done + " " + clean(m)), clean(m)
	}
	if done != "" {
		return done, ""
	}
	return withLine(fmt.Sprintf("The check did not pass (exit status %d).", status), lastLine), lastLine
}

func withLine(message, lastLine string) string {
	if lastLine == "" {
		return message
	}
	return message + " It said: " + lastLine
}

// explain says in plain words why there is no verdict, and which of them the
// guest has said.
func explain(err error, s Script, seen observation) (message, theirs string) {
	switch {
	case errors.Is(err, ErrTimeout):
		return fmt.Sprintf("The check was stopped: it had not finished after %s.", seconds(s.timeout())), ""
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "The check was interrupted before it had finished.", ""
	case errors.Is(err, ErrFlood):
		return fmt.Sprintf("The check was stopped: it printed more than %d MB.", MaxFlood>>20), ""
	case errors.Is(err, ErrKilled):
		return fmt.Sprintf("The check was stopped in your machine by signal %s before it had finished.", clean(seen.exitSignal)), ""
	case errors.Is(err, ErrNoStart):
		return withLine("The check could not be started in your machine. If it stays so, reset the machine.", seen.lastLine), seen.lastLine
	case errors.Is(err, ErrRefused):
		return "Your machine refused to run the check. If it stays so, reset the machine.", ""
	case errors.Is(err, ErrScript):
		return "This check has a fault of its own, which its author must mend.", ""
	default:
		return "The connection to your machine broke off, or it did not answer. Try again; if it stays so, reset the machine.", ""
	}
}

func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}
