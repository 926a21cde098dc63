package content

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// maxEntries is how many choices or answers a question has at most.
const maxEntries = 50

// keyList finds the list of a question's choices or answers. Every list that
// stands in a question by itself is taken for one, and a quote, or prose below
// the list, for feedback that lost its place: none must come on the page.
func (c *compiler) keyList(n ast.Node, a *asking) (list *ast.List) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		switch child := child.(type) {
		case *ast.List:
			if list != nil {
				c.failPage(c.nodeSpan(child), "A question has one list only: its choices or answers.", "Put them all into one list; leave no line of prose between.")
				continue
			}
			list = child
		case *ast.Paragraph:
			if list != nil {
				c.failPage(c.nodeSpan(child), "Prose stands before the list of a question, not after it.", "Move it up. If it is feedback, make it a quote in its entry.")
			}
		case *ast.Blockquote:
			c.failPage(c.nodeSpan(child), "A quote in a question is feedback, and belongs to a choice.", "Indent it as the choice's text.")
		}
	}
	a.listed = list != nil
	if list != nil && list.IsOrdered() != (a.Type == "order") && slices.Contains(questionTypes, a.Type) {
		if a.Type == "order" {
			c.failPage(c.nodeSpan(list), "What is to be put in order is a numbered list.", "Write “1. first”, “2. second”.")
		} else {
			c.failPage(c.nodeSpan(list), "Choices and answers are no numbered list.", "Write “- [x] right”, “- [ ] wrong”.")
		}
	}
	return list
}

// entries reads the list of a question.
func (c *compiler) entries(list *ast.List, at place) {
	if list.ChildCount() > maxEntries {
		c.failPage(c.nodeSpan(list), fmt.Sprintf("More than %d entries stand in this list.", maxEntries), "Leave some out.")
		return
	}
	seen := map[string]bool{}
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		e, ok := c.entry(item, at.question)
		if !ok {
			at.question.broken = true
			continue
		}
		if seen[e.written] {
			c.failPage(e.at, fmt.Sprintf("%s stands here twice.", quote(e.written)), "Keep one of them.")
			at.question.broken = true
			continue
		}
		seen[e.written] = true
		feedback := c.feedback(item, at)
		if at.question.choosing() {
			c.choice(item, e, feedback, at)
		} else {
			c.answer(item, e, feedback, at)
		}
	}
}

// listEntry is one line of a question's list.
type listEntry struct {
	line    ast.Node // the paragraph
	at      span     // its text, without the box
	written string
	right   bool
}

// joined is the start of another line, which lost its line break.
var joined = regexp.MustCompile(`\[[ \txX]\]|[ \t]{2}>`)

// entry reads the first line of an item, and takes its box away.
func (c *compiler) entry(item ast.Node, a *asking) (e listEntry, ok bool) {
	e.line = item.FirstChild()
	if e.line == nil || e.line.Lines().Len() == 0 || e.line.Kind() != ast.KindTextBlock && e.line.Kind() != ast.KindParagraph {
		c.failPage(c.nodeSpan(item), "This entry of the question's list has no text.", "Write “- [x] right” or “- [ ] wrong”.")
		return e, false
	}
	s := e.line.Lines().At(0)
	e.at = span{s.Start, s.Start + len(strings.TrimRight(c.page.text[s.Start:s.Stop], " \t\n"))}
	if e.line.Lines().Len() > 1 {
		c.failPage(e.at, "An entry of a question's list is one line.", "Join it with the next line. Feedback is a quote: start its line with “>”.")
		return e, false
	}
	check, boxed := e.line.FirstChild().(*east.TaskCheckBox)
	if boxed {
		e.right = check.IsChecked
		e.line.RemoveChild(e.line, check)
		e.at.start += strings.IndexByte(c.page.text[e.at.start:e.at.stop], ']') + 1
		e.at.start += len(c.page.text[e.at.start:e.at.stop]) - len(strings.TrimLeft(c.page.text[e.at.start:e.at.stop], " \t"))
	}
	text := c.page.text[e.at.start:e.at.stop]
	e.written = c.page.written(text)
	switch {
	case boxed == (a.Type == "order"):
		if boxed {
			c.failPage(e.at, "What is to be put in order has no box.", "Write “1. first”, in the right order.")
		} else {
			c.failPage(e.at, "This entry does not say whether it is right.", "Write “- [x] right” or “- [ ] wrong”.")
		}
		return e, false
	case text == "":
		c.failPage(c.nodeSpan(item), "This entry of the question's list has no text.", "Write it after the box.")
		return e, false
	}
	if m := joined.FindStringIndex(text); m != nil {
		c.failPage(span{e.at.start + m[0], e.at.start + m[1]}, "A second entry or its feedback seems to stand on this line.", "Start a line of its own with it.")
		return e, false
	}
	return e, true
}

