package content

import (
	"fmt"
	"slices"
)

// forCheck is a "for=" that must name a check, or a question where it comes
// with an answer.
type forCheck struct {
	id         string
	answers    bool
	at, length int
}

func (c *compiler) forAttribute(b *block, answers bool) string {
	a, ok := b.required("for")
	if !ok {
		return ""
	}
	c.fors = append(c.fors, forCheck{a.value, answers, b.base + a.vstart, a.vwidth})
	return a.value
}

// matchFors refuses "for=" that names no check, and checks without solution.
func (c *compiler) matchFors() {
	checks := map[string]*Check{}
	var ids []string
	for _, check := range c.tutorial.Checks {
		ids = append(ids, check.ID)
		checks[check.ID] = check
		c.mustBeSolved(check)
	}
	for _, f := range c.fors {
		switch check := checks[f.id]; {
		case check == nil && !c.lost[f.id]:
			c.src.fail(f.at, f.length, fmt.Sprintf("The tutorial has no check %s.", quote(f.id)), DidYouMean(f.id, ids))
		case check != nil && check.Question == nil && f.answers:
			c.src.fail(f.at, f.length, fmt.Sprintf("%s is no question, and takes no answer.", quote(f.id)), "Delete “answer”, or name a question.")
		}
	}
	c.matchAnswers(checks)
}

func (c *compiler) mustBeSolved(check *Check) {
	what, form, solved := "check", fmt.Sprintf("solve {for=%s}", check.ID), c.solved[check.ID]
	if check.Question != nil {
		what, form = "question", fmt.Sprintf("solve {for=%s answer=…}", check.ID)
		solved = c.answered[check.ID]
	}
	at := c.src.offset(check.File, check.Line)
	length := len(c.src.line(c.src.lineAt(at)))
	switch {
	case solved && c.unsolved[check.ID]:
		c.src.warn(at, length, fmt.Sprintf("The %s %s has a solution, though it says “unsolved”.", what, quote(check.ID)), "Delete “unsolved”.")
	case check.Question != nil && check.Question.solvesItself(check), check.ID == "":
	case !solved && !c.unsolved[check.ID]:
		c.src.fail(at, length, fmt.Sprintf("The %s %s has no solution.", what, quote(check.ID)),
			fmt.Sprintf("Add a block “```%s”, or write “unsolved=true” if there can be none.", form))
	}
}

// matchAnswers refuses answers that their question doesn't take. What a hole
// becomes can't be known here.
func (c *compiler) matchAnswers(checks map[string]*Check) {
	try := func(id, answer, file string, line int) {
		check := checks[id]
		if answer == "" || check == nil || check.Question == nil || slices.ContainsFunc(splitHoles(answer, c.declared), func(p TextPart) bool { return p.Var != "" }) {
			return
		}
		if _, err := check.Question.Find(answer, c.asWritten()); err != nil {
			at := c.src.offset(file, line)
			c.src.fail(at, len(c.src.line(c.src.lineAt(at))), fmt.Sprintf("The question %s does not take the answer %s.", quote(id), quote(answer)), err.Error())
		}
	}
	for _, s := range c.tutorial.Solutions {
		try(s.For, s.Answer, s.File, s.Line)
	}
	for _, m := range c.tutorial.Mistakes {
		try(m.For, m.Answer, m.File, m.Line)
	}
}

// asWritten fills each hole with itself.
func (c *compiler) asWritten() Values {
	values := Values{}
	for _, v := range c.tutorial.Vars {
		values[v.Name] = "{{" + v.Name + "}}"
	}
	return values
}

// atStep is a place that names a step.
type atStep struct {
	id         string
	at, length int
}

// matchSteps refuses names of steps that the tutorial does not have.
func (c *compiler) matchSteps() {
	var ids []string
	for _, s := range c.tutorial.Steps {
		if s.ID != "" {
			ids = append(ids, s.ID)
		}
	}
	for _, s := range c.atSteps {
		if !slices.Contains(ids, s.id) {
			c.src.fail(s.at, s.length, fmt.Sprintf("The tutorial has no step %s.", quote(s.id)), DidYouMean(s.id, ids))
		}
	}
}
