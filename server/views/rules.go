package views

import (
	"fmt"
	"math"
	"time"

	"github.com/labmark/labmark/server/progress"
)

// Rules says what a student must know of dates before the work, not after it:
// none where there are no dates. Extra time is theirs, and counted in.
func Rules(p progress.Tutorial) []string {
	if p.Allowance.Excused {
		return []string{"You are excused: this does not count for you."}
	}
	var out []string
	due, until := later(p.Policy.Due, p.Allowance.Extra), later(p.Policy.Until, p.Allowance.Extra)
	if due != nil {
		rule := "Due " + moment(*due) + "."
		if p.Policy.Penalty > 0 {
			rule = fmt.Sprintf("Due %s; each day late takes %g %% off.", moment(*due), math.Round(1000*p.Policy.Penalty)/10)
		}
		out = append(out, rule)
	}
	if until != nil {
		out = append(out, "After "+moment(*until)+" nothing counts any more.")
	}
	if p.Allowance.Extra > 0 && len(out) > 0 {
		out = append(out, "That is with your extra time.")
	}
	if p.Policy.Keep == progress.First {
		out = append(out, "Only your first attempt at each check counts.")
	}
	return out
}

func later(t *time.Time, by time.Duration) *time.Time {
	if t == nil {
		return nil
	}
	l := t.Add(by)
	return &l
}

func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
