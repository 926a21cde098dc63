// Package proof finds bad checks before a student does. It does to each
// tutorial of a course, in fresh guests, what students will do: nothing, every
// typical mistake, all that is asked, all that is asked of somebody else, and
// all that is asked but one line.
package proof

import (
	"context"
	"slices"
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
)

// Options say how a course is proved.
type Options struct {
	// Lab gives fresh guests.
	Lab Lab
	// Parallel is how many labs there are at a time; at least 1.
	Parallel int
	// Seed is the key from which students' variables are drawn.
	Seed string
	// Mutation leaves out each line of each solution in turn.
	Mutation bool
	// Tutorials are the IDs of those to prove; empty means all.
	Tutorials []string
	// Report is told what goes on, one event at a time; nil for nobody.
	Report func(Event)
}

// Kind is what a Result is about.
type Kind string

// The kinds, in the order in which they are tried.
const (
	Setup    Kind = "setup"    // a setup block succeeds, also a second time
	Start    Kind = "start"    // a check fails before anything is done
	Answer   Kind = "answer"   // a question takes right answers and no wrong ones
	Solution Kind = "solution" // a check passes once its solution was run
	Other    Kind = "other"    // and fails with another student's variables
	Mistake  Kind = "mistake"  // a typical mistake is noticed, and called by its name
	Mutant   Kind = "mutation" // a check notices what is missing
)

// Kinds are all of them, in order.
var Kinds = []Kind{Setup, Start, Answer, Solution, Other, Mistake, Mutant}

// State is what came of one Result.
type State string

// Held is as it should be, Fault is not. A Survivor is a line of a solution
// that the check does not miss. Skipped could or need not be tried.
const (
	Held     State = "ok"
	Fault    State = "fault"
	Survivor State = "survivor"
	Skipped  State = "skipped"
)

// Result is one thing that was proved, or not.
type Result struct {
	Tutorial string
	Kind     Kind
	// Subject is a check's ID, or for a setup the guest's name.
	Subject string
	// What was tried, in words.
	What string
	// File and Line are where to look, within the course.
	File string
	Line int

	State State
	// Message says what came of it; Mend what to do about it, may be empty.
	Message, Mend string
	// Runs are what was run for it, in order: the evidence.
	Runs []Run
	Took time.Duration
}

// Bad says whether the result keeps a course from being proved.
func (r Result) Bad() bool { return r.State == Fault || r.State == Survivor }

// Run is one script that was run.
type Run struct {
	Title string // what it was
	Guest string
	checks.Result
}

// Event is news of a proof that is under way.
type Event struct {
	Tutorial string
	// Planned is how many more results of this kind are to come.
	Kind    Kind
	Planned int
	// Result is one of them; nil where more are planned.
	Result *Result
	// Finished is set with the last event of the tutorial.
	Finished bool
}

// Report is what came of a course.
type Report struct {
	Course string // its title
	// Tutorials are in the course's order.
	Tutorials []Tutorial
	Started   time.Time
	Took      time.Duration
	// Labs is how many fresh labs were used, and Guests how many machines.
	Labs, Guests int
}

// Tutorial is what came of one tutorial. Results are in order of kind and place.
type Tutorial struct {
	ID, Title string
	Results   []Result
	Took      time.Duration
}

// Count is how many results are in a state.
func (t Tutorial) Count(s State) (n int) {
	for _, r := range t.Results {
		if r.State == s {
			n++
		}
	}
	return n
}

// Bad are all results that keep the course from being proved.
func (r Report) Bad() (bad []Result) {
	for _, t := range r.Tutorials {
		for _, result := range t.Results {
			if result.Bad() {
				bad = append(bad, result)
			}
		}
	}
	return bad
}

// Course proves a course, or some tutorials of it. The error is about what
// kept it from being tried at all: the end of ctx, or a lab that gives no guests.
func Course(ctx context.Context, course *content.Course, o Options) (Report, error) {
	p := newProver(course, o)
	report := Report{Course: course.Title, Started: time.Now()}
	done := make(chan struct{})
	var chosen []*trial
	for _, t := range course.Tutorials {
		if len(o.Tutorials) == 0 || slices.Contains(o.Tutorials, t.ID) {
			chosen = append(chosen, newTrial(p, t))
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.giveUp = cancel
	for _, t := range chosen {
		go func() { t.prove(ctx); done <- struct{}{} }()
	}
	for range chosen {
		<-done
	}
	for _, t := range chosen {
		report.Tutorials = append(report.Tutorials, t.report())
	}
	report.Took = time.Since(report.Started)
	report.Labs, report.Guests = p.used()
	return report, context.Cause(ctx)
}
