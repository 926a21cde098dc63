package look

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/themes/words"
)

// messages are a theme's sentences by language, and what is wrong with them.
func messages(all []content.Message) (map[string]map[string]words.Entry, content.Findings) {
	var findings content.Findings
	known := words.Known()
	sentences := map[string]map[string]words.Entry{}
	for _, m := range all {
		if message, mend := faulty(m, known); message != "" {
			f := m.At
			f.Message, f.Mend = message, mend
			findings = append(findings, f)
			continue
		}
		if sentences[m.Language] == nil {
			sentences[m.Language] = map[string]words.Entry{}
		}
		if _, twice := sentences[m.Language][m.English]; twice {
			f := m.At
			f.Message, f.Mend = "This sentence stands in another file of the language, too.", "Keep one of them."
			findings = append(findings, f)
		}
		sentences[m.Language][m.English] = words.Entry{Text: m.Text, One: m.One, Other: m.Other, Script: known[m.English].Script}
	}
	return sentences, findings
}

// faulty says what is wrong with a message; empty if nothing is.
func faulty(m content.Message, known map[string]words.Entry) (message, mend string) {
	entry, ok := known[m.English]
	switch {
	case !slices.Contains(words.Languages(), m.Language):
		return unknownLanguage(m.Language)
	case !ok:
		mend = "The sentences are those of the pages in English, with {…} for what differs."
		if near := likest(m.English, known); near != "" {
			mend = fmt.Sprintf("Did you mean “%s”?", near)
		}
		return fmt.Sprintf("Labmark says no such sentence: “%s”.", m.English), mend
	case entry.Text == "" && m.Text != "":
		return "This sentence counts something.", "Write {one: …, other: …}."
	case entry.Text != "" && m.Text == "":
		return "This sentence counts nothing.", "Write one text."
	}
	texts := map[string]string{"": m.Text, "one: ": m.One, "other: ": m.Other}
	for _, form := range slices.Sorted(maps.Keys(texts)) {
		if text := texts[form]; text != "" {
			if message, mend = holes(m.English, text, form == "one: "); message != "" {
				return form + message, mend
			}
		}
	}
	return "", ""
}

// holes compares those of two sentences. The form for one may say its number
// in words.
func holes(english, text string, one bool) (message, mend string) {
	want, have := words.Holes(english), words.Holes(text)
	for _, h := range want {
		if !slices.Contains(have, h) && (h != "{n}" || !one) {
			return fmt.Sprintf("The message lacks %s.", h), "What stands in its place differs from page to page."
		}
	}
	for _, h := range have {
		if !slices.Contains(want, h) {
			return fmt.Sprintf("There is nothing for %s.", h), content.DidYouMean(h, want)
		}
	}
	return "", ""
}

// likest is the known sentence that has most words in common with another;
// empty where less than half are.
func likest(sentence string, known map[string]words.Entry) string {
	wanted := strings.Fields(strings.ToLower(sentence))
	best, most := "", 0.5
	for _, k := range slices.Sorted(maps.Keys(known)) {
		has := strings.Fields(strings.ToLower(k))
		common := 0
		for _, w := range has {
			if slices.ContainsFunc(wanted, func(v string) bool { return v == w || content.Near(v, w) }) {
				common++
			}
		}
		if share := float64(common) / float64(max(len(has), len(wanted))); share > most {
			best, most = k, share
		}
	}
	return best
}
