package words

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// pattern recognises a sentence whose holes are filled.
type pattern struct {
	english string
	said    *regexp.Regexp
	holes   []string
	fixed   int // bytes outside of holes
}

var hole = regexp.MustCompile(`\{[a-z]+\}`)

// compile makes patterns of the sentences with holes, those that say most
// first: "{name}: {what}" must not take what a longer sentence fits.
func compile(sentences map[string]Entry) []pattern {
	var ps []pattern
	for english, e := range sentences {
		names := hole.FindAllString(english, -1)
		if len(names) == 0 || e.Text == "" || strings.Contains(english, of) {
			continue
		}
		fixed := hole.Split(english, -1)
		quoted := make([]string, len(fixed))
		p := pattern{english: english}
		for i, f := range fixed {
			quoted[i] = regexp.QuoteMeta(f)
			p.fixed += len(f)
		}
		for _, n := range names {
			p.holes = append(p.holes, strings.Trim(n, "{}"))
		}
		p.said = regexp.MustCompile(`(?s)^` + strings.Join(quoted, `(.+?)`) + `$`)
		ps = append(ps, p)
	}
	slices.SortFunc(ps, func(a, b pattern) int {
		return cmp.Or(cmp.Compare(b.fixed, a.fixed), cmp.Compare(a.english, b.english))
	})
	return ps
}

// Translate says again what was said in English: by rooms that know no viewer,
// or long ago into the database. Several sentences may follow each other. What
// no catalog knows stays as it is, as do an author's own words.
func (l *Language) Translate(said string) string {
	if said == "" || l.mark == nil && len(l.sentences) == 0 {
		return said
	}
	if text, ok := l.again(said); ok {
		return text
	}
	// Sentences one by one, but only where all that is found is whole.
	sentences := ends.Split(said, -1)
	if len(sentences) < 2 {
		return said
	}
	for i, s := range sentences {
		if i < len(sentences)-1 {
			s += "."
		}
		text, ok := l.again(s)
		if !ok {
			return said
		}
		sentences[i] = text
	}
	return strings.Join(sentences, " ")
}

var ends = regexp.MustCompile(`\. `)

// again is the one sentence, whole.
func (l *Language) again(said string) (string, bool) {
	if e, ok := l.sentences[said]; ok && e.Text != "" {
		return l.marked(e.Text), true
	}
	for _, p := range l.patterns {
		found := p.said.FindStringSubmatch(said)
		if found == nil {
			continue
		}
		holes := make([]any, 0, 2*len(p.holes))
		for i, name := range p.holes {
			holes = append(holes, name, found[i+1])
		}
		return l.Say(p.english, holes...), true
	}
	return "", false
}
