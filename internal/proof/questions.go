package proof

import "github.com/labmark/labmark/content"

// questions judges right and wrong answers, for which no guest is needed.
func (tr *trial) questions() {}

// solution is how a check is solved: the answer, where it is a question, and
// whether there is a solution at all.
func (tr *trial) solution(c *content.Check) (answer string, ok bool) {
	for _, s := range tr.t.Solutions {
		if s.For == c.ID {
			return "", true
		}
	}
	return "", false
}

// mistaken is the wrong answer of a mistake, if it is about one.
func mistaken(*content.Mistake) (answer string, ok bool) { return "", false }
