package content

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// fenceParser reads fenced code as CommonMark has it (section 4.5). It stands
// in for goldmark's own, which does not tell whether a fence was closed.
type fenceParser struct{}

func (fenceParser) Trigger() []byte { return []byte{'`', '~'} }

// wordThenBraces is an info string that may have backticks in its values.
var wordThenBraces = regexp.MustCompile(`^\s*[[:alpha:]]+\s*\{`)

func (fenceParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	pos := pc.BlockOffset()
	if pos < 0 {
		return nil, parser.NoChildren
	}
	char := line[pos]
	length := run(line[pos:], char)
	if length < 3 {
		return nil, parser.NoChildren
	}
	info := line[pos+length:]
	if char == '`' && bytes.IndexByte(info, '`') >= 0 && !wordThenBraces.Match(info) {
		return nil, parser.NoChildren // inline code
	}
	base := segment.Start - segment.Padding + pos
	n := &fenceBlock{char: char, length: length, indent: pos, marker: span{base, base + length}}
	n.word, n.rest = wordAndRest(info, base+length)
	return n, parser.NoChildren
}

func (fenceParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*fenceBlock)
	line, segment := reader.PeekLine()
	if w, pos := util.IndentWidth(line, reader.LineOffset()); w < 4 && pos < len(line) {
		length := run(line[pos:], n.char)
		if length >= n.length && util.IsBlank(line[pos+length:]) {
			n.closed = true
			reader.AdvanceToEOL()
			return parser.Close
		}
	}
	pos, padding := util.IndentPositionPadding(line, reader.LineOffset(), segment.Padding, n.indent)
	if pos < 0 {
		pos, padding = max(0, util.FirstNonSpacePosition(line))-segment.Padding, 0
	}
	s := text.NewSegmentPadding(segment.Start+pos, segment.Stop, padding)
	s.ForceNewline = true
	n.Lines().Append(s)
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

func (fenceParser) Close(ast.Node, text.Reader, parser.Context) {}

func (fenceParser) CanInterruptParagraph() bool { return true }

func (fenceParser) CanAcceptIndentedLine() bool { return false }
