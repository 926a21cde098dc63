package content

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/text/unicode/norm"
)

// heading is one whose id is settled when all others are known.
type heading struct {
	node  *ast.Heading
	title string
	step  int // index; -1 where it starts none
}

const headingIDRule = "A heading takes an id and nothing else: “## Title {#an-id}”."

// headingTitle gives a heading's text without markup, holes as written.
func (c *compiler) headingTitle(h *ast.Heading) string {
	return strings.TrimSpace(c.page.written(c.plainText(h)))
}

// plainText gives the text of inline nodes without their markup.
func (c *compiler) plainText(n ast.Node) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			text := n.Segment.Value(c.source)
			if n.Parent().Kind() != ast.KindCodeSpan {
				text = unescape(text)
			}
			b.Write(text)
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.Label(c.source))
		case *formula:
			b.WriteString(c.page.text[n.at.start:n.at.stop])
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// headingID takes the id that the author gave a heading.
func (c *compiler) headingID(h *ast.Heading) {
	at := c.nodeSpan(h)
	line := c.page.text[at.start:at.stop]
	given := false
	for _, a := range h.Attributes() {
		id, isText := a.Value.([]byte)
		if string(a.Name) != "id" || !isText || len(h.Attributes()) > 1 {
			c.failPage(at, fmt.Sprintf("A heading has no attribute %s.", quote(string(a.Name))), headingIDRule)
			return
		}
		given = true
		place := at.start + max(0, strings.LastIndex(line, "#"+string(id)))
		c.takeID(string(id), c.page.file(place), len(id)+1)
	}
	if i := strings.LastIndex(line, "{#"); !given && i >= 0 && strings.Contains(c.plainText(h), "{#") {
		c.failPage(span{at.start + i, at.stop}, "This is not an id that can be read.", headingIDRule)
	}
}

// subheading puts a heading below the step or task that it stands in, without
// gaps: readers with a screen reader move by levels.
func (c *compiler) subheading(h *ast.Heading, at place) {
	if h.Level <= 2 {
		switch {
		case h.Level == 1:
			c.failPage(c.nodeSpan(h), "The tutorial's title stands in its front matter.", "Start steps with “##”, and parts of them with “###”.")
		case at.in != "":
			c.failPage(c.nodeSpan(h), fmt.Sprintf("A step can't start in a %s.", at.in), fmt.Sprintf("Close the %s with “:::” before, or write “###”.", at.in))
		default:
			c.failPage(c.nodeSpan(h), "A step can't start in a list or a quote.", "Write “###”.")
		}
		return
	}
	c.headingID(h)
	c.headings = append(c.headings, heading{node: h, title: c.headingTitle(h), step: -1})
	h.Level = min(at.level+h.Level-2, *at.last+1, 6)
	*at.last = max(h.Level, at.level)
}

// nameHeadings gives ids to headings: the author's, or one made of the title.
func (c *compiler) nameHeadings() {
	for i, h := range c.headings {
		id := ""
		if v, ok := h.node.AttributeString("id"); ok {
			given, _ := v.([]byte)
			id = string(given)
		} else {
			id = c.slug(h.title, fmt.Sprintf("part-%d", i+1))
			h.node.SetAttributeString("id", []byte(id))
			c.ids[id] = c.page.file(max(h.node.Pos(), 0))
		}
		if h.step >= 0 {
			c.tutorial.Steps[h.step].ID = id
		}
	}
}

// slug makes an id of a title, one that nothing else on the page has.
func (c *compiler) slug(title, otherwise string) string {
	var b strings.Builder
	// In the decomposed form the marks of letters such as "ü" stand alone.
	for _, r := range norm.NFKD.String(strings.ToLower(holesOut(title))) {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case r < utf8.RuneSelf && b.Len() > 0 && !strings.HasSuffix(b.String(), "-") && r != '\'':
			b.WriteByte('-')
		}
		if b.Len() >= 48 {
			break
		}
	}
	base := strings.Trim(b.String(), "-")
	if base == "" {
		base = otherwise
	}
	id := base
	for !c.free(id) {
		c.slugs[base]++
		id = fmt.Sprintf("%s-%d", base, c.slugs[base]+1)
	}
	return id
}

// holesOut drops the holes of a title.
func holesOut(title string) string {
	var b strings.Builder
	for _, p := range splitHoles(title, func(string) bool { return true }) {
		b.WriteString(p.Text)
	}
	return b.String()
}
