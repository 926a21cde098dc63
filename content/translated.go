package content

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// translatedAttributes are those that blocks of a translation take, where
// that is fewer than in the original.
var translatedAttributes = map[string][]string{
	"question": {"title"}, "hint": nil, "check": nil, "assert": nil, "solve": {"for"}, "file": nil,
}

// notRepeated refuses an attribute, or a whole block, whose place is the
// original.
const notRepeated = "It counts as it stands in the original: delete it here."

// translatedFence compiles a fenced block of a translation: a place for what
// the original holds, and words.
func (c *compiler) translatedFence(n *fenceBlock, b *block, s script, at place) {
	switch b.name {
	case "check", "assert":
		c.translatedCheck(n, b, s, at)
	case "solve":
		c.translatedSolve(n, b, s)
	case "file":
		c.translatedFile(n, b, s)
	case "run":
		c.run(n, b, s)
	default:
		b.failWord(fmt.Sprintf("A %s has no place in a translation.", b.name), notRepeated)
	}
}

// translatedWorth gives a copy of the original's check, to be told in other
// words.
func (c *compiler) translatedWorth(b *block, at place) *Check {
	var ids []string
	check := &Check{ID: b.id()}
	for _, o := range c.original.tutorial.Checks {
		ids = append(ids, o.ID)
		if o.ID == b.id() {
			*check = *o
			check.source = o
			if o.Question != nil {
				q := *o.Question
				q.Choices, q.Answers = nil, nil
				check.Question = &q
			}
		}
	}
	if isQuestion := b.name == "question"; check.source == nil || isQuestion != (check.Question != nil) {
		b.failWord(fmt.Sprintf("The original has no %s %s.", b.name, quote(b.id())), DidYouMean(b.id(), ids))
		check.Question = &Question{}
	}
	if at.task != nil {
		check.Title = at.task.title
		at.task.checks++
	}
	check.File, check.Line = c.src.where(b.at)
	c.stepOf[check] = at.step
	c.tutorial.Checks = append(c.tutorial.Checks, check)
	return check
}

// translatedCheck reads a check's messages.
func (c *compiler) translatedCheck(n *fenceBlock, b *block, s script, at place) {
	check := c.decides(n, b, at)
	original := check.Source()
	check.PassMessage, check.FailMessage = "", ""
	c.messages(check, &s)
	c.onlyInOriginal(s)
	for _, m := range []struct {
		word           string
		message, there *string
	}{{":pass:", &check.PassMessage, &original.PassMessage}, {":fail:", &check.FailMessage, &original.FailMessage}} {
		switch {
		case *m.message == "" && *m.there != "":
			b.c.src.warn(b.at, len(b.name), fmt.Sprintf("The message %s is not translated.", quote(m.word)), "The original says: "+*m.there)
			*m.message = *m.there
		case *m.message != "" && *m.there == "" && check.source != nil:
			b.failWord(fmt.Sprintf("The original has no message %s here.", quote(m.word)), "Delete it, or add it there.")
		}
	}
}

// onlyInOriginal refuses what stands between fences that hold words only.
func (c *compiler) onlyInOriginal(s script) {
	for _, start := range s.at {
		line := c.src.line(c.src.lineAt(start))
		if strings.TrimSpace(line) != "" {
			c.src.fail(start, len(line), "A translation holds no scripts, facts and files.", "Delete it: the original's counts.")
			return
		}
	}
}

// translatedSolve marks the place of a solution that students may read.
func (c *compiler) translatedSolve(n *fenceBlock, b *block, s script) {
	c.onlyInOriginal(s)
	a, ok := b.required("for")
	switch {
	case !ok:
	case !slices.Contains(shownSolutions(c.original.tutorial), a.value):
		b.failValue(a, fmt.Sprintf("The original shows no solution for %s.", quote(a.value)), notRepeated)
	case slices.Contains(c.placed, a.value):
		b.failValue(a, fmt.Sprintf("The solutions for %s have their place already.", quote(a.value)), "Keep one.")
	default:
		c.placed = append(c.placed, a.value)
		n.token = c.page.token(Part{Solution: a.value})
	}
}

// shownSolutions are the checks whose solutions students may read.
func shownSolutions(t *Tutorial) []string {
	var shown []string
	for _, s := range t.Solutions {
		if s.Shown && !slices.Contains(shown, s.For) {
			shown = append(shown, s.For)
		}
	}
	return shown
}

// translatedFile marks the place of a file.
func (c *compiler) translatedFile(n *fenceBlock, b *block, s script) {
	c.onlyInOriginal(s)
	i := len(c.tutorial.FileBlocks)
	if i >= len(c.original.tutorial.FileBlocks) {
		b.failWord("The original has fewer files.", notRepeated)
		return
	}
	f := c.original.tutorial.FileBlocks[i]
	switch {
	case b.id() == "":
		c.ids[f.ID] = b.at
	case b.id() != f.ID:
		b.failWord(fmt.Sprintf("The original has the file %s here.", quote(f.ID)), "Keep the order of files.")
	}
	c.tutorial.FileBlocks = append(c.tutorial.FileBlocks, f)
	n.token = c.page.token(Part{File: f.ID})
}

