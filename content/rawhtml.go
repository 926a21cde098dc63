package content

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"
)

// htmlElements is the HTML that authors may write, with its attributes
// besides those of anyAttributes.
var htmlElements = map[string][]string{
	"a": {"href"}, "abbr": nil, "b": nil, "bdi": nil, "blockquote": nil, "br": nil, "caption": nil, "cite": nil,
	"code": nil, "dd": nil, "del": nil, "details": {"open"}, "dfn": nil, "div": nil, "dl": nil, "dt": nil, "em": nil,
	"figcaption": nil, "figure": nil, "hr": nil, "i": nil, "ins": nil, "kbd": nil, "li": nil, "mark": nil,
	"ol": {"start", "reversed"}, "p": nil, "pre": nil, "q": nil, "s": nil, "samp": nil, "small": nil, "span": nil,
	"strong": nil, "sub": nil, "summary": nil, "sup": nil, "table": nil, "tbody": nil,
	"td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}, "thead": nil, "tr": nil, "u": nil,
	"ul": nil, "var": nil, "wbr": nil,
}

var (
	anyAttributes = []string{"dir", "lang", "title"}
	voidElements  = []string{"br", "hr", "wbr"}
	elementNames  = slices.Sorted(maps.Keys(htmlElements))
)

// policy cleans what authors write as HTML. All other HTML on a page is made
// by goldmark and this package out of escaped text.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(elementNames...)
	p.AllowNoAttrs().OnElements(elementNames...)
	p.AllowAttrs(anyAttributes...).Globally()
	for element, attributes := range htmlElements {
		if len(attributes) > 0 {
			p.AllowAttrs(attributes...).OnElements(element)
		}
	}
	p.AllowURLSchemes(schemes...)
	p.RequireParseableURLs(true)
	return p
}()

// openTag is an author's element that is still to be closed.
type openTag struct {
	name       string
	at, length int
}

// htmlBlock checks a block of HTML.
func (c *compiler) htmlBlock(n *ast.HTMLBlock, open []openTag) []openTag {
	lines := n.Lines()
	at := span{len(c.source), 0}
	for i := range lines.Len() {
		at.start, at.stop = min(at.start, lines.At(i).Start), max(at.stop, lines.At(i).Stop)
	}
	if n.HasClosure() {
		at.start, at.stop = min(at.start, n.ClosureLine.Start), max(at.stop, n.ClosureLine.Stop)
	}
	if at.start >= at.stop {
		return open
	}
	text := c.page.text[at.start:at.stop]
	if n.HTMLBlockType == ast.HTMLBlockType2 && !strings.Contains(text, "-->") {
		c.failPage(c.nodeSpan(n), "This comment is not closed: it hides the rest of the page.", "End it with “-->”.")
		return open
	}
	return c.tags(at, open)
}

func (c *compiler) rawHTML(n *ast.RawHTML, open []openTag) []openTag {
	s := n.Segments
	if s.Len() == 0 {
		return open
	}
	return c.tags(span{s.At(0).Start, s.At(s.Len() - 1).Stop}, open)
}

// tags refuses HTML that the policy would drop, and follows what is open:
// an element left open would swallow the rest of the page.
func (c *compiler) tags(at span, open []openTag) []openTag {
	z := html.NewTokenizer(strings.NewReader(c.page.text[at.start:at.stop]))
	for pos := at.start; ; {
		kind := z.Next()
		raw := len(z.Raw())
		place := span{pos, pos + raw}
		pos += raw
		if kind == html.ErrorToken {
			return open
		}
		if kind == html.TextToken || kind == html.CommentToken {
			continue
		}
		token := z.Token()
		switch {
		case kind == html.DoctypeToken:
			c.failPage(place, "This HTML is not kept.", "Delete it.")
		case !c.knownTag(token, place):
		case kind == html.StartTagToken && !slices.Contains(voidElements, token.Data):
			open = append(open, openTag{token.Data, place.start, raw})
		case kind == html.SelfClosingTagToken && !slices.Contains(voidElements, token.Data):
			c.failPage(place, fmt.Sprintf("HTML has no <%s/>.", token.Data), fmt.Sprintf("Write <%s></%s>.", token.Data, token.Data))
		case kind == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1].name != token.Data {
				c.failPage(place, fmt.Sprintf("</%s> closes nothing that is open here.", token.Data), "Open and close an element in the same block, the inner one first.")
				continue
			}
			open = open[:len(open)-1]
		}
	}
}

func (c *compiler) knownTag(token html.Token, at span) bool {
	allowed, ok := htmlElements[token.Data]
	switch {
	case token.Data == "img":
		c.failPage(at, "Pictures are written in Markdown.", "Write ![what it shows](picture.png).")
		return false
	case !ok:
		c.failPage(at, fmt.Sprintf("The HTML element <%s> is not kept.", printable(token.Data)), "Write “<” in prose as “\\<”. "+DidYouMean(token.Data, elementNames))
		return false
	}
	for _, a := range token.Attr {
		if a.Namespace != "" || !slices.Contains(allowed, a.Key) && !slices.Contains(anyAttributes, a.Key) {
			c.failPage(at, fmt.Sprintf("The HTML attribute %s is not kept.", quote(a.Key)), "Delete it.")
		}
		if a.Key == "href" && token.Data == "a" {
			if scheme, _, ok := strings.Cut(a.Val, ":"); !ok || !slices.Contains(schemes, strings.ToLower(scheme)) {
				c.failPage(at, "Links within the course are written in Markdown.", "Write [text](target).")
			}
		}
	}
	return true
}

func (c *compiler) unclosedTags(open []openTag) {
	for _, o := range open {
		c.failPage(span{o.at, o.at + o.length}, fmt.Sprintf("<%s> is not closed in its block.", o.name), fmt.Sprintf("Write </%s> where it ends.", o.name))
	}
}
