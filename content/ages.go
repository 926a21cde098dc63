package content

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
)

// A translation's “source” says of what it was made: one short digest of the
// original's title and summary, and one of each step. So it can be told which
// steps have changed since.

// ageDigits is enough to notice a change; nobody has a reason to forge one.
const ageDigits = 6

// ages gives the digests of a tutorial, for its translations.
func (c *compiler) ages() []string {
	starts := []int{c.page.base}
	for _, h := range c.headings {
		switch at := c.page.file(max(h.node.Pos(), 0)); {
		case h.step == 0:
			starts[0] = at
		case h.step > 0:
			starts = append(starts, at)
		}
	}
	all := []string{age(c.tutorial.Title + "\n" + c.tutorial.Summary)}
	for i, start := range starts {
		end := len(c.src.text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		all = append(all, age(wordsOf(c.src.text[start:end])))
	}
	return all
}

func age(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:ageDigits]
}

// wordless starts a block of which pages show no words but its messages.
var wordless = regexp.MustCompile("^[ \t>]*(```+|~~~+)[ \t]*(?:check|assert|solve|mistake|setup|file)\\b")

// wordsOf leaves out of Markdown what is not translated, and blank lines: a
// mended script makes no translation old.
func wordsOf(text string) string {
	var b strings.Builder
	closing := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case closing != "" && strings.HasPrefix(line, closing) && strings.Trim(line, closing[:1]) == "":
			closing = ""
			continue
		case closing != "" && !isMessage(line):
			continue
		}
		if m := wordless.FindStringSubmatch(line); m != nil && closing == "" {
			closing = m[1]
			continue
		}
		if line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// agesFrom warns of what has changed in the original since the translation was
// made.
func (c *compiler) agesFrom(made string) {
	if c.src.findings.refuse() {
		return // it does not even fit
	}
	now := c.original.ages()
	then, line := strings.Fields(made), "source: "+strings.Join(now, " ")
	warn := func(message, mend string) {
		c.src.add(Finding{Severity: Warning, Line: 1, Length: 1, Message: message, Mend: mend})
	}
	if made == "" {
		warn("It can't be told whether this translation is up to date.", "Once it is, add to its front matter: "+line)
		return
	}
	var changed []string
	for i, digest := range now {
		switch {
		case i < len(then) && then[i] == digest:
		case i == 0:
			changed = append(changed, "title and summary")
		case c.tutorial.Steps[i-1].Title == "":
			changed = append(changed, "the text before the first step")
		default:
			changed = append(changed, fmt.Sprintf("step %s", quote(c.original.tutorial.Steps[i-1].Title)))
		}
	}
	if len(changed) > 0 {
		warn("The original has changed since this translation was made: "+strings.Join(changed, ", ")+".",
			"Once it is up to date again, write in its front matter: "+line)
	}
}
