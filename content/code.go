package content

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// shownCode is what a fence shows where that is not just its text in its
// language.
type shownCode struct {
	language string
	text     string      // with tokens in place of holes
	title    string      // HTML; may be empty
	lines    []lineRange // to be highlighted
	diagram  bool        // drawn by the page
}

// lineRange is the first and the last line, from 1.
type lineRange = [2]int

// maxRanges is how many lines and ranges one "lines" may name.
const maxRanges = 100

// plainSpec is what plain code of a known language takes.
var plainSpec = blockWord{attributes: []string{"lines", "title"}}

// takenByCode says whether the attributes behind a language are those of plain
// code and nothing else: any other may be those of a mistyped block.
func takenByCode(rest string) bool {
	attrs, problems := parseAttributes(rest)
	if len(problems) > 0 || attrs.id != nil || len(attrs.classes) > 0 || len(attrs.list) == 0 {
		return false
	}
	for _, a := range attrs.list {
		if a.key != "lines" && a.key != "title" {
			return false
		}
	}
	return true
}

// plainFence compiles a fence of plain code.
func (c *compiler) plainFence(n *fenceBlock) {
	n.secret = false
	if strings.TrimSpace(c.page.text[n.rest.start:n.rest.stop]) == "" {
		return
	}
	b := c.block(n.word, n.rest)
	n.code = &shownCode{language: b.name, text: string(n.Lines().Value(c.source)), lines: b.lines(n.Lines().Len())}
	n.code.title, _ = b.title("")
}

// lines reads which of a number of lines are to be highlighted.
func (b *block) lines(most int) []lineRange {
	a, ok := b.value("lines")
	if !ok {
		return nil
	}
	items := strings.Split(a.value, ",")
	if len(items) > maxRanges {
		b.failValue(a, fmt.Sprintf("More than %d lines and ranges stand here.", maxRanges), "Name fewer.")
		return nil
	}
	var all []lineRange
	for _, item := range items {
		r, ok := b.lineRange(a, strings.TrimSpace(item), most, "The code")
		if !ok {
			return nil
		}
		all = append(all, r)
	}
	return all
}

// lineRange reads "3" or "3-9".
func (b *block) lineRange(a attribute, item string, most int, what string) (lineRange, bool) {
	from, to, isRange := strings.Cut(item, "-")
	if !isRange {
		to = from
	}
	first, err1 := strconv.Atoi(strings.TrimSpace(from))
	last, err2 := strconv.Atoi(strings.TrimSpace(to))
	switch {
	case err1 != nil || err2 != nil || first < 1 || last < first:
		b.failValue(a, fmt.Sprintf("%s is neither a line nor a range of lines.", quote(item)), "Write them as 2 or 4-6; the first line is 1.")
	case last > most:
		b.failValue(a, fmt.Sprintf("%s has %d lines, and no line %d.", what, most, last), "")
	default:
		return lineRange{first, last}, true
	}
	return lineRange{}, false
}

// diagram compiles a fence of Mermaid's language. The page draws it; who can't
// see that has the title.
func (c *compiler) diagram(n *fenceBlock, b *block) {
	n.secret = false
	n.code = &shownCode{diagram: true, text: string(n.Lines().Value(c.source))}
	b.notEmpty(script{text: n.code.text})
	if _, ok := b.required("title"); ok {
		n.code.title, _ = b.title("")
	}
}

func (s *shownCode) html() string {
	if s.diagram {
		return `<figure class="diagram"><pre tabindex="0"><code>` + html.EscapeString(s.text) + "</code></pre>\n<figcaption>" + s.title + "</figcaption></figure>\n"
	}
	text := highlight(s.language, s.text, s.lines)
	if s.title != "" {
		return `<figure class="listing"><figcaption>` + s.title + "</figcaption>\n" + text + "</figure>\n"
	}
	return text
}
