package content

import (
	"fmt"
	"slices"
)

// forCheck is a "for=" that must name a check.
type forCheck struct {
	id         string
	at, length int
}

func (c *compiler) forAttribute(b *block) string {
	a, ok := b.required("for")
	if !ok {
		return ""
	}
	c.fors = append(c.fors, forCheck{a.value, b.base + a.vstart, a.vwidth})
	return a.value
}

// matchFors refuses "for=" that names no check, and checks without solution.
func (c *compiler) matchFors() {
	var ids []string
	for _, check := range c.tutorial.Checks {
		ids = append(ids, check.ID)
		at := c.src.offset(check.File, check.Line)
		length := len(c.src.line(c.src.lineAt(at)))
		switch {
		case c.solved[check.ID] && c.unsolved[check.ID]:
			c.src.warn(at, length, fmt.Sprintf("The check %s has a solution, though it says “unsolved”.", quote(check.ID)), "Delete “unsolved”.")
		case !c.solved[check.ID] && !c.unsolved[check.ID] && check.ID != "":
			c.src.fail(at, length, fmt.Sprintf("The check %s has no solution.", quote(check.ID)),
				fmt.Sprintf("Add a block “```solve {for=%s}”, or write “unsolved=true” if there can be none.", check.ID))
		}
	}
	for _, f := range c.fors {
		if !slices.Contains(ids, f.id) && !c.lost[f.id] {
			c.src.fail(f.at, f.length, fmt.Sprintf("The tutorial has no check %s.", quote(f.id)), didYouMean(f.id, ids))
		}
	}
}
