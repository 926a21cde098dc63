package progress

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// Explain says line by line, for people, how the points have come about.
func (p Tutorial) Explain(t *content.Tutorial) []string {
	var lines []string
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	say("%s", p.rule())
	for _, c := range t.Checks {
		line := p.Checks[c.ID].explain(called(t, c), p.Policy)
		if p.Checks[c.ID].older(c) {
			line += " The check was another version then."
		}
		say("%s", line)
	}
	for _, g := range p.Gone {
		say("%s: %s of %s, kept though the author has taken this check out since.", g.Check, number(g.Points), points(g.Of))
	}
	if p.HintCost > 0 {
		say("Opened hints cost %s.", points(p.HintCost))
	}
	if p.TooLate > 0 {
		say("%s after the end (%s) do not count.", plural(p.TooLate, "attempt"), when(p.Policy.Until.Add(p.Allowance.Extra)))
	}
	if p.Override != nil {
		say("The attempts come to %s. An instructor set %s on %s: %s", points(p.Earned), points(p.Points), when(p.Override.At), orNone(p.Override.Reason))
	}
	if p.Allowance.Excused {
		say("Excused: this tutorial does not count. %s", p.Allowance.Reason)
	}
	say("Altogether %s of %s.", number(p.Points), points(p.Of))
	return lines
}

// rule is the policy in one line.
func (p Tutorial) rule() string {
	rule := map[Keep]string{
		AsChecks: "Points once won stay, except where a check says that the latest attempt counts.",
		Best:     "The best attempt at each check counts.",
		Latest:   "The latest attempt at each check counts.",
		First:    "The first attempt at each check counts.",
	}[p.Policy.Keep]
	if due := p.Policy.Due; due != nil {
		rule += " Due " + when(due.Add(p.Allowance.Extra))
		if p.Policy.Penalty > 0 {
			rule += fmt.Sprintf(", then %s %% less for each started day", number(100*p.Policy.Penalty))
		}
		rule += "."
	}
	if end := p.Policy.Until; end != nil {
		rule += " The last moment is " + when(end.Add(p.Allowance.Extra)) + "."
	}
	if p.Allowance.Extra > 0 {
		rule += " This includes extra time of " + duration(p.Allowance.Extra) + "."
	}
	return rule
}

// called is how people know a check: by the title of its task. The ID tells
// checks of one title apart.
func called(t *content.Tutorial, c *content.Check) string {
	if c.Title == "" {
		return c.ID
	}
	for _, other := range t.Checks {
		if other != c && other.Title == c.Title {
			return c.Title + " (" + c.ID + ")"
		}
	}
	return c.Title
}

func (c Check) explain(name string, p Policy) string {
	if c.Counts == nil {
		if c.Attempts > 0 {
			return fmt.Sprintf("%s: 0 of %s, %s, none of which counts.", name, points(c.Of), plural(c.Attempts, "attempt"))
		}
		if c.Last != nil {
			return fmt.Sprintf("%s: 0 of %s; no attempt could tell yet.", name, points(c.Of))
		}
		return fmt.Sprintf("%s: 0 of %s, not tried.", name, points(c.Of))
	}
	outcome := "not passed"
	switch {
	case c.Passed:
		outcome = "passed"
	case c.Counts.Score > 0:
		outcome = fmt.Sprintf("%s %% done", number(100*unit(c.Counts.Score)))
	}
	line := fmt.Sprintf("%s: %s of %s, %s by the attempt of %s (one of %d)",
		name, number(c.Points), points(c.Of), outcome, when(c.Counts.StartedAt), c.Attempts)
	if cost := c.Cost(c.Counts.ID); cost > 0 {
		line += fmt.Sprintf(", %s less for failed answers before it", points(min(cost, unit(c.Counts.Score)*c.Of)))
	}
	if c.LateDays > 0 {
		line += fmt.Sprintf(", %s late", plural(c.LateDays, "day"))
		if p.Penalty > 0 {
			line += fmt.Sprintf(": %s %% of its points are left", number(100*p.share(c.LateDays)))
		}
	}
	return line + "."
}

// comment is a short text for a platform's gradebook. What an instructor gave
// as reason stays in Labmark.
func (p Tutorial) comment(t *content.Tutorial) string {
	head := fmt.Sprintf("%s of %s: %d of %s passed", number(p.Points), points(p.Of), p.Passed(), plural(len(t.Checks), "check"))
	if p.Override != nil {
		head = fmt.Sprintf("%s of %s, set by an instructor (by the checks: %s)", number(p.Points), points(p.Of), number(p.Earned))
	}
	if p.Allowance.Excused {
		head = "Excused. " + head
	}
	text := &parts{}
	if late := p.lateDays(); late > 0 && p.Policy.Penalty > 0 {
		text.add("up to " + plural(late, "day") + " late")
	}
	if p.HintCost > 0 {
		text.add("hints −" + number(p.HintCost))
	}
	for _, c := range t.Checks {
		switch s := p.Checks[c.ID]; {
		case s.Passed:
			text.add(called(t, c) + " ✓")
		case s.Counts != nil && s.Counts.Score > 0:
			text.add(fmt.Sprintf("%s %s %%", called(t, c), number(100*unit(s.Counts.Score))))
		case s.Attempts > 0:
			text.add(called(t, c) + " ✗")
		}
	}
	return text.after(head)
}

// lateDays is the most that an attempt which counts was late.
func (p Tutorial) lateDays() int {
	n := 0
	for _, c := range p.Checks {
		n = max(n, c.LateDays)
	}
	return n
}

// maxComment bounds a comment, in bytes: gradebooks show it in a small box.
const maxComment = 500

// parts are put behind a text as long as there is room.
type parts struct{ list []string }

func (p *parts) add(s string) { p.list = append(p.list, s) }

func (p *parts) after(head string) string {
	var b strings.Builder
	b.WriteString(head)
	for i, s := range p.list {
		sep := ", "
		if i == 0 {
			sep = "; "
		}
		if b.Len()+len(sep)+len(s)+len(" …") > maxComment {
			b.WriteString(" …")
			return b.String()
		}
		b.WriteString(sep + s)
	}
	return b.String() + "."
}

// number writes points with at most two decimals.
func number(f float64) string {
	return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64)
}

func points(f float64) string {
	if number(f) == "1" {
		return "1 point"
	}
	return number(f) + " points"
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func when(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 MST") }

func duration(d time.Duration) string {
	if d%day == 0 {
		return plural(int(d/day), "day")
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

func orNone(reason string) string {
	if reason == "" {
		return "no reason was given."
	}
	return reason
}

// Newest is when a student was last seen at work; nil if never.
func (p Tutorial) Newest() *store.Attempt {
	var newest *store.Attempt
	for _, c := range p.Checks {
		if c.Last != nil && (newest == nil || after(c.Last, newest)) {
			newest = c.Last
		}
	}
	return newest
}
