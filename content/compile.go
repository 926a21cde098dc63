package content

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// compiler makes a Tutorial of its Markdown.
type compiler struct {
	loader   *loader
	original *compiler // of what this is a translation; nil for none
	src      *source
	tutorial *Tutorial
	defaults defaults
	page     *page
	source   []byte // the page's text

	ids        map[string]int // each id of the page, and its place in the file
	slugs      map[string]int // how often each was given to a heading
	headings   []heading      // that get an id of their own
	references []reference    // to ids of this or another tutorial
	fors       []forCheck
	atSteps    []atStep // steps that are named
	placed     []string // checks whose solutions have a place in a translation
	solved     map[string]bool
	answered   map[string]bool // of solved: by an answer
	unsolved   map[string]bool
	lost       map[string]bool // ids of fences with a wrong word, which may be checks
	stepOf     map[*Check]int
	bodies     []unrendered

	filling int // bytes: see fills

	footnotes     map[string]*footnote
	footnoteCount int
	footed        map[*ast.Document]string // documents that may have footnotes: "step" or "hint"
}

// unrendered is a body that waits until all of the tutorial is known.
type unrendered struct {
	doc  *ast.Document
	into func(Body)
}

func newCompiler(l *loader, src *source, f front) *compiler {
	c := &compiler{
		loader: l, src: src, tutorial: f.tutorial, defaults: f.defaults, atSteps: f.atSteps,
		ids: map[string]int{}, slugs: map[string]int{}, footed: map[*ast.Document]string{},
		solved: map[string]bool{}, answered: map[string]bool{}, unsolved: map[string]bool{}, lost: map[string]bool{}, stepOf: map[*Check]int{},
	}
	c.page = newPage(src.text, f.body, c.declared)
	c.source = []byte(c.page.text)
	return c
}

func (c *compiler) declared(name string) bool {
	return slices.ContainsFunc(c.tutorial.Vars, func(v Var) bool { return v.Name == name })
}

// failPage reports an error at a place of the page.
func (c *compiler) failPage(at span, message, mend string) {
	start := c.page.file(at.start)
	c.src.fail(start, c.page.file(at.stop)-start, message, mend)
}

func (c *compiler) compile() {
	if !c.shallow() {
		return
	}
	if c.fills(c.src.text); c.filling > maxFilled {
		return
	}
	doc := markdown.Parser().Parse(text.NewReader(c.source))
	c.guard(doc)
	c.takeFootnotes(doc)
	c.steps(doc)
	c.finish()
	if c.src.findings.refuse() {
		return // nothing of it will be shown
	}
	for _, b := range c.bodies {
		b.into(c.render(b.doc))
	}
}

// place is where in a tutorial a block stands.
type place struct {
	step     int
	task     *task
	question *asking
	in       string // the word of the innermost container, or ""
	hint     bool
	level    int  // of the heading that this place belongs to
	last     *int // level of the last heading
	top      bool // not within a list, a quote or a container
}

// task is a task block under way.
type task struct {
	id, title string
	checks    int
	hints     []waiting
}

// waiting is a hint that needs checks in its task.
type waiting struct{ at, length int }

// steps takes the document apart at its "##" headings.
func (c *compiler) steps(doc ast.Node) {
	part := ast.NewDocument()
	flush := func() {
		n := len(c.tutorial.Steps)
		if n > 0 || part.HasChildren() {
			if n == 0 {
				c.tutorial.Steps = append(c.tutorial.Steps, Step{})
				n = 1
			}
			level := 1
			if c.tutorial.Steps[n-1].Title != "" {
				level = 2
			}
			last := level
			c.blocks(part, place{step: n - 1, level: level, last: &last, top: true})
			c.footed[part] = "step"
			c.bodies = append(c.bodies, unrendered{part, func(b Body) { c.tutorial.Steps[n-1].Body = b }})
		}
		part = ast.NewDocument()
	}
	for n := doc.FirstChild(); n != nil; {
		next := n.NextSibling()
		doc.RemoveChild(doc, n)
		if h, ok := n.(*ast.Heading); ok && h.Level == 2 {
			flush()
			c.step(h)
		} else {
			part.AppendChild(part, n)
		}
		n = next
	}
	flush()
	if len(c.tutorial.Steps) == 0 {
		c.src.fail(c.page.base, 0, "The tutorial has no text.", "Start the first step with “## …”.")
	}
}

func (c *compiler) step(h *ast.Heading) {
	c.inlines(h)
	title := c.headingTitle(h)
	if strings.TrimSpace(title) == "" {
		c.failPage(c.nodeSpan(h), "This step has no title.", "Write it after “##”.")
		title = "Step"
	}
	c.tutorial.Steps = append(c.tutorial.Steps, Step{Title: title})
	c.headings = append(c.headings, heading{node: h, title: title, step: len(c.tutorial.Steps) - 1})
	c.headingID(h)
	for n := h.FirstChild(); n != nil; n = n.NextSibling() {
		if m, ok := n.(*footnoteMark); ok {
			c.noFootnote(m)
		}
	}
}

// blocks compiles the blocks within a node.
func (c *compiler) blocks(parent ast.Node, at place) {
	var open []openTag
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *container:
			c.container(n, at)
		case *fenceBlock:
			c.fence(n, at)
		case *ast.Heading:
			c.subheading(n, at)
			c.inlines(n)
		case *formulaBlock:
			c.formulaBlock(n)
		case *ast.HTMLBlock:
			open = c.htmlBlock(n, open)
		case *ast.Paragraph, *ast.TextBlock:
			c.inlines(n)
		default:
			if n.Type() != ast.TypeBlock {
				c.inlines(parent) // a table's cell
				return
			}
			inner := at
			inner.top = false
			c.blocks(n, inner)
		}
	}
	c.unclosedTags(open)
}

// takeID refuses an id that stands on the page already.
func (c *compiler) takeID(id string, at, length int) {
	if !isID(id) {
		c.src.fail(at, length, fmt.Sprintf("%s can't be an id.", quote(id)), idRule)
		return
	}
	if first, taken := c.ids[id]; taken {
		c.src.fail(at, length, fmt.Sprintf("The id %s stands in %s already.", quote(id), c.src.lineName(first)), "Give each its own id.")
		return
	}
	c.ids[id] = at
}

// nodeSpan gives a block's first line from the block on.
func (c *compiler) nodeSpan(n ast.Node) span {
	start := max(n.Pos(), 0)
	stop := strings.IndexByte(c.page.text[start:], '\n')
	if stop < 0 {
		return span{start, len(c.page.text)}
	}
	return span{start, start + stop}
}

// finish settles what needs all of the tutorial to be known.
func (c *compiler) finish() {
	if c.original != nil {
		c.settleTranslated()
		return
	}
	c.nameHeadings()
	c.placeFootnotes()
	for check, step := range c.stepOf {
		check.Step = c.tutorial.Steps[step].ID
	}
	c.matchFors()
	c.matchSteps()
}
