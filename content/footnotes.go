package content

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Footnotes are written as in goldmark's extension: "[^name]" in the text, and
// "[^name]: …" with more paragraphs indented by four. That one keeps them all
// for the end of the document, and a tutorial has many: each step shows its
// own, and so does each hint, whose footnotes no student may see before it.

var (
	kindFootnote     = ast.NewNodeKind("LabmarkFootnote")
	kindFootnoteMark = ast.NewNodeKind("LabmarkFootnoteMark")
	kindFootnoteList = ast.NewNodeKind("LabmarkFootnoteList")
	kindFootnoteBack = ast.NewNodeKind("LabmarkFootnoteBack")
)

// footnote is the text of one.
type footnote struct {
	ast.BaseBlock
	label  span
	number int           // from 1, over the whole tutorial; 0 until one refers to it
	home   *ast.Document // the step or hint that shows it
	marks  []*footnoteMark
}

func (*footnote) Kind() ast.NodeKind { return kindFootnote }

// Dump is there for goldmark's debugging.
func (n *footnote) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// footnoteMark is a place in the text that refers to one.
type footnoteMark struct {
	ast.BaseInline
	at     span // from "[" to "]"
	number int
	id     string
	doc    *ast.Document
}

func (*footnoteMark) Kind() ast.NodeKind { return kindFootnoteMark }

// Dump is there for goldmark's debugging.
func (n *footnoteMark) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// footnoteList ends a step or a hint.
type footnoteList struct{ ast.BaseBlock }

func (*footnoteList) Kind() ast.NodeKind { return kindFootnoteList }

// Dump is there for goldmark's debugging.
func (n *footnoteList) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// footnoteBack leads back to where the text refers to it.
type footnoteBack struct {
	ast.BaseInline
	to []*footnoteMark
}

func (*footnoteBack) Kind() ast.NodeKind { return kindFootnoteBack }

// Dump is there for goldmark's debugging.
func (n *footnoteBack) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// footnoteLabel finds "[^name]" at the start of a text, and gives where the
// name ends.
func footnoteLabel(line []byte) (end int, ok bool) {
	if len(line) < 4 || line[0] != '[' || line[1] != '^' {
		return 0, false
	}
	end = bytes.IndexAny(line, "] \t\n")
	return end, end > 2 && line[end] == ']'
}

type footnoteParser struct{}

func (footnoteParser) Trigger() []byte { return []byte{'['} }

func (footnoteParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	pos := pc.BlockOffset()
	if pos < 0 {
		return nil, parser.NoChildren
	}
	end, ok := footnoteLabel(line[pos:])
	if !ok || pos+end+1 >= len(line) || line[pos+end+1] != ':' {
		return nil, parser.NoChildren
	}
	base := segment.Start - segment.Padding + pos
	n := &footnote{label: span{base + 2, base + end}}
	reader.AdvanceAndSetPadding(pos+end+2-segment.Padding, 0)
	return n, parser.HasChildren
}

func (footnoteParser) Continue(_ ast.Node, reader text.Reader, _ parser.Context) parser.State {
	line, _ := reader.PeekLine()
	if util.IsBlank(line) {
		return parser.Continue | parser.HasChildren
	}
	pos, padding := util.IndentPosition(line, reader.LineOffset(), 4)
	if pos < 0 {
		return parser.Close
	}
	reader.AdvanceAndSetPadding(pos, padding)
	return parser.Continue | parser.HasChildren
}

func (footnoteParser) Close(ast.Node, text.Reader, parser.Context) {}

func (footnoteParser) CanInterruptParagraph() bool { return true }

func (footnoteParser) CanAcceptIndentedLine() bool { return false }

type footnoteMarkParser struct{}

func (footnoteMarkParser) Trigger() []byte { return []byte{'['} }

func (footnoteMarkParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, segment := block.PeekLine()
	end, ok := footnoteLabel(line)
	if !ok {
		return nil
	}
	block.Advance(end + 1)
	return &footnoteMark{at: span{segment.Start, segment.Start + end + 1}}
}

// hasFootnotes spares most tutorials the walks over all of their nodes.
func (c *compiler) hasFootnotes() bool { return strings.Contains(c.page.text, "[^") }

// takeFootnotes takes the texts of footnotes out of the document, by their names.
func (c *compiler) takeFootnotes(doc ast.Node) {
	if !c.hasFootnotes() {
		return
	}
	var found []*footnote
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if f, ok := n.(*footnote); ok && entering {
			found = append(found, f)
		}
		return ast.WalkContinue, nil
	})
	for _, f := range found {
		f.Parent().RemoveChild(f.Parent(), f)
		name := c.footnoteName(f.label)
		if first := c.footnotes[name]; first != nil {
			c.failPage(f.label, fmt.Sprintf("The footnote %s stands in %s already.", quote(name), c.src.lineName(c.page.file(first.label.start))), "Give each its own name.")
			continue
		}
		if c.footnotes == nil {
			c.footnotes = map[string]*footnote{}
		}
		c.footnotes[name] = f
		c.footnoteText(f)
	}
}

func (c *compiler) footnoteName(label span) string {
	return c.page.written(util.ToLinkReference(c.source[label.start:label.stop]))
}

