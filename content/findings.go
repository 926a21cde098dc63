package content

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity says whether a finding keeps a course from being served.
type Severity string

// An Error refuses the course; a Warning does not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is something wrong in a course's files, at the place where it
// stands.
type Finding struct {
	Severity Severity
	File     string // path within the course
	Line     int    // from 1; 0 when the whole file is meant
	Column   int    // from 1, in characters; 0 when the whole line is meant
	Length   int    // characters to underline; at least 1
	Message  string // what is wrong
	Mend     string // what to do about it; may be empty
	Source   string // the line as written
}

// Findings are in order of file and place.
type Findings []Finding

// Err is nil unless one of the findings is an Error; its text shows them all.
func (fs Findings) Err() error {
	if !fs.refuse() {
		return nil
	}
	return errors.New(fs.String())
}

func (fs Findings) refuse() bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Severity == Error })
}

// String shows every finding, with a blank line between two.
func (fs Findings) String() string {
	texts := make([]string, len(fs))
	for i, f := range fs {
		texts[i] = f.String()
	}
	return strings.Join(texts, "\n\n")
}

// String shows the finding as compilers do: file:line:column, message, the
// line with the place underlined, and what to do about it.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(cmp.Or(f.File, "course"))
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
		if f.Column > 0 {
			fmt.Fprintf(&b, ":%d", f.Column)
		}
	}
	fmt.Fprintf(&b, ": %s: %s", f.Severity, f.Message)
	if f.Line > 0 && strings.TrimSpace(f.Source) != "" {
		line, before, under := f.excerpt()
		gutter := fmt.Sprintf("%5d | ", f.Line)
		fmt.Fprintf(&b, "\n%s%s", gutter, line)
		if f.Column > 0 {
			fmt.Fprintf(&b, "\n%s| %s%s", strings.Repeat(" ", len(gutter)-2), before, under)
		}
	}
	if f.Mend != "" {
		fmt.Fprintf(&b, "\n      = %s", f.Mend)
	}
	return b.String()
}

// maxExcerpt is how many characters of a line are shown at most.
const maxExcerpt = 120

// excerpt gives the line, or the part of a long line around the place, with
// what stands below it: white space as wide as the text before, and carets.
func (f Finding) excerpt() (line, before, under string) {
	runes := []rune(f.Source)
	at := max(0, min(f.Column-1, len(runes)))
	cut, dots := 0, ""
	if len(runes) > maxExcerpt && at > maxExcerpt/2 {
		cut, dots = at-maxExcerpt/2, "…"
	}
	shown := runes[cut:]
	tail := ""
	if len(shown) > maxExcerpt {
		shown, tail = shown[:maxExcerpt], "…"
	}
	blank := func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}
	line = dots + printable(string(shown)) + tail
	before = strings.Map(blank, dots+string(runes[cut:at]))
	under = strings.Repeat("^", max(1, min(f.Length, len(shown)-(at-cut))))
	return line, before, under
}

// printable keeps control characters of a hostile file off a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (r < ' ' || 0x7f <= r && r < 0xa0) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// sort puts findings in order of file and place.
func (fs Findings) sort() {
	slices.SortStableFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
