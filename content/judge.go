package content

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
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

// Judge says what an accepted answer is worth, by the key. Of a question that
// a check decides about it knows nothing, and gives no score.
func (q *Question) Judge(answer []string, values Values) Judgement {
	var j Judgement
	switch q.Type {
	case "choice", "choices":
		j = q.judgeChoices(answer)
	case "order":
		j.Score = q.judgeOrder(answer)
	default:
		j = q.judgeText(strings.Join(answer, " "), values)
	}
	switch {
	case j.Score == 1:
		j.Message = "That is right."
	case j.Score > 0:
		j.Message = "That is partly right."
	default:
		j.Message = "That is not right."
	}
	return j
}

// judgeChoices takes a wrong choice off for a right one: to choose all is worth
// nothing.
func (q *Question) judgeChoices(answer []string) (j Judgement) {
	right, wrong, all := 0, 0, 0
	for _, c := range q.Choices {
		chosen := slices.Contains(answer, c.ID)
		switch {
		case c.Right:
			all++
			if chosen {
				right++
			}
		case chosen:
			wrong++
		}
		if chosen && c.Feedback != nil {
			j.Feedback = append(j.Feedback, c.Feedback)
		}
	}
	if all > 0 {
		j.Score = float64(max(0, right-wrong)) / float64(all)
	}
	return j
}

// judgeOrder gives the share of neighbours that follow each other as they
// should: one entry at the wrong place does not spoil all places after it.
func (q *Question) judgeOrder(answer []string) float64 {
	follow := 0
	for i := 1; i < len(q.Choices); i++ {
		at := slices.Index(answer, q.Choices[i-1].ID)
		if at >= 0 && at+1 < len(answer) && answer[at+1] == q.Choices[i].ID {
			follow++
		}
	}
	return float64(follow) / float64(max(1, len(q.Choices)-1))
}

// judgeText takes the first of the author's answers that fits.
func (q *Question) judgeText(text string, values Values) (j Judgement) {
	for _, a := range q.Answers {
		if !q.fits(a, text, values) {
			continue
		}
		if a.Right {
			j.Score = 1
		}
		if a.Feedback != nil {
			j.Feedback = []Body{a.Feedback}
		}
		break
	}
	return j
}

func (q *Question) fits(a Answer, text string, values Values) bool {
	switch {
	case q.Type == "number":
		given, ok := parseNumber(text)
		wanted, known := parseNumber(fillParts(a.Text, values))
		// A little more, for what decimals lose as binary numbers.
		return ok && known && math.Abs(given-wanted) <= q.Tolerance*(1+1e-9)
	case a.Pattern:
		p, err := a.pattern(values, q.Case)
		return err == nil && p.MatchString(folded(text))
	case q.Case:
		return folded(text) == folded(fillParts(a.Text, values))
	}
	return strings.EqualFold(folded(text), folded(fillParts(a.Text, values)))
}

// folded drops differences that nobody sees.
func folded(text string) string { return norm.NFC.String(strings.Join(strings.Fields(text), " ")) }

// pattern gives the regular expression with a student's values in it.
func (a Answer) pattern(values Values, withCase bool) (*regexp.Regexp, error) {
	var b strings.Builder
	for _, p := range a.Text {
		b.WriteString(p.Text)
		if p.Var != "" {
			b.WriteString(regexp.QuoteMeta(values[p.Var]))
		}
	}
	if _, err := regexp.Compile(b.String()); err != nil {
		return nil, err // in the author's words, without what stands around it
	}
	flags := "(?s)"
	if !withCase {
		flags = "(?is)"
	}
	return regexp.Compile(flags + "^(?:" + b.String() + ")$")
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
			return nil, fmt.Errorf("There is no choice %s. %s", quote(strings.TrimSpace(one)), didYouMean(one, known))
		}
		answer = append(answer, q.Choices[i].ID)
	}
	return answer, q.Accepts(answer)
}

// Shuffle gives the choices of a check's question in the order in which one
// student sees them, always the same. An order never comes out right.
func (t *Tutorial) Shuffle(key []byte, course, student, check string) []Choice {
	i := slices.IndexFunc(t.Checks, func(c *Check) bool { return c.ID == check })
	if i < 0 || t.Checks[i].Question == nil {
		return nil
	}
	q := t.Checks[i].Question
	choices := slices.Clone(q.Choices)
	d := newDraw(key, course, t.ID, student, "", check)
	for done := false; !done; {
		for i := len(choices) - 1; i > 0; i-- {
			j := d.below(uint64(i) + 1)
			choices[i], choices[j] = choices[j], choices[i]
		}
		done = q.Type != "order" || len(choices) < 2 ||
			!slices.EqualFunc(choices, q.Choices, func(a, b Choice) bool { return a.ID == b.ID })
	}
	return choices
}

// FitsAnother gives the first of other students' values for which an answer
// would be right, though it is not for the student's own; -1 where there is
// none. Questions that a check decides about are not looked into.
func (t *Tutorial) FitsAnother(check string, answer []string, own Values, others []Values) int {
	i := slices.IndexFunc(t.Checks, func(c *Check) bool { return c.ID == check })
	if i < 0 || t.Checks[i].Question == nil || t.Checks[i].Script != "" {
		return -1
	}
	q := t.Checks[i].Question
	if q.Judge(answer, own).Score == 1 {
		return -1
	}
	return slices.IndexFunc(others, func(v Values) bool { return q.Judge(answer, v).Score == 1 })
}
