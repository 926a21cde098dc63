package gradebook

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/labmark/labmark/server/store"
)

// Cluster is attempts at one check of which it has said much the same.
type Cluster struct {
	Verdict  string
	Part     bool   // failed, yet with a part of the points
	Message  string // what they have in common, with ⟨placeholders⟩ for the rest
	Example  store.Attempt
	Attempts int
	Students []uint // user IDs, each once, in order of their first such attempt
}

// cluster groups attempts, most students first. The newest attempt of a group
// is its example.
func cluster(attempts []store.Attempt) []Cluster {
	type key struct {
		verdict, message string
		part             bool
	}
	groups := map[key]*Cluster{}
	var order []*Cluster
	for _, a := range attempts {
		k := key{a.Verdict, common(a), a.Verdict == "fail" && a.Score > 0}
		g := groups[k]
		if g == nil {
			g = &Cluster{Verdict: k.verdict, Part: k.part, Message: k.message}
			groups[k] = g
			order = append(order, g)
		}
		g.Attempts++
		g.Example = a
		if !slices.Contains(g.Students, a.UserID) {
			g.Students = append(g.Students, a.UserID)
		}
	}
	slices.SortStableFunc(order, func(a, b *Cluster) int {
		return cmp.Or(cmp.Compare(len(b.Students), len(a.Students)), cmp.Compare(b.Attempts, a.Attempts))
	})
	out := make([]Cluster, len(order))
	for i, g := range order {
		out[i] = *g
	}
	return out
}

// common puts placeholders in the place of what differs between students and
// moments: the student's own variables first, then what looks like a time, an
// address, a digest, a path or a number.
func common(a store.Attempt) string {
	text := a.Message
	values := map[string]string{}
	// Variables that can't be read replace nothing.
	_ = json.Unmarshal([]byte(a.Vars), &values)
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	// Longer values first: one may be a part of another.
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(values[y]), len(values[x])), cmp.Compare(x, y))
	})
	for _, name := range names {
		if v := values[name]; len(v) > 1 {
			text = replaceWord(text, v, "⟨"+name+"⟩")
		}
	}
	text = paths.ReplaceAllString(text, "$1⟨path⟩")
	text = varying.ReplaceAllStringFunc(text, placeholder)
	return strings.Join(strings.Fields(text), " ")
}

// replaceWord replaces v where it stands alone, so that the value "ann" does
// not tear "cannot" apart.
func replaceWord(text, v, by string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, v)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := i + len(v)
		alone := (i == 0 || !wordByte(text[i-1])) && (end == len(text) || !wordByte(text[end]))
		b.WriteString(text[:i])
		if alone {
			b.WriteString(by)
		} else {
			b.WriteString(v)
		}
		text = text[end:]
	}
}

func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// paths wants something before the path that can't belong to a word, so that
// "and/or" stays.
var paths = regexp.MustCompile(`(^|[\s"'(=:,\[“‘` + "`" + `])~?(?:/[\w.@+-]+)+/?`)

var varying = regexp.MustCompile(strings.Join([]string{
	`\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?`, // times
	`\b\d\d?:\d\d(?::\d\d)?\b`,
	`\b\d{1,3}(?:\.\d{1,3}){3}\b`,                              // addresses
	`\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b`, // digests and UUIDs
	`\b0x[0-9a-fA-F]+\b`,
	`\b[0-9a-fA-F]{8,}\b`,
	`\d+(?:[.,]\d+)*`, // numbers
}, "|"))

func placeholder(s string) string {
	digits, letters := strings.ContainsAny(s, "0123456789"), strings.ContainsAny(s, "abcdefABCDEFx")
	switch {
	case !digits:
		return s // a word that only looks like a digest
	case letters:
		return "⟨hex⟩"
	case strings.Contains(s, ":") || len(s) == len("2006-01-02") && strings.Count(s, "-") == 2:
		return "⟨time⟩"
	case strings.Count(s, ".") == 3:
		return "⟨address⟩"
	case strings.Contains(s, "-"):
		return "⟨hex⟩"
	}
	return "⟨number⟩"
}
