package content

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/labmark/labmark/internal/facts"
)

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
	if _, err := facts.Compile(b.String()); err != nil {
		return nil, err // in the author's words, without what stands around it
	}
	flags := "(?s)"
	if !withCase {
		flags = "(?is)"
	}
	return regexp.Compile(flags + "^(?:" + b.String() + ")$")
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
