package content

import (
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxDepth is how deeply containers may stand in each other.
const maxDepth = 12

var (
	kindContainer = ast.NewNodeKind("LabmarkContainer")
	kindFence     = ast.NewNodeKind("LabmarkFence")
)

// span is a piece of the page's text.
type span struct{ start, stop int }

// container is a block fenced by colons. One without a word is a bare ":::"
// that closes nothing.
type container struct {
	ast.BaseBlock
	colons  span
	word    span
	rest    span // attributes, as far as the end of the line
	closed  bool
	tooDeep bool

	open, close string // HTML, made by the compiler
	token       string // stands in for the whole block
}

func (*container) Kind() ast.NodeKind { return kindContainer }

// Dump is there for goldmark's debugging.
func (n *container) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

func (n *container) stray() bool { return n.word.start == n.word.stop }

// fenceBlock is a block fenced by backticks or tildes: plain code, or one of
// the format's blocks.
type fenceBlock struct {
	ast.BaseBlock
	char   byte
	length int
	indent int
	marker span
	word   span
	rest   span
	closed bool

	secret bool   // a block of the format: never shown as code
	token  string // stands in for it on the page; may be empty
	code   *shownCode
}

func (*fenceBlock) Kind() ast.NodeKind { return kindFence }

// IsRaw keeps the inline parser out.
func (*fenceBlock) IsRaw() bool { return true }

// Dump is there for goldmark's debugging.
func (n *fenceBlock) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// run counts the bytes c at the start of a line.
func run(line []byte, c byte) int {
	n := 0
	for n < len(line) && line[n] == c {
		n++
	}
	return n
}

// wordAndRest splits what follows a fence. base is the offset of line[0].
func wordAndRest(line []byte, base int) (word, rest span) {
	stop := len(line) - util.TrimRightSpaceLength(line)
	at := min(util.TrimLeftSpaceLength(line), stop)
	end := at
	for end < stop && line[end] != ' ' && line[end] != '\t' && (line[end] != '{' || end == at) {
		end++
	}
	if at < stop && line[at] == '{' { // attributes only
		end = at
	}
	return span{base + at, base + end}, span{base + end, base + stop}
}

type containerParser struct{}

func (containerParser) Trigger() []byte { return []byte{':'} }

// Open starts a container, or takes a bare ":::" that closes nothing.
func (containerParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	pos := pc.BlockOffset()
	if pos < 0 {
		return nil, parser.NoChildren
	}
	colons := run(line[pos:], ':')
	if colons < 3 {
		return nil, parser.NoChildren
	}
	base := segment.Start - segment.Padding
	n := &container{colons: span{base + pos, base + pos + colons}}
	n.word, n.rest = wordAndRest(line[pos+colons:], base+pos+colons)
	reader.AdvanceToEOL()
	if n.stray() && n.rest.start == n.rest.stop {
		return n, parser.NoChildren
	}
	depth := 0
	for _, b := range pc.OpenedBlocks() {
		if b.Node.Kind() == kindContainer {
			depth++
		}
	}
	if depth >= maxDepth {
		n.tooDeep = true
		return n, parser.NoChildren
	}
	return n, parser.HasChildren
}

// Continue ends the innermost container at a bare ":::".
func (containerParser) Continue(node ast.Node, reader text.Reader, pc parser.Context) parser.State {
	n := node.(*container)
	if n.tooDeep || n.stray() && n.rest.start == n.rest.stop {
		return parser.Close
	}
	line, _ := reader.PeekLine()
	w, pos := util.IndentWidth(line, reader.LineOffset())
	if w > 3 || pos >= len(line) || line[pos] != ':' {
		return parser.Continue | parser.HasChildren
	}
	colons := run(line[pos:], ':')
	if colons < 3 || !util.IsBlank(line[pos+colons:]) || !closes(n, pc) {
		return parser.Continue | parser.HasChildren
	}
	n.closed = true
	reader.AdvanceToEOL()
	return parser.Close
}

// closes says whether a bare ":::" means this container: the innermost that
// is open, and not within code or a comment.
func closes(n *container, pc parser.Context) bool {
	blocks := pc.OpenedBlocks()
	for i := len(blocks) - 1; i >= 0; i-- {
		switch b := blocks[i].Node.(type) {
		case *container:
			return b == n
		case *fenceBlock:
			return false
		case *ast.HTMLBlock:
			if b.HTMLBlockType == ast.HTMLBlockType2 {
				return false
			}
		}
	}
	return false
}

func (containerParser) Close(ast.Node, text.Reader, parser.Context) {}

func (containerParser) CanInterruptParagraph() bool { return true }

func (containerParser) CanAcceptIndentedLine() bool { return false }
