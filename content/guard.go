package content

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// A mistyped block must never be shown, since it may hold an answer. What is
// here looks at the page line by line for blocks that the parser did not take
// as such.

// maxQuotes is how many quotes and lists may start on one line.
const maxQuotes = 16

// maxBrackets is how many links may start in one paragraph.
const maxBrackets = 1000

// shallow refuses texts that would take too long.
func (c *compiler) shallow() bool {
	at, message, mend := tooMuch(c.page.text)
	if message != "" {
		c.failPage(at, message, mend)
	}
	return message == ""
}

// tooMuch finds a line that opens very many quotes and lists at once, or a
// paragraph with very many brackets: the time for them grows with the square
// of their number.
func tooMuch(text string) (place span, message, mend string) {
	brackets := 0
	for rest, at := text, 0; rest != ""; {
		line, next, _ := strings.Cut(rest, "\n")
		markers := 0
		for i := 0; i < len(line) && strings.IndexByte(" \t>-+*.)0123456789", line[i]) >= 0; i++ {
			if strings.IndexByte(">-+*.)", line[i]) >= 0 && (i+1 == len(line) || line[i] == '>' || line[i+1] == ' ' || line[i+1] == '\t') {
				markers++
			}
		}
		if markers > maxQuotes && strings.Trim(line, " \t-") != "" && strings.Trim(line, " \t*") != "" {
			return span{at, at + len(line)}, fmt.Sprintf("More than %d quotes and lists start on this line.", maxQuotes), "Start fewer."
		}
		if brackets += strings.Count(line, "["); brackets > maxBrackets {
			return span{at, at + len(line)}, fmt.Sprintf("More than %d brackets “[” stand in one paragraph.", maxBrackets), "Leave a blank line somewhere."
		}
		if strings.TrimSpace(line) == "" {
			brackets = 0
		}
		at += len(line) + 1
		rest = next
	}
	return span{}, "", ""
}

var (
	blockNames = strings.Join(wordList, "|")
	// braced is a block's word at the start of a line, or after something like
	// a fence, with attributes.
	braced = regexp.MustCompile("(?i)(?:^[^[:alnum:]]*|[`~:'´]+[ \t]*)(" + blockNames + ")[ \t]*\\{")
	// fenced is a code fence with a block's word.
	fenced = regexp.MustCompile("(?i)(?:```|~~~)[ \t]*(" + blockNames + ")\\b")
)

// secretAttributes are those by which a block is known that lost its word.
const secretAttributes = "for|answer|expect|points|timeout|auto|passes|tools|after|cost|type|attempts|tolerance|at|file|path|mode|owner|host"

var (
	// attributed ends in the attributes of a block that pages do not show.
	attributed = regexp.MustCompile(`\{[ \t]*(?:#[a-z]|(?:` + secretAttributes + `)=)[^{}]*\}[ \t]*$`)
	// stated is a check's message.
	stated = regexp.MustCompile(`^[ \t]*:(?:pass|fail):`)
)

// lookAlike finds a block's word that is not one of a block. Most lines have
// nothing of the kind, and are not worth a regular expression.
func lookAlike(line []byte) []int {
	if bytes.IndexByte(line, '{') >= 0 {
		if m := braced.FindSubmatchIndex(line); m != nil {
			return m
		}
	}
	if bytes.Contains(line, []byte("```")) || bytes.Contains(line, []byte("~~~")) {
		return fenced.FindSubmatchIndex(line)
	}
	return nil
}

// guard refuses whatever looks like a block without being one, and collects
// nothing: blocks themselves are compiled later.
func (c *compiler) guard(doc ast.Node) {
	known := map[int]bool{}  // starts of lines on which blocks and comments stand
	inCode := map[int]bool{} // starts of lines of fenced code
	var code []span          // code and comments: undeclared holes stay there
	lineStart := func(at int) int { return strings.LastIndexByte(c.page.text[:at], '\n') + 1 }
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *container:
			known[lineStart(n.colons.start)] = true
		case *fenceBlock:
			known[lineStart(n.marker.start)] = true
			for i := range n.Lines().Len() {
				s := n.Lines().At(i)
				inCode[lineStart(s.Start)] = true
				code = append(code, span{s.Start, s.Stop})
			}
			c.fenceInFence(n)
			c.remainsInFence(n)
		case *ast.CodeBlock:
			for i := range n.Lines().Len() {
				s := n.Lines().At(i)
				code = append(code, span{s.Start, s.Stop})
			}
		case *ast.HTMLBlock:
			if n.HTMLBlockType == ast.HTMLBlockType2 && n.HasClosure() {
				first := n.ClosureLine.Start
				for i := range n.Lines().Len() {
					s := n.Lines().At(i)
					first = min(first, s.Start)
					inCode[lineStart(s.Start)] = true
				}
				inCode[lineStart(n.ClosureLine.Start)] = true
				code = append(code, span{first, n.ClosureLine.Stop})
			}
		case *ast.CodeSpan:
			if first, ok := n.FirstChild().(*ast.Text); ok {
				last, _ := n.LastChild().(*ast.Text)
				code = append(code, span{first.Segment.Start, last.Segment.Stop})
			}
		}
		return ast.WalkContinue, nil
	})
	c.lookAlikes(known, inCode)
	c.undeclared(code)
}

