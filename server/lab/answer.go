package lab

import (
	"maps"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
)

// Answered is the check within a question, as it is run for one student's
// answer: that is in $ANSWER, in words.
func Answered(c *content.Check, answer []string, values content.Values) checks.Script {
	with := maps.Clone(values)
	if with == nil {
		with = content.Values{}
	}
	with["ANSWER"] = c.Question.Spoken(answer, values)
	return Check(c, with)
}
