package content

import (
	"bytes"
	"html"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

var (
	kindFormula      = ast.NewNodeKind("LabmarkFormula")
	kindFormulaBlock = ast.NewNodeKind("LabmarkFormulaBlock")
)

// formula is TeX within a line of prose: "$…$", or "$$…$$" for one that is set
// on a line of its own.
type formula struct {
	ast.BaseInline
	tex     []text.Segment
	display bool
	at      span // from the first "$" to the last
}

func (*formula) Kind() ast.NodeKind { return kindFormula }

// Dump is there for goldmark's debugging.
func (n *formula) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

func (n *formula) source(source []byte) string {
	var b strings.Builder
	for _, s := range n.tex {
		b.Write(s.Value(source))
	}
	return strings.TrimSpace(b.String())
}

// formulaParser follows Pandoc's rule: the first “$” has no space behind it,
// the last none before it and no digit behind it. So “$5 and $6” is no formula.
// Nor is one with a backtick, for code has dollars more often than formulas
// have backticks.
type formulaParser struct{}

func (formulaParser) Trigger() []byte { return []byte{'$'} }

// fruitless is how far the text has been searched in vain for the end of a
// formula, by the number of dollars: each piece is searched once.
var fruitless = [3]parser.ContextKey{1: parser.NewContextKey(), 2: parser.NewContextKey()}

func (formulaParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, segment := block.PeekLine()
	dollars := min(run(line, '$'), 2)
	if dollars == 1 && (len(line) < 2 || util.IsSpace(line[1])) {
		return nil
	}
	if until, ok := pc.Get(fruitless[dollars]).(int); ok && segment.Start < until {
		return nil
	}
	n := &formula{display: dollars == 2, at: span{start: segment.Start}}
	block.Advance(dollars)
	searched := segment.Start
	for first := true; ; first = false {
		line, segment := block.PeekLine()
		end, stop := endOfFormula(line, dollars, first)
		switch {
		case line == nil:
			pc.Set(fruitless[dollars], searched)
			return nil
		case stop:
			pc.Set(fruitless[dollars], segment.Start+end)
			return nil
		}
		searched = segment.Stop
		if end < 0 {
			n.tex = append(n.tex, segment)
			block.AdvanceLine()
			continue
		}
		n.tex = append(n.tex, segment.WithStop(segment.Start-segment.Padding+end))
		block.Advance(end + dollars)
		n.at.stop = segment.Start - segment.Padding + end + dollars
		if n.source(block.Source()) == "" {
			return nil
		}
		return n
	}
}

// endOfFormula finds the dollars that end a formula in a line. It gives -1 if
// there are none, and stop where nothing after this place can end it.
func endOfFormula(line []byte, dollars int, first bool) (at int, stop bool) {
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\':
			i++
		case line[i] == '`':
			return i, true
		case line[i] != '$' || first && i == 0:
		case dollars == 2:
			if i+1 < len(line) && line[i+1] == '$' {
				return i, false
			}
		case i > 0 && !util.IsSpace(line[i-1]) && (i+1 == len(line) || !util.IsNumeric(line[i+1])):
			return i, false
		}
	}
	return -1, false
}

// formulaBlock is a formula on lines of its own, between lines "$$". Within
// it a line may start with "+" or "-", which elsewhere makes a list.
type formulaBlock struct {
	ast.BaseBlock
	at     span // the first "$$"
	closed bool
}

func (*formulaBlock) Kind() ast.NodeKind { return kindFormulaBlock }

// IsRaw keeps the inline parser out.
func (*formulaBlock) IsRaw() bool { return true }

// Dump is there for goldmark's debugging.
func (n *formulaBlock) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

type formulaBlockParser struct{}

func (formulaBlockParser) Trigger() []byte { return []byte{'$'} }

func (formulaBlockParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	pos := pc.BlockOffset()
	if pos < 0 || string(bytes.TrimSpace(line[pos:])) != "$$" {
		return nil, parser.NoChildren
	}
	start := segment.Start - segment.Padding + pos
	reader.AdvanceToEOL()
	return &formulaBlock{at: span{start, start + 2}}, parser.NoChildren
}

func (formulaBlockParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*formulaBlock)
	line, segment := reader.PeekLine()
	closed := string(bytes.TrimSpace(line)) == "$$"
	if !closed {
		n.Lines().Append(segment)
	}
	n.closed = n.closed || closed
	reader.AdvanceToEOL()
	if closed {
		return parser.Close
	}
	return parser.Continue | parser.NoChildren
}

func (formulaBlockParser) Close(ast.Node, text.Reader, parser.Context) {}

func (formulaBlockParser) CanInterruptParagraph() bool { return true }

func (formulaBlockParser) CanAcceptIndentedLine() bool { return false }

func (c *compiler) formulaBlock(n *formulaBlock) {
	switch {
	case !n.closed:
		c.failPage(n.at, "This formula is not closed.", `End it with a line “$$”, or write “\$\$” for two dollars.`)
	case strings.TrimSpace(string(n.Lines().Value(c.source))) == "":
		c.failPage(n.at, "This formula is empty.", "Write it between the lines “$$”.")
	}
}

// shellVariable is the start of what may be two variables of a shell, taken
// for a formula.
var shellVariable = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{2,}\b`)

// formula warns of what is a formula by the rule, and hardly by intention:
// "$HOME/$USER".
func (c *compiler) formula(n *formula) {
	after := byte(' ')
	if n.at.stop < len(c.source) {
		after = c.source[n.at.stop]
	}
	if !n.display && isNameByte(after) && shellVariable.MatchString(n.source(c.source)) {
		start := c.page.file(n.at.start)
		c.src.warn(start, c.page.file(n.at.stop)-start, "This is read as a formula.", "Write variables as code, in backticks, or “\\$” for a dollar.")
	}
}

// The page has the source, which a reader without scripts sees; the theme has
// KaTeX set it.

func renderFormula(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if f := n.(*formula); entering {
		start := `<span class="math">`
		if f.display {
			start = `<span class="math display">`
		}
		_, _ = w.WriteString(start + html.EscapeString(f.source(source)) + "</span>")
	}
	return ast.WalkSkipChildren, nil
}

func renderFormulaBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		tex := strings.TrimSpace(string(n.Lines().Value(source)))
		_, _ = w.WriteString(`<div class="math display">` + html.EscapeString(tex) + "</div>\n")
	}
	return ast.WalkSkipChildren, nil
}
