package proof

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/labmark/labmark/content"
)

// student is whose variables are drawn.
const student = "student"

// mentioned gives the variables of a tutorial on which a check may depend.
func mentioned(t *content.Tutorial, c *content.Check) (names []string) {
	for _, v := range t.Vars {
		if mentions(c, v.Name) {
			names = append(names, v.Name)
		}
	}
	return names
}

func mentions(c *content.Check, name string) bool {
	word := regexp.QuoteMeta(name)
	inShell := regexp.MustCompile(`\$\{?[#!]?` + word + `\b`)
	if len(c.Facts) > 0 {
		text, err := json.Marshal(c.Facts)
		return err == nil && inShell.Match(text)
	}
	if c.Lang == "python" {
		return regexp.MustCompile(`\b` + word + `\b`).MatchString(c.Script)
	}
	return inShell.MatchString(c.Script)
}

// draws is how many other students are looked at to find one whose variables
// all differ.
const draws = 200

// another draws variables of another student that differ in as many of names
// as can be, and says in how many.
func (p *prover) another(t *content.Tutorial, own content.Values, names []string) (best content.Values, differ int) {
	for i := range draws {
		values := t.Draw([]byte(p.o.Seed), p.course.ID, fmt.Sprintf("other %d", i+1))
		n := 0
		for _, name := range names {
			if values[name] != own[name] {
				n++
			}
		}
		if n > differ {
			best, differ = values, n
		}
		if differ == len(names) {
			break
		}
	}
	return best, differ
}
