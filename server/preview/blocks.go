package preview

import (
	"html"
	"regexp"
	"strings"

	"github.com/labmark/labmark/content"
)

// Blocks are what an author wrote for a check beside it, and students never
// see.
type Blocks struct {
	Check     string  `json:"check"`
	Solutions []Block `json:"solutions"`
	Mistakes  []Block `json:"mistakes"`
}

// Block is a solve or mistake block.
type Block struct {
	Line   int    `json:"line"`
	Guest  string `json:"guest"`
	Script string `json:"script,omitempty"`
	Answer string `json:"answer,omitempty"`
	Expect string `json:"expect,omitempty"` // of a mistake
}

// BlocksOf are those of a tutorial's checks, in order.
func BlocksOf(t *content.Tutorial, values content.Values) []Blocks {
	all := []Blocks{}
	for _, c := range t.Checks {
		b := Blocks{Check: c.ID, Solutions: []Block{}, Mistakes: []Block{}}
		for _, s := range t.Solutions {
			if s.For == c.ID {
				b.Solutions = append(b.Solutions, Block{Line: s.Line, Guest: s.Guest, Script: s.Script, Answer: values.Fill(s.Answer)})
			}
		}
		for _, m := range t.Mistakes {
			if m.For == c.ID {
				b.Mistakes = append(b.Mistakes, Block{m.Line, m.Guest, m.Script, values.Fill(m.Answer), values.Fill(m.Expect)})
			}
		}
		all = append(all, b)
	}
	return all
}

var tag = regexp.MustCompile(`<[^>]*>`)

// plain is the text of a body.
func plain(b content.Body, values content.Values) string {
	var text strings.Builder
	for _, p := range b {
		text.WriteString(html.UnescapeString(tag.ReplaceAllString(p.HTML, "")) + values[p.Var])
	}
	return strings.Join(strings.Fields(text.String()), " ")
}
