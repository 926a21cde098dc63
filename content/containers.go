package content

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// maxAfter is the largest number of attempts a hint may wait for.
const maxAfter = 100

// container compiles a block fenced by colons.
func (c *compiler) container(n *container, at place) {
	if n.token != "" {
		return // a form in the place of a question's list
	}
	word := c.page.text[n.word.start:n.word.stop]
	switch {
	case at.in == inEntry:
		c.failPage(n.colons, "No block can stand in a "+inEntry+".", "Close the list before: leave a blank line, and start without spaces.")
		return
	case n.stray() && n.rest.start == n.rest.stop:
		c.failPage(n.colons, "There is no open block that this could close.", "Delete it, or look whether it is indented as its block.")
		return
	case n.stray():
		c.failPage(n.colons, "A block's word is missing after the colons.", "Write it as in “:::note”.")
		c.blocks(n, at)
		return
	case word == "include":
		return // only what could not be taken in is still here, and was refused
	case n.tooDeep:
		c.failPage(n.colons, fmt.Sprintf("More than %d blocks stand in each other here.", maxDepth), "Close some before.")
		return
	}
	if !n.closed {
		c.failPage(span{n.colons.start, n.word.stop}, fmt.Sprintf("This %s is not closed.", quote(word)),
			"End it with a line “:::”, indented as its start.")
	}
	if message, mend := classifyContainer(word); message != "" {
		c.failPage(n.word, message, mend)
		c.insideWrong(n, word, at)
		return
	}
	b := c.block(n.word, n.rest)
	switch word {
	case "task":
		c.task(n, b, at)
	case "question":
		c.question(n, b, at)
	case "hint":
		c.hint(n, b, at)
	case "tabs":
		c.tabs(n, b, at)
	case "tab":
		c.tab(n, b, at)
	case "details":
		title, _ := b.title("Details")
		n.open = b.openTag("details", "details", "") + "<summary>" + title + "</summary>\n"
		n.close = "</details>\n"
		c.within(n, b, at)
	default:
		title, _ := b.title(strings.ToUpper(word[:1]) + word[1:])
		n.open = b.openTag("aside", word, ` role="note"`) + `<p class="title">` + title + "</p>\n"
		n.close = "</aside>\n"
		c.within(n, b, at)
	}
}

// insideWrong looks for what is wrong within a container of a wrong word,
// taking it for the nearest one.
func (c *compiler) insideWrong(n *container, word string, at place) {
	w, known := words[word]
	if known && !w.colons {
		return // a script
	}
	at.in, at.top = word, false
	if near := nearest(word, wordList); near == "task" || known {
		at.in, at.task = near, &task{checks: 1}
	}
	c.blocks(n, at)
}

// within compiles what a container holds.
func (c *compiler) within(n *container, b *block, at place) {
	at.in, at.top = b.name, false
	c.blocks(n, at)
}

func (c *compiler) task(n *container, b *block, at place) {
	if at.in != "" {
		b.failWord(fmt.Sprintf("A task can't stand in a %s.", at.in), fmt.Sprintf("Close the %s with “:::” before.", at.in))
	}
	t := &task{id: b.id()}
	title := ""
	if _, ok := b.required("title"); ok {
		title, t.title = b.title("")
	}
	level := at.level + 1
	*at.last = level
	n.open = b.openTag("section", "task", "") + fmt.Sprintf("<h%d class=\"task-title\">%s</h%d>\n", level, title, level)
	n.close = "</section>\n"
	at.task, at.level = t, level
	c.within(n, b, at)
	c.hintsOf(t)
}

// hintsOf refuses hints that wait for attempts which can't be made.
func (c *compiler) hintsOf(t *task) {
	for _, h := range t.hints {
		if t.checks == 0 {
			c.src.fail(h.at, h.length, "The task of this hint has no check.", "Add a check, or delete the attribute.")
		}
	}
}

// hint takes a hint off the page: its text is sent when it is due.
func (c *compiler) hint(n *container, b *block, at place) {
	if at.hint {
		b.failWord("A hint can't stand in a hint.", "Close the first with “:::” before.")
	}
	h := &Hint{ID: b.id(), After: b.whole("after", maxAfter), Cost: b.points("cost", 0)}
	for i := len(c.tutorial.Hints) + 1; h.ID == ""; i++ {
		if id := fmt.Sprintf("hint-%d", i); c.free(id) {
			h.ID = id
			c.ids[id] = b.at
		}
	}
	for _, key := range []string{"after", "cost"} {
		a, ok := b.value(key)
		switch {
		case !ok:
		case at.task == nil:
			b.fail(a, fmt.Sprintf("%s counts in a task, and this hint stands in none.", quote(key)), "Move the hint into a task, or delete the attribute.")
		default:
			at.task.hints = append(at.task.hints, waiting{b.base + a.start, a.length})
		}
	}
	if at.task != nil {
		h.Task = at.task.id
	}
	if !n.HasChildren() {
		b.failWord("This hint is empty.", "Write what helps.")
	}
	c.tutorial.Hints = append(c.tutorial.Hints, h)
	last := *at.last // its headings are not the page's
	at.hint, at.last = true, &last
	c.within(n, b, at)

	doc := ast.NewDocument()
	for child := n.FirstChild(); child != nil; {
		next := child.NextSibling()
		n.RemoveChild(n, child)
		doc.AppendChild(doc, child)
		child = next
	}
	c.footed[doc] = "hint"
	c.bodies = append(c.bodies, unrendered{doc, func(b Body) { h.Body = b }})
	n.token = c.page.token(Part{Hint: h.ID})
}

func (c *compiler) free(id string) bool {
	_, taken := c.ids[id]
	return !taken
}
