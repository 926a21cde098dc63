package themes

import (
	"html/template"
	"regexp"
	"strings"
	"time"

	"github.com/labmark/labmark/themes/words"
)

// What templates may call to set words that came from elsewhere.

// ended is a sentence with a mark at its end, whether it had one or not.
func ended(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s[len(s)-1:], ".!?") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}

// soon says whether a planned time has come: what is planned for the past
// happens in a moment.
func soon(t *time.Time) bool { return !t.After(time.Now()) }

// breaks lets an address go on in the next line after each "/".
func breaks(address string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(address), "/", "/<wbr>"))
}

// longestLine is how much of a platform's answer is shown, in characters.
const longestLine = 200

// A platform in trouble answers with a page, of which neither the markup nor
// what its scripts and styles say helps anybody.
var (
	hiddenMarkup = regexp.MustCompile(`(?is)<(script|style|head)\b.*?(</(script|style|head)\s*>|$)`)
	markup       = regexp.MustCompile(`(?s)<[a-zA-Z/!?][^>]*(>|$)`)
)

// oneLine is a platform's answer as text in one line.
func oneLine(answer string) string {
	text := markup.ReplaceAllString(hiddenMarkup.ReplaceAllString(answer, " "), " ")
	line := []rune(strings.Join(strings.Fields(text), " "))
	if len(line) > longestLine {
		return strings.TrimSpace(string(line[:longestLine])) + "…"
	}
	return string(line)
}

// size writes a number of bytes as people do: "512 MB", "7.5 GB".
func size(l *words.Language, bytes int64) string {
	if bytes < 1e9 {
		return l.Say("{size} MB", "size", bytes/1e6)
	}
	return l.Say("{size} GB", "size", l.Decimal(float64(bytes)/1e9))
}
