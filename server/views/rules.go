package views

import (
	"math"
	"time"

	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/themes/words"
)

// Rules says in a language what a student must know of dates before the work,
// not after it: none where there are no dates. Extra time is theirs, and counted
// in.
func Rules(l *words.Language, p progress.Tutorial) []string {
	if p.Allowance.Excused {
		return []string{l.Say("You are excused: this does not count for you.")}
	}
	var out []string
	due, until := later(p.Policy.Due, p.Allowance.Extra), later(p.Policy.Until, p.Allowance.Extra)
	if due != nil && p.Policy.Penalty > 0 {
		percent := l.Number(math.Round(1000*p.Policy.Penalty) / 10)
		out = append(out, l.Say("Due {when}; each day late takes {percent} % off.", "when", moment(l, *due), "percent", percent))
	} else if due != nil {
		out = append(out, l.Say("Due {when}.", "when", moment(l, *due)))
	}
	if until != nil {
		out = append(out, l.Say("After {when} nothing counts any more.", "when", moment(l, *until)))
	}
	if p.Allowance.Extra > 0 && len(out) > 0 {
		out = append(out, l.Say("That is with your extra time."))
	}
	if p.Policy.Keep == progress.First {
		out = append(out, l.Say("Only your first attempt at each check counts."))
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

// moment writes the month in full where there is room for it.
func moment(l *words.Language, t time.Time) string {
	if l.Tag == words.Source {
		return t.UTC().Format("2 January 2006, 15:04 UTC")
	}
	return l.When(t)
}
