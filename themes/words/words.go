// Package words says what the interface says, in the viewer's language. What
// is written in templates, scripts and Go is English; the catalogs beside this
// file hold the other languages, by the English sentence. What courses say is
// translated by their authors, see package content.
//
// A sentence may have holes: "Signed in as {name}". A number with its noun has
// two English forms and, in a catalog, those of its language (CLDR's plural
// categories):
//
//	"Signed in as {name}": "Angemeldet als {name}"
//	"{n} points": {one: "{n} Punkt", other: "{n} Punkte"}
//
// Short words that other languages tell apart have what they are of behind
// "##", which nobody sees: "failed##machine", "failed##check".
package words

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/language"
)

//go:embed de fr es
var catalogs embed.FS

// Source is the language of all sentences in the program.
const Source = "en"

// of stands between a sentence and what tells it from its like.
const of = "##"

// Language says sentences in one language. It is never changed after it was
// made, so it may be used by many goroutines at once.
type Language struct {
	Tag       string // BCP 47
	sentences map[string]Entry
	patterns  []pattern
	// mark, if set, is put around whatever was translated; see Pseudo.
	mark func(string) string
}

// Entry is a sentence of a catalog: one form, or those of a number.
type Entry struct {
	Text       string // of sentences without a number
	One, Other string // of a number with its noun
	// Script is set for what the pages' scripts say: the catalogs script*.yaml.
	Script bool
}

// UnmarshalYAML reads either a text or the forms of a number.
func (e *Entry) UnmarshalYAML(b []byte) error {
	if err := yaml.Unmarshal(b, &e.Text); err == nil {
		return nil
	}
	forms := map[string]string{}
	if err := yaml.Unmarshal(b, &forms); err != nil {
		return fmt.Errorf("want a text, or one: and other: (%w)", err)
	}
	e.One, e.Other = forms["one"], forms["other"]
	if len(forms) != 2 || e.One == "" || e.Other == "" {
		return fmt.Errorf("want one: and other:, and nothing else")
	}
	return nil
}

var all = mustRead()

// mustRead reads the embedded catalogs, which a test has read before.
func mustRead() map[string]*Language {
	languages := map[string]*Language{Source: {Tag: Source}}
	tags, err := catalogs.ReadDir(".")
	for _, tag := range tags {
		var sentences map[string]Entry
		if sentences, err = Read(catalogs, tag.Name()); err != nil {
			break
		}
		languages[tag.Name()] = New(tag.Name(), sentences)
	}
	if err != nil {
		panic("themes/words: " + err.Error())
	}
	return languages
}

// Read reads all catalogs (*.yaml) in a folder. A sentence that stands in two
// of them is an error.
func Read(files fs.FS, folder string) (map[string]Entry, error) {
	names, err := fs.Glob(files, path.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	sentences := map[string]Entry{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var some map[string]Entry
		if err := yaml.Unmarshal(text, &some); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for english, entry := range some {
			if _, twice := sentences[english]; twice {
				return nil, fmt.Errorf("%s: %q stands in another catalog of %s, too", name, english, folder)
			}
			entry.Script = strings.HasPrefix(path.Base(name), "script")
			sentences[english] = entry
		}
	}
	return sentences, nil
}

// New is a language of the sentences given.
func New(tag string, sentences map[string]Entry) *Language {
	return &Language{Tag: tag, sentences: sentences, patterns: compile(sentences)}
}

// Languages are those that the interface can be had in, English first.
func Languages() []string {
	tags := slices.Sorted(maps.Keys(all))
	return slices.Concat([]string{Source}, slices.DeleteFunc(tags, func(t string) bool { return t == Source }))
}

// In is the interface's language nearest to a BCP 47 tag: "de" for "de-AT".
// English is what there is for all others.
func In(tag string) *Language {
	base, _ := language.Make(tag).Base()
	if l, ok := all[base.String()]; ok {
		return l
	}
	return all[Source]
}

// With is l with sentences laid over it, for a theme's own messages.
func (l *Language) With(sentences map[string]Entry) *Language {
	both := maps.Clone(l.sentences)
	if both == nil {
		both = map[string]Entry{}
	}
	maps.Copy(both, sentences)
	over := New(l.Tag, both)
	over.mark = l.mark
	return over
}

// Say says an English sentence. Holes are names and values in turn:
//
//	l.Say("Signed in as {name}", "name", viewer.Name)
//
// A sentence that the catalog lacks stays English.
func (l *Language) Say(english string, holes ...any) string {
	text, _, _ := strings.Cut(english, of)
	if e, ok := l.sentences[english]; ok && e.Text != "" {
		text = e.Text
	}
	return l.marked(Fill(text, holes...))
}

// Count says a number with its noun. Both English forms are given; the second
// is the sentence's key in the catalogs. {n} is the number.
//
//	l.Count(3, "{n} point", "{n} points")
func (l *Language) Count(n float64, one, many string, holes ...any) string {
	e, ok := l.sentences[many]
	if !ok || e.Other == "" {
		e = Entry{One: one, Other: many}
	}
	text := e.Other
	if l.single(n) {
		text = e.One
	}
	return l.marked(Fill(text, append([]any{"n", l.Number(n)}, holes...)...))
}

// single says whether a number takes the form "one" (CLDR 46, plurals: en, de
// and es have it for 1, French from 0 up to below 2).
func (l *Language) single(n float64) bool {
	if l.Tag == "fr" {
		return n >= 0 && n < 2
	}
	return n == 1
}

// Fill puts values into the holes of a sentence.
func Fill(sentence string, holes ...any) string {
	var pairs []string
	for i := 0; i+1 < len(holes); i += 2 {
		pairs = append(pairs, fmt.Sprintf("{%v}", holes[i]), fmt.Sprint(holes[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(sentence)
}

// Script is what the pages' scripts need, as a JavaScript object: a text, or
// {one, other}, by the English sentence.
func (l *Language) Script() map[string]any {
	object := map[string]any{}
	for english, e := range l.sentences {
		switch {
		case !e.Script:
		case e.Text != "":
			object[english] = e.Text
		default:
			object[english] = map[string]string{"one": e.One, "other": e.Other}
		}
	}
	return object
}

func (l *Language) marked(s string) string {
	if l.mark == nil {
		return s
	}
	return l.mark(s)
}

// Pseudo is English between brackets, each sentence once: a page in it shows
// which of its words come from nowhere. For tests.
func Pseudo() *Language {
	english := map[string]Entry{}
	for sentence, e := range Known() {
		if e.Other == "" {
			e.Text, _, _ = strings.Cut(sentence, of)
			english[sentence] = e
		}
	}
	l := New("en-XA", english)
	l.mark = func(s string) string { return "⟦" + s + "⟧" }
	return l
}
