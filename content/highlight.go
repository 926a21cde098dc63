package content

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/styles"
)

const (
	// maxHighlight is how many bytes of one code block are highlighted.
	maxHighlight = 32 << 10
	// highlightTime bounds one block: a hostile text can make a lexer's
	// regular expressions slow.
	highlightTime = time.Second
)

// formatter writes classes, since the Content-Security-Policy bars styles.
var formatter = newFormatter(nil)

func newFormatter(lines []lineRange) *chromahtml.Formatter {
	return chromahtml.New(chromahtml.WithClasses(true), chromahtml.WithPreWrapper(preWrapper{}), chromahtml.HighlightLines(lines))
}

// preWrapper makes highlighted code like plain code. The page lets students
// copy what has a language, for that is not a program's output.
type preWrapper struct{}

func (preWrapper) Start(bool, string) string {
	return `<pre class="chroma" data-code tabindex="0"><code>`
}
func (preWrapper) End(bool) string { return "</code></pre>\n" }

// highlight gives a code block as HTML, plain where its language is unknown,
// with some of its lines marked.
// This stands in for goldmark-highlighting, which bounds no lexer's time and
// leaves plain code out of the reach of the keyboard.
func highlight(language, code string, lines []lineRange) string {
	lexer := lexerFor(language)
	if lexer == nil || len(code) > maxHighlight {
		return plainCode(language, code, lines)
	}
	iterator, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err != nil {
		return plainCode(language, code, lines)
	}
	deadline := time.Now().Add(highlightTime)
	var tokens []chroma.Token
	for t := iterator(); t != chroma.EOF; t = iterator() {
		tokens = append(tokens, t)
		if len(tokens)%64 == 0 && time.Now().After(deadline) {
			return plainCode(language, code, lines)
		}
	}
	format := formatter
	if len(lines) > 0 {
		format = newFormatter(lines)
	}
	var b strings.Builder
	if err := format.Format(&b, styles.Fallback, chroma.Literator(tokens...)); err != nil {
		return plainCode(language, code, lines)
	}
	if !slices.Equal(longNumber.FindAllString(code, -1), longNumber.FindAllString(b.String(), -1)) {
		return plainCode(language, code, lines) // the lexer took a token apart
	}
	return b.String()
}

// longNumber is a number that may be a token.
var longNumber = regexp.MustCompile(fmt.Sprintf("[0-9]{%d,}", tokenLength))

// plainCode gives code without highlighting. It can be scrolled by keyboard.
func plainCode(language, code string, lines []lineRange) string {
	start := `<pre tabindex="0"><code>`
	if lexerFor(language) != nil {
		start = `<pre data-code tabindex="0"><code>`
	}
	if len(lines) == 0 {
		return start + html.EscapeString(code) + "</code></pre>\n"
	}
	var b strings.Builder
	b.WriteString(start)
	for i, line := range strings.SplitAfter(strings.TrimSuffix(code, "\n"), "\n") {
		class := "line"
		if slices.ContainsFunc(lines, func(r lineRange) bool { return r[0] <= i+1 && i+1 <= r[1] }) {
			class = "line hl"
		}
		b.WriteString(`<span class="` + class + `">` + html.EscapeString(line) + "</span>")
	}
	b.WriteString("</code></pre>\n")
	return b.String()
}