// settleTranslated compares the translation with the original, and takes from
// there what is not words.
func (c *compiler) settleTranslated() {
	o, t := c.original.tutorial, c.tutorial
	c.nameAsOriginal()
	c.placeFootnotes()
	for check, step := range c.stepOf {
		check.Step = t.Steps[step].ID
	}
	c.sameIDs()
	for _, id := range shownSolutions(o) {
		if !slices.Contains(c.placed, id) {
			c.failStep(c.original.stepOfCheck(id), fmt.Sprintf("The place of the solution for %s is missing.", quote(id)), fmt.Sprintf("Add an empty block “```solve {for=%s}”.", id))
		}
	}
	for _, check := range t.Checks {
		if check.Question != nil && check.source != nil && check.source.Question != nil {
			c.sameKey(check.Question, check.source.Question, c.src.offset(check.File, check.Line))
		}
	}
	for i, h := range t.Hints {
		if i < len(o.Hints) && o.Hints[i].ID == h.ID {
			h.After, h.Cost = o.Hints[i].After, o.Hints[i].Cost
		}
	}
	order := map[string]int{}
	for i, check := range o.Checks {
		order[check.ID] = i
	}
	slices.SortStableFunc(t.Checks, func(a, b *Check) int { return order[a.ID] - order[b.ID] })
	t.Setups, t.Solutions, t.Mistakes = o.Setups, o.Solutions, o.Mistakes
}

// nameAsOriginal gives each heading the id of the original's.
func (c *compiler) nameAsOriginal() {
	for i, h := range c.headings {
		if i >= len(c.original.headings) || c.original.headings[i].node.Level != h.node.Level || c.original.headings[i].step != h.step {
			mend := "Delete it, or add one to the original."
			if i < len(c.original.headings) {
				mend = fmt.Sprintf("There it is %s, on level %d.", quote(c.original.headings[i].title), c.original.headings[i].node.Level)
			}
			c.failPage(c.nodeSpan(h.node), "The original has another heading here.", mend)
			return
		}
		id := headingIDOf(c.original.headings[i].node)
		if given := headingIDOf(h.node); given != "" && given != id {
			c.failPage(c.nodeSpan(h.node), fmt.Sprintf("This heading has the id %s in the original.", quote(id)), "Write the same, or none.")
		}
		h.node.SetAttributeString("id", []byte(id))
		c.ids[id] = c.page.file(max(h.node.Pos(), 0))
		if h.step >= 0 {
			c.tutorial.Steps[h.step].ID = id
		}
	}
	if missing := len(c.headings); missing < len(c.original.headings) {
		c.src.failFile(fmt.Sprintf("The heading %s of the original is missing.", quote(c.original.headings[missing].title)), "Translate it at its place.")
	}
}

func headingIDOf(h *ast.Heading) string {
	v, _ := h.AttributeString("id")
	id, _ := v.([]byte)
	return string(id)
}

// sameIDs refuses ids that only one of both has.
func (c *compiler) sameIDs() {
	for _, id := range slices.Sorted(maps.Keys(c.original.ids)) {
		if _, ok := c.ids[id]; !ok {
			at := c.original.ids[id]
			c.failStep(c.original.stepAt(at), fmt.Sprintf("The translation lacks %s, which stands in %s of the original.", quote(id), c.original.src.lineName(at)), "Translate its block, with the same id.")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.ids)) {
		if _, ok := c.original.ids[id]; !ok {
			c.src.fail(c.ids[id], len(id), fmt.Sprintf("The original has no %s.", quote(id)), DidYouMean(id, slices.Sorted(maps.Keys(c.original.ids))))
		}
	}
}

// sameKey compares a question's list with the original's, entry by entry.
func (c *compiler) sameKey(q, o *Question, at int) {
	fail := func(message, mend string) {
		c.src.fail(at, len(c.src.line(c.src.lineAt(at))), message, mend)
	}
	if len(q.Choices) != len(o.Choices) || len(q.Answers) != len(o.Answers) {
		fail(fmt.Sprintf("The original's list has %d entries, and this one has %d.", len(o.Choices)+len(o.Answers), len(q.Choices)+len(q.Answers)), "Translate entry by entry, in the same order.")
		return
	}
	for i := range q.Choices {
		if q.Choices[i].Right != o.Choices[i].Right {
			fail(fmt.Sprintf("Entry %d of the list is right in one of original and translation, and wrong in the other.", i+1), "Keep the order of the original, and its “[x]”.")
		}
		q.Choices[i].ID, q.Choices[i].Text = o.Choices[i].ID, o.Choices[i].Text
	}
	for i := range q.Answers {
		if q.Answers[i].Right != o.Answers[i].Right || q.Answers[i].Pattern != o.Answers[i].Pattern || !slices.Equal(q.Answers[i].Text, o.Answers[i].Text) {
			fail(fmt.Sprintf("Answer %d is another one than in the original.", i+1), "Copy the answers from there; only their feedback is translated.")
		}
	}
}

// stepAt gives the index of the step that an offset of the file is in.
func (c *compiler) stepAt(offset int) int {
	step := 0
	for _, h := range c.headings {
		if h.step >= 0 && c.page.file(max(h.node.Pos(), 0)) <= offset {
			step = h.step
		}
	}
	return step
}

func (c *compiler) stepOfCheck(id string) int {
	for check, step := range c.stepOf {
		if check.ID == id {
			return step
		}
	}
	return 0
}

// failStep reports at the start of a step what it lacks.
func (c *compiler) failStep(step int, message, mend string) {
	for _, h := range c.headings {
		if h.step == step {
			c.failPage(c.nodeSpan(h.node), message, mend)
			return
		}
	}
	c.src.fail(c.page.base, 0, message, mend)
}
