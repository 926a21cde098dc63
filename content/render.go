package content

import (
	"bytes"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// markdown is GitHub's Markdown with the format's blocks. It may be used by
// several goroutines at once.
var markdown = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(blockParsers()...),
		parser.WithInlineParsers(append(parser.DefaultInlineParsers(),
			util.Prioritized(footnoteMarkParser{}, 150), // before links
			util.Prioritized(formulaParser{}, 250))...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		parser.WithAttribute(),
	)),
	goldmark.WithExtensions(
		extension.Linkify, extension.Strikethrough, extension.TaskList,
		// The "style" attribute is barred by the Content-Security-Policy.
		extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
	),
	goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(nodeRenderer{}, 1))),
)

// blockParsers are CommonMark's, with our own fences.
func blockParsers() []util.PrioritizedValue {
	own := []util.PrioritizedValue{
		util.Prioritized(containerParser{}, 650),
		util.Prioritized(fenceParser{}, 700),
		util.Prioritized(formulaBlockParser{}, 710),
		util.Prioritized(footnoteParser{}, 950),
	}
	theirs := parser.NewFencedCodeBlockParser()
	for _, p := range parser.DefaultBlockParsers() {
		if p.Value != theirs {
			own = append(own, p)
		}
	}
	return own
}

// render makes a body of finished blocks.
func (c *compiler) render(doc *ast.Document) Body {
	var b bytes.Buffer
	if err := markdown.Renderer().Render(&b, c.source, doc); err != nil {
		panic(err) // a buffer takes everything
	}
	return c.page.split(b.String())
}

// nodeRenderer writes what goldmark does not, or not as wanted here.
type nodeRenderer struct{}

func (nodeRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindContainer, renderContainer)
	r.Register(kindFence, renderFence)
	r.Register(kindFormula, renderFormula)
	r.Register(kindFormulaBlock, renderFormulaBlock)
	r.Register(kindFootnote, renderFootnote)
	r.Register(kindFootnoteMark, renderFootnoteMark)
	r.Register(kindFootnoteList, renderFootnoteList)
	r.Register(kindFootnoteBack, renderFootnoteBack)
	r.Register(ast.KindCodeBlock, renderCodeBlock)
	r.Register(ast.KindHTMLBlock, renderHTMLBlock)
	r.Register(ast.KindRawHTML, renderRawHTML)
	r.Register(east.KindTaskCheckBox, renderCheckBox)
	r.Register(east.KindTableCell, renderTableCell)
}

func renderContainer(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	c := n.(*container)
	if entering {
		_, _ = w.WriteString(c.open)
		_, _ = w.WriteString(c.token)
	} else {
		_, _ = w.WriteString(c.close)
	}
	return ast.WalkContinue, nil
}

func renderFence(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	f := n.(*fenceBlock)
	if !entering {
		return ast.WalkSkipChildren, nil
	}
	if f.secret {
		_, _ = w.WriteString(f.token)
		return ast.WalkSkipChildren, nil
	}
	if f.code != nil {
		_, _ = w.WriteString(f.code.html())
	} else {
		_, _ = w.WriteString(highlight(string(source[f.word.start:f.word.stop]), string(f.Lines().Value(source)), nil))
	}
	return ast.WalkSkipChildren, nil
}

func renderCodeBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.WriteString(plainCode("", string(n.Lines().Value(source)), nil))
	}
	return ast.WalkSkipChildren, nil
}

// Author HTML is cleaned piece by piece: bluemonday lets nothing but whole
// tags through, and the compiler has seen to it that they balance.

func renderHTMLBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := n.(*ast.HTMLBlock)
	raw := block.Lines().Value(source)
	if block.HasClosure() {
		raw = append(raw, block.ClosureLine.Value(source)...)
	}
	_, _ = w.Write(policy.SanitizeBytes(raw))
	return ast.WalkContinue, nil
}

func renderRawHTML(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		_, _ = w.Write(policy.SanitizeBytes(n.(*ast.RawHTML).Segments.Value(source)))
	}
	return ast.WalkSkipChildren, nil
}

// renderCheckBox writes a sign in place of an input, which would need a label
// and could not be used.
func renderCheckBox(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if entering {
		sign := "☐ "
		if n.(*east.TaskCheckBox).IsChecked {
			sign = "☑ "
		}
		_, _ = w.WriteString(sign)
	}
	return ast.WalkContinue, nil
}

// renderTableCell makes no heading of an empty cell, as in the corner of a
// table: screen readers would say it at each cell.
func renderTableCell(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	cell := n.(*east.TableCell)
	tag := "td"
	if cell.Parent().Kind() == east.KindTableHeader && cell.HasChildren() {
		tag = "th"
	}
	if !entering {
		_, _ = w.WriteString("</" + tag + ">\n")
		return ast.WalkContinue, nil
	}
	_, _ = w.WriteString("<" + tag)
	if cell.Alignment != east.AlignNone {
		_, _ = w.WriteString(` align="` + cell.Alignment.String() + `"`)
	}
	_ = w.WriteByte('>')
	return ast.WalkContinue, nil
}