// feedback takes the quotes off an item.
func (c *compiler) feedback(item ast.Node, at place) *ast.Document {
	var doc *ast.Document
	for child := item.FirstChild(); child != nil; {
		next := child.NextSibling()
		if quote, ok := child.(*ast.Blockquote); ok {
			if at.question.Type == "order" {
				c.failPage(c.nodeSpan(quote), "An order has no feedback for one entry.", "Delete it.")
			}
			item.RemoveChild(item, quote)
			if doc == nil {
				doc = ast.NewDocument()
			}
			adopt(doc, quote)
		}
		child = next
	}
	if doc != nil {
		c.blocks(doc, entryPlace(at))
	}
	return doc
}

// adopt moves all of a node's children.
func adopt(to, from ast.Node) {
	for child := from.FirstChild(); child != nil; child = from.FirstChild() {
		from.RemoveChild(from, child)
		to.AppendChild(to, child)
	}
}

// inEntry is the place.in of what stands in an entry: no block of the format
// may, and no heading's level counts for the page.
const inEntry = "question's list"

func entryPlace(at place) place {
	last := *at.last
	at.in, at.last, at.top = inEntry, &last, false
	return at
}

func (c *compiler) choice(item ast.Node, e listEntry, feedback *ast.Document, at place) {
	q := at.question.Question
	for child := e.line.NextSibling(); child != nil; child = child.NextSibling() {
		if child.Kind() != kindFence {
			c.failPage(c.nodeSpan(child), "An entry of a question's list is one line, and perhaps code and a quote with feedback.", "Start feedback with “>”.")
		}
	}
	text := splitHoles(c.page.written(c.plainText(e.line)), c.declared)
	digest := sha256.Sum256([]byte("labmark choice 1\x00" + at.question.check.ID + "\x00" + e.written))
	q.Choices = append(q.Choices, Choice{ID: "c" + hex.EncodeToString(digest[:6]), Text: text, Right: e.right})
	i := len(q.Choices) - 1
	doc := ast.NewDocument()
	adopt(doc, item)
	c.blocks(doc, entryPlace(at))
	c.bodies = append(c.bodies, unrendered{doc, func(b Body) { q.Choices[i].Body = b }})
	if feedback != nil {
		c.bodies = append(c.bodies, unrendered{feedback, func(b Body) { q.Choices[i].Feedback = b }})
	}
}

var (
	inTicks = regexp.MustCompile("^`[^`]+`$")
	pattern = regexp.MustCompile(`^/.+/$`)
)

// answer reads an answer. It is no Markdown: what stands there is the answer.
func (c *compiler) answer(item ast.Node, e listEntry, feedback *ast.Document, at place) {
	q := at.question.Question
	if other := e.line.NextSibling(); other != nil {
		c.failPage(c.nodeSpan(other), "An answer is one line, and perhaps a quote with feedback.", "Start feedback with “>”.")
	}
	text := e.written
	if inTicks.MatchString(text) {
		text = text[1 : len(text)-1]
	}
	a := Answer{Right: e.right}
	if q.Type == "text" && pattern.MatchString(text) {
		a.Pattern, text = true, text[1:len(text)-1]
	}
	a.Text = splitHoles(text, c.declared)
	holes := slices.ContainsFunc(a.Text, func(p TextPart) bool { return p.Var != "" })
	if a.Pattern {
		if _, err := a.pattern(c.asWritten(), q.Case); err != nil {
			c.failPage(e.at, "This pattern can't be read: "+reasonOf(err)+".", "Write it as RE2 has it; “\\/” needs no backslash.")
		}
	} else if _, ok := parseNumber(text); q.Type == "number" && !holes && !ok {
		c.failPage(e.at, fmt.Sprintf("%s is not a number.", quote(text)), "Write it as 0.5, or take type=text.")
	}
	q.Answers = append(q.Answers, a)
	i := len(q.Answers) - 1
	if feedback != nil {
		c.bodies = append(c.bodies, unrendered{feedback, func(b Body) { q.Answers[i].Feedback = b }})
	}
}

// reasonOf gives an error of the regexp package without its preamble.
func reasonOf(err error) string { return strings.TrimPrefix(err.Error(), "error parsing regexp: ") }
