package progress

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes/words"
)

// Explain says line by line, for people, how the points have come about.
func (p Tutorial) Explain(l *words.Language, t *content.Tutorial) []string {
	lines := []string{strings.Join(p.rule(l), " ")}
	say := func(sentence string, holes ...any) { lines = append(lines, l.Say(sentence, holes...)) }
	for _, c := range t.Checks {
		line := l.Say("{check}: {what}.##explain", "check", called(t, c), "what", strings.Join(p.Checks[c.ID].explain(l, p.Policy), ", "))
		if p.Checks[c.ID].older(c) {
			line += " " + l.Say("The check was another version then.")
		}
		lines = append(lines, line)
	}
	for _, g := range p.Gone {
		say("{check}: {score}, kept though the author has taken this check out since.", "check", g.Check, "score", scoreOf(l, g.Points, g.Of))
	}
	if p.HintCost > 0 {
		say("Opened hints cost {points}.", "points", points(l, p.HintCost))
	}
	if p.TooLate > 0 {
		lines = append(lines, l.Count(float64(p.TooLate), "{n} attempt after the end ({when}) does not count.",
			"{n} attempts after the end ({when}) do not count.", "when", l.When(p.Policy.Until.Add(p.Allowance.Extra))))
	}
	if o := p.Override; o != nil {
		say("The attempts come to {earned}. An instructor set {points} on {when}: {reason}", "earned", points(l, p.Earned),
			"points", points(l, p.Points), "when", l.When(o.At), "reason", cmp.Or(o.Reason, l.Say("no reason was given.")))
	}
	if p.Allowance.Excused {
		lines = append(lines, strings.TrimSpace(l.Say("Excused: this tutorial does not count.")+" "+p.Allowance.Reason))
	}
	say("Altogether {score}.", "score", scoreOf(l, p.Points, p.Of))
	return lines
}

// rule is the policy, in whole sentences.
func (p Tutorial) rule(l *words.Language) []string {
	rules := []string{map[Keep]string{
		AsChecks: l.Say("Points once won stay, except where a check says that the latest attempt counts."),
		Best:     l.Say("The best attempt at each check counts."),
		Latest:   l.Say("The latest attempt at each check counts."),
		First:    l.Say("The first attempt at each check counts."),
	}[p.Policy.Keep]}
	if due := p.Policy.Due; due != nil {
		when := l.When(due.Add(p.Allowance.Extra))
		if p.Policy.Penalty > 0 {
			rules = append(rules, l.Say("Due {when}, then {percent} % less for each started day.", "when", when, "percent", l.Number(100*p.Policy.Penalty)))
		} else {
			rules = append(rules, l.Say("Due {when}.", "when", when))
		}
	}
	if end := p.Policy.Until; end != nil {
		rules = append(rules, l.Say("The last moment is {when}.", "when", l.When(end.Add(p.Allowance.Extra))))
	}
	if extra := p.Allowance.Extra; extra > 0 {
		rules = append(rules, l.Say("This includes extra time of {time}.", "time", duration(l, extra)))
	}
	return rules
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

// explain gives the parts of a check's line.
func (c Check) explain(l *words.Language, p Policy) []string {
	if c.Counts == nil {
		said := []string{scoreOf(l, 0, c.Of)}
		switch {
		case c.Attempts > 0:
			return append(said, l.Count(float64(c.Attempts), "{n} attempt, which does not count", "{n} attempts, none of which counts"))
		case c.Last != nil:
			return append(said, l.Say("no attempt could tell yet"))
		}
		return append(said, l.Say("not tried"))
	}
	outcome := l.Say("not passed")
	switch {
	case c.Passed:
		outcome = l.Say("passed")
	case c.Counts.Score > 0:
		outcome = l.Say("{percent} % done", "percent", l.Number(100*unit(c.Counts.Score)))
	}
	said := []string{scoreOf(l, c.Points, c.Of), l.Say("{outcome} by the attempt of {when} (one of {n})",
		"outcome", outcome, "when", l.When(c.Counts.StartedAt), "n", c.Attempts)}
	if cost := c.Cost(c.Counts.ID); cost > 0 {
		said = append(said, l.Say("{points} less for failed answers before it", "points", points(l, min(cost, unit(c.Counts.Score)*c.Of))))
	}
	if c.LateDays > 0 {
		late := l.Count(float64(c.LateDays), "{n} day late", "{n} days late")
		if p.Penalty > 0 {
			late = l.Say("{late}: {percent} % of its points are left", "late", late, "percent", l.Number(100*p.share(c.LateDays)))
		}
		said = append(said, late)
	}
	return said
}

// comment is a short text for a platform's gradebook. What an instructor gave
// as reason stays in Labmark. It is English: a gradebook has many readers.
func (p Tutorial) comment(t *content.Tutorial) string {
	en := words.In(words.Source)
	head := fmt.Sprintf("%s of %s: %d of %s passed", number(p.Points), points(en, p.Of), p.Passed(), en.Count(float64(len(t.Checks)), "{n} check", "{n} checks"))
	if p.Override != nil {
		head = fmt.Sprintf("%s of %s, set by an instructor (by the checks: %s)", number(p.Points), points(en, p.Of), number(p.Earned))
	}
	if p.Allowance.Excused {
		head = "Excused. " + head
	}
	text := &parts{}
	if late := p.lateDays(); late > 0 && p.Policy.Penalty > 0 {
		text.add("up to " + en.Count(float64(late), "{n} day late", "{n} days late"))
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

// number writes points with at most two decimals, in English.
func number(f float64) string { return words.In(words.Source).Number(f) }

// scoreOf is what was won of a number of points.
func scoreOf(l *words.Language, won, of float64) string {
	return l.Count(of, "{won} of {n} point", "{won} of {n} points", "won", l.Number(won))
}

func points(l *words.Language, f float64) string { return l.Count(f, "{n} point", "{n} points") }

func duration(l *words.Language, d time.Duration) string {
	if d%day == 0 {
		return l.Count(float64(d/day), "{n} day", "{n} days")
	}
	return words.Minutes(d)
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
