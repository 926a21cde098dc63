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
var formatter = chromahtml.New(chromahtml.WithClasses(true), chromahtml.WithPreWrapper(preWrapper{}))

// preWrapper makes highlighted code like plain code.
type preWrapper struct{}

func (preWrapper) Start(bool, string) string { return `<pre class="chroma" tabindex="0"><code>` }
func (preWrapper) End(bool) string           { return "</code></pre>\n" }

// highlight gives a code block as HTML, plain where its language is unknown.
// This stands in for goldmark-highlighting, which bounds no lexer's time and
// leaves plain code out of the reach of the keyboard.
func highlight(language, code string) string {
	lexer := lexerFor(language)
	if lexer == nil || len(code) > maxHighlight {
		return plainCode(code)
	}
	iterator, err := chroma.Coalesce(lexer).Tokenise(nil, code)
	if err != nil {
		return plainCode(code)
	}
	deadline := time.Now().Add(highlightTime)
	var tokens []chroma.Token
	for t := iterator(); t != chroma.EOF; t = iterator() {
		tokens = append(tokens, t)
		if len(tokens)%64 == 0 && time.Now().After(deadline) {
			return plainCode(code)
		}
	}
	var b strings.Builder
	if err := formatter.Format(&b, styles.Fallback, chroma.Literator(tokens...)); err != nil {
		return plainCode(code)
	}
	if !slices.Equal(longNumber.FindAllString(code, -1), longNumber.FindAllString(b.String(), -1)) {
		return plainCode(code) // the lexer took a token apart
	}
	return b.String()
}

// longNumber is a number that may be a token.
var longNumber = regexp.MustCompile(fmt.Sprintf("[0-9]{%d,}", tokenLength))

// plainCode gives code without highlighting. It can be scrolled by keyboard.
func plainCode(code string) string {
	return `<pre tabindex="0"><code>` + html.EscapeString(code) + "</code></pre>\n"
}