// fenceInFence refuses a fence within a fence that the latter could not hold:
// the first was never closed, and shows what follows.
func (c *compiler) fenceInFence(n *fenceBlock) {
	for i := range n.Lines().Len() {
		s := n.Lines().At(i)
		line := strings.TrimLeft(c.page.text[s.Start:s.Stop], " \t>")
		length := run([]byte(line), n.char)
		info := strings.TrimSpace(line[length:])
		if length < n.length || info == "" || n.char == '`' && strings.Contains(info, "`") && !wordThenBraces.MatchString(info) {
			continue
		}
		at := s.Stop - len(line)
		c.failPage(span{at, at + length}, fmt.Sprintf("A fence starts here, though that of %s is still open.", c.src.lineName(c.page.file(n.marker.start))),
			"Close the first one before, or give it more "+quote(string(n.char))+" than stand here.")
		return
	}
}

// remainsInFence looks for a block's remains in plain code: as the first
// line, or as messages.
func (c *compiler) remainsInFence(n *fenceBlock) {
	word := c.page.text[n.word.start:n.word.stop]
	if kind, _, _ := classifyFence(word, ""); kind != plainFence && word != "mermaid" {
		return
	}
	for i := range n.Lines().Len() {
		s := n.Lines().At(i)
		line := bytes.TrimRight(c.source[s.Start:s.Stop], "\n")
		if fenceLine.Match(line) {
			return // an example of blocks, whole
		}
		if stated.Match(line) || i == 0 {
			c.remains(s.Start, line)
		}
		if i == 0 {
			c.bareWord(n, span{s.Start, s.Start + len(line)})
		}
	}
}

// bareWords are blocks that the pages do not show and that need no attributes.
var bareWords = []string{"check", "setup"}

// bareWord refuses plain code whose first line is the rest of a block's word.
func (c *compiler) bareWord(n *fenceBlock, first span) {
	line := c.page.text[first.start:first.stop]
	if near := nearest(c.page.text[n.word.start:n.word.stop]+line, bareWords); near != "" {
		c.failPage(first, fmt.Sprintf("This looks like the start of a %s, but is none: it would be shown as it stands.", quote(near)),
			"Write “```"+near+"” on one line. If it is meant as it stands, give the fence a language, as “```text”.")
	}
}

var fenceLine = regexp.MustCompile("^[ \t>]*(?:```|~~~|:::)")

// lookAlikes refuses lines of prose that look like the start of a block.
func (c *compiler) lookAlikes(known, inCode map[int]bool) {
	text := c.source
	for at := 0; at < len(text); {
		end := bytes.IndexByte(text[at:], '\n')
		if end < 0 {
			end = len(text) - at
		}
		line := text[at : at+end]
		if !known[at] && !inCode[at] {
			c.remains(at, line)
			if m := lookAlike(line); m != nil {
				word := strings.ToLower(string(line[m[2]:m[3]]))
				if words[word].shown && headingLine.Match(line) {
					at += end + 1
					continue // “## Tabs {#tabs}”
				}
				form := "```" + word
				if words[word].colons {
					form = ":::" + word
				}
				c.failPage(span{at + m[2], at + m[3]}, fmt.Sprintf("This looks like a %s, but is none: it would be shown as it stands.", quote(word)),
					"Start the line with “"+form+"”, not indented by four or more. To show a block in the text, put it into a longer fence.")
			}
		}
		at += end + 1
	}
}

// remains refuses a shown line that looks like part of a block whose start
// was broken.
func (c *compiler) remains(at int, line []byte) {
	if bytes.IndexByte(line, ':') < 0 && bytes.IndexByte(line, '}') < 0 {
		return
	}
	place, what := stated.FindIndex(line), "a check's message"
	if m := attributed.FindIndex(line); m != nil && !headingLine.Match(line) {
		place, what = m, "a block's attributes"
	}
	if place != nil {
		c.failPage(span{at + place[0], at + place[1]}, "This looks like "+what+", but stands in no block.", "Look at the block's first line: “```word {attributes}”.")
	}
}

var headingLine = regexp.MustCompile(`^ {0,3}#{1,6}[ \t]`)
