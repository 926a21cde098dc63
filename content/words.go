package content

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
)

// blockWord is what the format says about one kind of block.
type blockWord struct {
	colons     bool // fenced by colons, else by backticks
	both       bool // fenced by either
	shown      bool // holds nothing but what students see
	later      bool // part of the format, but not of this version
	takesID    bool
	needsID    bool
	takesClass bool
	attributes []string
}

var admonition = blockWord{colons: true, takesID: true, takesClass: true, attributes: []string{"title"}}

// words are all blocks of the course format.
var words = map[string]blockWord{
	"task":    {colons: true, takesID: true, needsID: true, takesClass: true, attributes: []string{"title"}},
	"hint":    {colons: true, takesID: true, attributes: []string{"after", "cost"}},
	"note":    admonition,
	"tip":     admonition,
	"warning": admonition,
	"danger":  admonition,
	"details": admonition,
	"question": {colons: true, takesID: true, needsID: true, takesClass: true, attributes: []string{
		"type", "title", "points", "sticky", "attempts", "cost", "tolerance", "case", "unsolved"}},

	// A check's id is that of its question where it stands in one.
	"check": {takesID: true, attributes: []string{
		"host", "points", "timeout", "auto", "sticky", "user", "lang", "tools", "passes", "unsolved"}},
	"assert": {takesID: true, needsID: true, attributes: []string{
		"host", "points", "timeout", "auto", "sticky", "passes", "unsolved", "partial"}},
	"solve":   {attributes: []string{"for", "answer", "show", "host", "user", "lang"}},
	"mistake": {attributes: []string{"for", "answer", "expect", "host", "user", "lang"}},
	"setup":   {attributes: []string{"at", "file", "mode", "owner", "timeout", "host", "user", "lang"}},
	"run":     {shown: true, attributes: []string{"host"}},
	"mermaid": {shown: true, attributes: []string{"title"}},
	"include": {both: true, shown: true, attributes: []string{"file", "lines", "lang", "title"}},
	"tabs":    {colons: true, shown: true, takesID: true, takesClass: true},
	"tab":     {colons: true, shown: true, takesID: true, takesClass: true, attributes: []string{"title"}},
	"file":    {takesID: true, attributes: []string{"path", "mode", "owner", "host", "lang"}},
}

// wordList is in order, for messages that do not change from run to run.
var wordList = slices.Sorted(maps.Keys(words))

// otherNames are words that authors may take for one of the format's blocks.
// None of them is a language.
var otherNames = map[string]string{
	"answer": "solve", "solution": "solve", "solutions": "solve", "fix": "solve",
	"verify": "check", "grade": "check", "grader": "check", "checker": "check", "test": "check", "tests": "check",
	"error": "mistake", "wrong": "mistake", "exercise": "task", "exec": "run", "command": "run",
	"info": "note", "important": "note", "caution": "danger", "quiz": "question", "prepare": "setup",
}

// fenceKind says what the word after a fence makes of it.
type fenceKind int

const (
	plainFence fenceKind = iota
	blockFence
	wrongFence
)

// classifyFence decides about a backtick fence. Whatever may be a mistyped
// block is refused rather than shown, because it may hold an answer.
func classifyFence(word, rest string) (kind fenceKind, message, mend string) {
	if word == "" && strings.TrimSpace(rest) == "" {
		return plainFence, "", ""
	}
	if w, ok := words[word]; ok {
		switch {
		case w.colons && !w.both:
			return wrongFence, fmt.Sprintf("%s is prose and is fenced by colons.", quote(word)), fmt.Sprintf("Write “:::%s”, and “:::” at its end.", word)
		case w.later:
			return wrongFence, fmt.Sprintf("%s is not supported yet.", quote(word)), "Leave it out for now."
		}
		return blockFence, "", ""
	}
	braces := strings.ContainsAny(word+rest, "{}")
	near := nearest(strings.Trim(word, "{}"), wordList)
	if other := otherNames[strings.ToLower(word)]; other != "" {
		near = other
	}
	language := lexerFor(word) != nil
	switch {
	case language && braces && takenByCode(rest):
		return plainFence, "", ""
	case language && braces:
		return wrongFence, fmt.Sprintf("%s is a language: plain code takes “lines” and “title” only.", quote(word)), "Delete what else is in the braces, or name the block, as in “check {lang=" + word + "}”."
	case braces && strings.HasPrefix(word+strings.TrimSpace(rest), "{"):
		return wrongFence, "The attributes stand without a block's word before them.", "Write it as in “```check {#id}”."
	case !language && nearest(word+strings.TrimSpace(rest), bareWords) != "":
		whole := strings.TrimSpace(word + rest)
		return wrongFence, fmt.Sprintf("There is no block %s.", quote(whole)), DidYouMean(word+strings.TrimSpace(rest), bareWords)
	case near != "" && !language, braces, strings.Contains(word, "!"):
		return wrongFence, fmt.Sprintf("There is no block %s.", quote(word)), DidYouMean(cmp.Or(near, word), wordList)
	}
	return plainFence, "", ""
}

// classifyContainer decides about a colon fence; "" is a good one.
func classifyContainer(word string) (message, mend string) {
	w, ok := words[word]
	switch {
	case !ok:
		near := otherNames[strings.ToLower(word)]
		return fmt.Sprintf("There is no block %s.", quote(word)), DidYouMean(cmp.Or(near, word), wordList)
	case w.later:
		return fmt.Sprintf("%s is not supported yet.", quote(word)), "Leave it out for now."
	case !w.colons && !w.both:
		return fmt.Sprintf("%s is code and is fenced by backticks.", quote(word)), fmt.Sprintf("Write “```%s”, and “```” at its end.", word)
	}
	return "", ""
}

// lexerFor gives the highlighter of a language, nil where there is none. It
// knows names and aliases only: the guesses by file name that chroma adds
// cost more than the highlighting.
func lexerFor(language string) chroma.Lexer {
	if language == "" {
		return nil
	}
	return lexersByName[strings.ToLower(language)]
}

var lexersByName = func() map[string]chroma.Lexer {
	byName := map[string]chroma.Lexer{}
	for _, l := range lexers.GlobalLexerRegistry.Lexers {
		c := l.Config()
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			byName[strings.ToLower(name)] = l
		}
	}
	return byName
}()
