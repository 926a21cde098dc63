package content

import (
	"fmt"
	"slices"
	"time"
)

// worth adds a check to the tutorial, with what all blocks that give points
// have in common.
func (c *compiler) worth(b *block, at place) *Check {
	if c.original != nil {
		return c.translatedWorth(b, at)
	}
	check := &Check{
		ID:      b.id(),
		Guest:   c.tutorial.Guests[0].Name,
		Points:  b.points("points", c.defaults.points),
		Sticky:  b.flag("sticky", c.defaults.sticky),
		Lang:    languages[0],
		Timeout: c.defaults.timeout,
	}
	check.File, check.Line = c.src.where(b.at)
	if at.task != nil {
		check.Task, check.Title = at.task.id, at.task.title
		at.task.checks++
	}
	if b.flag("unsolved", false) {
		c.unsolved[check.ID] = true
	}
	c.stepOf[check] = at.step
	c.tutorial.Checks = append(c.tutorial.Checks, check)
	return check
}

// runs reads where and when a check looks into a guest, and takes its messages
// off the block's text.
func (c *compiler) runs(check *Check, b *block, s *script) {
	check.Guest = b.guest()
	check.Timeout = b.duration("timeout", time.Second, maxTimeout, c.defaults.timeout)
	check.Auto = b.duration("auto", 2*time.Second, time.Hour, 0)
	check.PassesAtStart = b.oneOf("passes", "", "start") == "start"
	c.messages(check, s)
	b.notEmpty(*s)
}

// decides is the check that a block is: one of its own, with a place on the
// page, or what decides about the question that it stands in.
func (c *compiler) decides(n *fenceBlock, b *block, at place) *Check {
	if at.question != nil {
		return at.question.decider(b)
	}
	if b.attrs.id == nil {
		b.noID()
	}
	check := c.worth(b, at)
	n.token = c.page.token(Part{Check: check.ID})
	return check
}

func (c *compiler) check(n *fenceBlock, b *block, s script, at place) {
	check := c.decides(n, b, at)
	c.runs(check, b, &s)
	check.Lang = b.oneOf("lang", languages[0], languages...)
	check.User = b.user()
	check.GuestTools = b.oneOf("tools", "", "guest") == "guest"
	c.holesInScript(s)
	check.Script, check.place = s.text, s.place
}

func (c *compiler) solve(n *fenceBlock, b *block, s script) {
	answer, answers := b.value("answer")
	if !answers {
		b.notEmpty(s)
	}
	c.holesInScript(s)
	solution := &Solution{
		For: c.forAttribute(b, answers), Answer: answer.value,
		Guest: b.guest(), User: b.user(), Lang: b.oneOf("lang", languages[0], languages...),
		Script: s.text, Shown: b.flag("show", false), place: s.place,
	}
	solution.File, solution.Line = c.src.where(b.at)
	c.solved[solution.For] = true
	if answers {
		c.answered[solution.For] = true
	}
	// All that a check's solutions show appears where the first of them stands.
	first := !slices.ContainsFunc(c.tutorial.Solutions, func(o *Solution) bool { return o.Shown && o.For == solution.For })
	c.tutorial.Solutions = append(c.tutorial.Solutions, solution)
	if solution.Shown && first {
		n.token = c.page.token(Part{Solution: solution.For})
	}
}

func (c *compiler) mistake(b *block, s script) {
	answer, answers := b.value("answer")
	if !answers {
		b.notEmpty(s)
	}
	c.holesInScript(s)
	m := &Mistake{
		For: c.forAttribute(b, answers), Answer: answer.value,
		Guest: b.guest(), User: b.user(), Lang: b.oneOf("lang", languages[0], languages...),
		Script: s.text, place: s.place,
	}
	m.File, m.Line = c.src.where(b.at)
	if a, ok := b.required("expect"); ok {
		m.Expect = a.value
	}
	c.tutorial.Mistakes = append(c.tutorial.Mistakes, m)
}

// noID refuses a block that needs an id.
func (b *block) noID() {
	b.failWord(fmt.Sprintf("This %s has no id.", b.name), fmt.Sprintf("Write “%s {#an-id …}”.", b.name))
}
