package content

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAnswer is how many bytes a text may have.
const maxAnswer = 4 << 10

// Accepts says in words for the student why something is no answer to the
// question, and should cost nothing. What it lets pass may be right or wrong.
func (q *Question) Accepts(answer []string) error {
	if !q.choosing() {
		return q.acceptsText(answer)
	}
	seen := map[string]bool{}
	for _, id := range answer {
		switch {
		case !slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.ID == id }):
			return errors.New("That is no longer among the choices. Load the page again.")
		case seen[id]:
			return errors.New("One choice was sent twice. Load the page again.")
		}
		seen[id] = true
	}
	switch {
	case q.Type == "order" && len(answer) != len(q.Choices):
		return errors.New("Put all entries in order.")
	case q.Type == "choice" && len(answer) != 1:
		return errors.New("Choose one.")
	case len(answer) == 0:
		return errors.New("Choose at least one.")
	}
	return nil
}

func (q *Question) acceptsText(answer []string) error {
	if len(answer) != 1 || strings.TrimSpace(answer[0]) == "" {
		return errors.New("Write an answer first.")
	}
	text := answer[0]
	switch _, number := parseNumber(text); {
	case len(text) > maxAnswer:
		return fmt.Errorf("The answer is too long: %d characters are allowed.", maxAnswer)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }):
		return errors.New("The answer has characters that no text has.")
	case q.Type == "number" && !number:
		return errors.New("Write a number, as 12 or 0.5.")
	}
	return nil
}

// Spoken gives an accepted answer in words, as a check has it in $ANSWER: the
// text, or the texts of the choices, one a line.
func (q *Question) Spoken(answer []string, values Values) string {
	if !q.choosing() {
		return strings.TrimSpace(strings.Join(answer, " "))
	}
	var texts []string
	for _, id := range answer {
		for _, c := range q.Choices {
			if c.ID == id {
				texts = append(texts, fillParts(c.Text, values))
			}
		}
	}
	return strings.Join(texts, "\n")
}

// Key gives an answer that is right, nil where a check decides or where only
// patterns tell.
func (q *Question) Key(values Values) []string {
	var ids []string
	for _, c := range q.Choices {
		if c.Right || q.Type == "order" {
			ids = append(ids, c.ID)
		}
	}
	for _, a := range q.Answers {
		if a.Right && !a.Pattern && !q.choosing() {
			return []string{fillParts(a.Text, values)}
		}
	}
	return ids
}

// Find gives the answer that an author means: a text, or the texts of choices
// with "|" between them. Holes are filled.
func (q *Question) Find(text string, values Values) ([]string, error) {
	text = values.Fill(text)
	if !q.choosing() {
		answer := []string{text}
		return answer, q.Accepts(answer)
	}
	var answer, known []string
	for _, c := range q.Choices {
		known = append(known, fillParts(c.Text, values))
	}
	for _, one := range strings.Split(text, "|") {
		i := slices.IndexFunc(known, func(k string) bool { return folded(k) == folded(one) })
		if i < 0 {
			return nil, fmt.Errorf("There is no choice %s. %s", quote(strings.TrimSpace(one)), DidYouMean(one, known))
		}
		answer = append(answer, q.Choices[i].ID)
	}
	return answer, q.Accepts(answer)
}
