package lab

import (
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
)

// SolutionTimeout bounds a solution or a mistake: it may install software.
const SolutionTimeout = 5 * time.Minute

// Solution is a solve block as it is run for one student. It stops at the
// first command that fails, so that a slip in it is noticed.
func Solution(s *content.Solution, values content.Values) checks.Script {
	body := s.Script
	if s.Lang != "python" {
		body = "set -e\n" + body
	}
	return checks.Script{ID: s.For, Lang: s.Lang, Body: body, User: s.User, Timeout: SolutionTimeout, Vars: values}
}

// Mistake is a mistake block as it is run for one student. Commands of it may
// fail: so do those of students.
func Mistake(m *content.Mistake, values content.Values) checks.Script {
	return checks.Script{ID: m.For, Lang: m.Lang, Body: m.Script, User: m.User, Timeout: SolutionTimeout, Vars: values}
}
