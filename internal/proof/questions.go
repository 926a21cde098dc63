package proof

import (
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/labmark/labmark/content"
)

// questions judges right and wrong answers as the server does: no guest is
// needed for that.
func (tr *trial) questions() {
	for _, c := range tr.t.Checks {
		if inGuest(c) {
			continue
		}
		var all []Result
		all = append(all, tr.rightAnswers(c)...)
		all = append(all, tr.wrongAnswers(c)...)
		for _, r := range all {
			tr.plan(r.Kind, 1)
			tr.add(r)
		}
	}
}

// rightAnswers are the key's, and those of solve blocks; and that none of them
// is right for another student where the key depends on a variable.
func (tr *trial) rightAnswers(c *content.Check) (out []Result) {
	right := func(what, file string, line int, answer []string, err error) {
		r := Result{Kind: Answer, Subject: c.ID, What: what, File: file, Line: line, State: Held, Message: "It is right."}
		if err == nil {
			err = c.Question.Accepts(answer)
		}
		switch {
		case err != nil:
			r.State, r.Message = Fault, "The answer is refused. "+err.Error()
		case c.Question.Judge(answer, tr.values).Score != 1:
			r.State, r.Message = Fault, fmt.Sprintf("The answer is not right: its score is %.2g.", c.Question.Judge(answer, tr.values).Score)
		}
		out = append(out, r)
		if other, ok := tr.othersAnswer(c, answer); ok && r.State == Held {
			out = append(out, other)
		}
	}
	if key := c.Question.Key(tr.values); key != nil {
		right("with the key's answer", c.File, c.Line, key, nil)
	}
	for _, s := range tr.t.Solutions {
		if s.For == c.ID && s.Answer != "" {
			answer, err := c.Question.Find(s.Answer, tr.values)
			right("with the answer of its solution", s.File, s.Line, answer, err)
		}
	}
	if len(out) == 0 {
		out = append(out, Result{Kind: Answer, Subject: c.ID, What: "with a right answer", File: c.File, Line: c.Line, State: Skipped,
			Message: "Its author gives none."})
	}
	return out
}

func (tr *trial) othersAnswer(c *content.Check, answer []string) (Result, bool) {
	var names []string
	for _, a := range c.Question.Answers {
		for _, p := range a.Text {
			if p.Var != "" && a.Right {
				names = append(names, p.Var)
			}
		}
	}
	if len(names) == 0 || c.Question.Type == "number" && c.Question.Tolerance > 0 {
		return Result{}, false
	}
	r := Result{Kind: Other, Subject: c.ID, What: "for a student with another " + strings.Join(names, ", "), File: c.File, Line: c.Line,
		State: Held, Message: "The answer is wrong then."}
	others, differ := tr.another(tr.t, tr.values, names)
	switch {
	case differ == 0:
		r.State, r.Message = Skipped, "No other student was found whose variables differ."
	case c.Question.Judge(answer, others).Score == 1:
		r.State, r.Message = Fault, "The answer is right for a student who got another task, too."
	}
	return r, true
}

// wrongAnswers are the key's wrong ones, each alone, and those of mistakes.
func (tr *trial) wrongAnswers(c *content.Check) (out []Result) {
	q := c.Question
	wrong := func(text string, answer []string) {
		r := Result{Kind: Answer, Subject: c.ID, What: fmt.Sprintf("with the wrong answer “%s”", text), File: c.File, Line: c.Line,
			State: Held, Message: "It is not right."}
		if q.Judge(answer, tr.values).Score == 1 {
			r.State, r.Message, r.Mend = Fault, "It is taken for right.", "Another answer of the list fits, too: make that stricter, or put this one before it."
		}
		out = append(out, r)
	}
	for _, choice := range q.Choices {
		if !choice.Right && q.Type != "order" {
			wrong(fill(choice.Text, tr.values), []string{choice.ID})
		}
	}
	for _, a := range q.Answers {
		if !a.Right && !a.Pattern && q.Type != "choice" && q.Type != "choices" {
			text := fill(a.Text, tr.values)
			wrong(text, []string{text})
		}
	}
	for _, m := range tr.t.Mistakes {
		if m.For == c.ID && m.Answer != "" {
			out = append(out, tr.wrongAnswer(c, m))
		}
	}
	return out
}

// wrongAnswer is that of a mistake: it is told from right, in words that were
// expected.
func (tr *trial) wrongAnswer(c *content.Check, m *content.Mistake) Result {
	r := Result{Kind: Mistake, Subject: c.ID, What: fmt.Sprintf("with the answer “%s”", tr.values.Fill(m.Answer)), File: m.File, Line: m.Line, State: Held}
	answer, err := c.Question.Find(m.Answer, tr.values)
	if err != nil {
		r.State, r.Message = Fault, "The answer is refused. "+err.Error()
		return r
	}
	j := c.Question.Judge(answer, tr.values)
	said := j.Message
	for _, b := range j.Feedback {
		said += " " + plain(b, tr.values)
	}
	expect := tr.values.Fill(m.Expect)
	r.Message = "It says: “" + said + "”"
	switch {
	case j.Score == 1:
		r.State, r.Message = Fault, "The mistake is not noticed: the answer is taken for right."
	case !strings.Contains(said, expect):
		r.State, r.Message = Fault, fmt.Sprintf("The answer is wrong, with other words: “%s” Expected was “%s”.", said, expect)
	}
	return r
}

var tag = regexp.MustCompile(`<[^>]*>`)

// plain is the text of a body.
func plain(b content.Body, values content.Values) string {
	var text strings.Builder
	for _, p := range b {
		text.WriteString(html.UnescapeString(tag.ReplaceAllString(p.HTML, "")))
		text.WriteString(values[p.Var])
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

func fill(text []content.TextPart, values content.Values) string {
	var b strings.Builder
	for _, p := range text {
		b.WriteString(p.Text)
		b.WriteString(values[p.Var])
	}
	return b.String()
}

// solution is how a check is solved: the answer, where it is a question, and
// whether there is a solution at all.
func (tr *trial) solution(c *content.Check) (answer []string, ok bool, err error) {
	for _, s := range tr.t.Solutions {
		if s.For != c.ID {
			continue
		}
		ok = true
		if s.Answer != "" && c.Question != nil {
			if answer, err = c.Question.Find(s.Answer, tr.values); err != nil {
				return nil, true, err
			}
		}
	}
	return answer, ok, nil
}
