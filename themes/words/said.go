package words

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
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

// leastFixed is how many bytes a sentence has outside of its holes at least, to
// be known again.
const leastFixed = 6

// compile makes patterns of the sentences with holes, those that say most
// first: "{name}: {what}" must not take what a longer sentence fits.
func compile(sentences map[string]Entry) []pattern {
	var ps []pattern
	for english, e := range sentences {
		names := hole.FindAllString(english, -1)
		if len(names) == 0 || e.Text == "" && e.Other == "" || strings.Contains(english, of) {
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
		if p.fixed < leastFixed && !slices.ContainsFunc(p.holes, func(h string) bool { return strings.HasSuffix(h, "words") }) {
			continue // "{won} of {of}" is like anything
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
// no catalog knows stays as it is. It is for what Labmark has said: an author's
// words could by chance be like a sentence with holes.
func (l *Language) Translate(said string) string {
	if said == "" || l.mark == nil && len(l.sentences) == 0 {
		return said
	}
	if text, ok := l.known(said); ok {
		return text
	}
	return said
}

// known is what Labmark has said, in one sentence or in several. The several
// come first: a hole must not take a whole sentence.
func (l *Language) known(said string) (string, bool) {
	if e, ok := l.sentences[said]; ok && e.Text != "" {
		return l.marked(e.Text), true
	}
	tries := mostTries
	if text, ok := l.oneByOne(said, &tries); ok {
		return text, true
	}
	return l.again(said)
}

// Exactly says again what a catalog has word for word, as a whole.
func (l *Language) Exactly(said string) string {
	if e, ok := l.sentences[said]; ok && e.Text != "" {
		return l.marked(e.Text)
	}
	return said
}

// Around says again what stands around somebody else's words, which stay as they
// are: an author's message, a line of a program.
func (l *Language) Around(said, theirs string) string {
	if theirs == "" {
		return l.Translate(said)
	}
	for from := 0; ; {
		i := strings.Index(said[from:], theirs)
		if i < 0 {
			return said
		}
		before, after := said[:from+i], said[from+i+len(theirs):]
		from += i + 1
		first, ok := l.phrase(before)
		last, too := l.phrase(after)
		if ok && too {
			return first + theirs + last
		}
	}
}

// phrase is what stands before or behind, with the space that parts it off.
func (l *Language) phrase(said string) (string, bool) {
	bare := strings.TrimSpace(said)
	if bare == "" {
		return said, true
	}
	text, ok := l.known(bare)
	lead, tail, _ := strings.Cut(said, bare)
	return lead + text + tail, ok
}

// oneByOne says several sentences again, but only where each is known: the
// shortest beginning that is, and then the rest.
func (l *Language) oneByOne(said string, tries *int) (string, bool) {
	for _, at := range ends.FindAllStringIndex(said, mostEnds) {
		if *tries--; *tries < 0 {
			return "", false
		}
		first, ok := l.again(said[:at[0]+1])
		if !ok {
			continue
		}
		rest, ok := l.oneByOne(said[at[1]:], tries)
		if !ok {
			rest, ok = l.again(said[at[1]:])
		}
		if ok {
			return first + " " + rest, true
		}
	}
	return "", false
}

// What bounds the work that a hostile text can make.
const (
	mostEnds  = 12 // of sentences that are looked at
	mostTries = 40
)

var ends = regexp.MustCompile(`\. `)

// again is the one sentence, whole.
func (l *Language) again(said string) (string, bool) {
	if e, ok := l.sentences[said]; ok && e.Text != "" {
		return l.marked(e.Text), true
	}
	for _, p := range l.patterns {
		if found := p.said.FindStringSubmatch(said); found != nil {
			if text, ok := l.filled(p, found[1:]); ok {
				return text, true
			}
		}
	}
	return "", false
}

// filled says a pattern's sentence with what was found in its holes. Holes
// whose names end in "words" hold what Labmark has said, too: the pattern fits
// only if that can be said again.
func (l *Language) filled(p pattern, found []string) (string, bool) {
	holes := make([]any, 0, 2*len(found))
	for i, name := range p.holes {
		value := found[i]
		if strings.HasSuffix(name, "words") {
			text, ok := l.again(value)
			if !ok {
				return "", false
			}
			value = text
		}
		holes = append(holes, name, value)
	}
	if e := l.sentences[p.english]; e.Text != "" {
		return l.Say(p.english, holes...), true
	}
	// A number with its noun, of which the key has the form for many.
	i := slices.Index(p.holes, "n")
	if i < 0 {
		return "", false
	}
	n, err := strconv.ParseFloat(found[i], 64)
	if err != nil {
		return "", false
	}
	return l.Count(n, p.english, p.english, holes...), true
}