// footnoteText compiles what a footnote says: prose and plain code.
func (c *compiler) footnoteText(f *footnote) {
	refused := false
	refuse := func(at span, what string) ast.WalkStatus {
		c.failPage(at, what+" can't stand in a footnote.", "Put it into the text.")
		refused = true
		return ast.WalkSkipChildren
	}
	_ = ast.Walk(f, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n == ast.Node(f) {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *container:
			return refuse(n.colons, "A block"), nil
		case *footnote:
			return refuse(n.label, "A footnote"), nil
		case *footnoteMark:
			return refuse(n.at, "A footnote"), nil
		case *ast.Heading:
			return refuse(c.nodeSpan(n), "A heading"), nil
		case *fenceBlock:
			if kind, _, _ := classifyFence(c.page.text[n.word.start:n.word.stop], c.page.text[n.rest.start:n.rest.stop]); kind != plainFence {
				return refuse(n.word, "A block"), nil
			}
		}
		return ast.WalkContinue, nil
	})
	if !f.HasChildren() {
		c.failPage(f.label, "This footnote is empty.", "Write its text after the colon.")
	}
	if !refused {
		last := 1
		c.blocks(f, place{in: "footnote", level: 1, last: &last})
	}
}

// placeFootnotes numbers the footnotes and puts each to the end of the first
// step that refers to it, or of the hint if no step does.
func (c *compiler) placeFootnotes() {
	if !c.hasFootnotes() {
		return
	}
	for _, hints := range []bool{false, true} {
		for _, m := range c.footnoteMarks(hints) {
			c.placeFootnote(m, hints)
		}
	}
	for _, f := range c.footnotes {
		if f.number == 0 {
			c.failPage(f.label, "Nothing refers to this footnote, so nobody would see it.",
				fmt.Sprintf("Write %s in the text.", quote("[^"+c.footnoteName(f.label)+"]")))
		}
	}
}

// footnoteMarks finds where steps, or hints, refer to footnotes.
func (c *compiler) footnoteMarks(hints bool) []*footnoteMark {
	var found []*footnoteMark
	for _, body := range c.bodies {
		what, knows := c.footed[body.doc]
		if knows && (what == "hint") != hints || !knows && hints {
			continue
		}
		_ = ast.Walk(body.doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if m, ok := n.(*footnoteMark); ok && entering {
				m.doc = body.doc
				if knows {
					found = append(found, m)
				} else {
					c.noFootnote(m)
				}
			}
			return ast.WalkContinue, nil
		})
	}
	slices.SortFunc(found, func(a, b *footnoteMark) int { return cmp.Compare(a.at.start, b.at.start) })
	return found
}

func (c *compiler) noFootnote(m *footnoteMark) {
	c.failPage(m.at, "A footnote can't stand here.", `Write “\[^” if it is meant as it stands.`)
}

func (c *compiler) placeFootnote(m *footnoteMark, hint bool) {
	name := c.footnoteName(span{m.at.start + 2, m.at.stop - 1})
	f := c.footnotes[name]
	if f == nil && c.src.full() {
		return
	}
	if f == nil {
		names := make([]string, 0, len(c.footnotes))
		for n := range c.footnotes {
			names = append(names, n)
		}
		slices.Sort(names)
		c.failPage(m.at, fmt.Sprintf("There is no footnote %s.", quote(name)), `Write “\[^” if it is meant as it stands. `+DidYouMean(name, names))
		return
	}
	if f.home == nil {
		f.home = m.doc
		c.footnoteCount++
		f.number = c.footnoteCount
		list, ok := m.doc.LastChild().(*footnoteList)
		if !ok {
			list = &footnoteList{}
			m.doc.AppendChild(m.doc, list)
		}
		list.AppendChild(list, f)
	} else if hint && f.home != m.doc && c.footed[f.home] == "hint" {
		c.failPage(m.at, "This footnote belongs to another hint, which may be closed.", "Give this hint a footnote of its own.")
		return
	}
	f.marks = append(f.marks, m)
	m.number = f.number
	// With a colon in it, no author's id is the same.
	m.id = "fnref:" + strconv.Itoa(f.number)
	if len(f.marks) > 1 {
		m.id += ":" + strconv.Itoa(len(f.marks))
	}
	// From a hint one comes back by its own footnotes only: it may be closed.
	if len(f.marks) == 1 {
		backTo(f)
	}
	if m.doc == f.home || !hint {
		back := f.back()
		back.to = append(back.to, m)
	}
}

// backTo gives a footnote's text the links back, at the end of its last
// paragraph.
func backTo(f *footnote) {
	last := f.LastChild()
	if last == nil || last.Kind() != ast.KindParagraph {
		last = ast.NewParagraph()
		f.AppendChild(f, last)
	}
	last.AppendChild(last, &footnoteBack{})
}

func (n *footnote) back() *footnoteBack { return n.LastChild().LastChild().(*footnoteBack) }

func renderFootnoteMark(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if m := n.(*footnoteMark); entering {
		_, _ = fmt.Fprintf(w, `<sup class="footnote-mark"><a href="#fn:%d" id="%s" role="doc-noteref">%d</a></sup>`, m.number, m.id, m.number)
	}
	return ast.WalkContinue, nil
}

func renderFootnoteList(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString("<section class=\"footnotes\" role=\"doc-endnotes\">\n<ol>\n")
	} else {
		_, _ = w.WriteString("</ol>\n</section>\n")
	}
	return ast.WalkContinue, nil
}

func renderFootnote(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if f := n.(*footnote); entering {
		_, _ = fmt.Fprintf(w, "<li id=\"fn:%d\" value=\"%d\">\n", f.number, f.number)
	} else {
		_, _ = w.WriteString("</li>\n")
	}
	return ast.WalkContinue, nil
}

func renderFootnoteBack(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	for i, m := range n.(*footnoteBack).to {
		// The role is told in the reader's language, whatever the course's is.
		_, _ = fmt.Fprintf(w, ` <a href="#%s" role="doc-backlink" aria-label="[%d]`, m.id, m.number)
		if i > 0 {
			_, _ = fmt.Fprintf(w, " %d", i+1)
		}
		_, _ = w.WriteString("\">↩\ufe0e</a>") // a letter, and no picture of one
	}
	return ast.WalkContinue, nil
}
