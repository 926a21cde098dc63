package facts

import (
	"strings"
	"testing"
)

// TestCommandLinesAreForGraders has an answer in the line of a command.
func TestCommandLinesAreForGraders(t *testing.T) {
	m := Machine{Root: "/"}
	line := Fact{Kind: "command", Subject: `test "$(cat /nowhere)" = hunter2`}
	for name, f := range map[string]Fact{
		"alone": line,
		"not":   {Not: &Fact{Kind: "command", Subject: "test hunter2"}},
		"any":   {Any: []Fact{line, {Kind: "file", Subject: "/nowhere"}}},
	} {
		finding := m.Look(t.Context(), []Fact{f})[0]
		if said := finding.Sentence(); finding.Holds || strings.Contains(said, "hunter2") || !strings.Contains(said, "command test …") {
			t.Errorf("%s: the student is told %q", name, said)
		}
		if !strings.Contains(finding.Line(), "hunter2") {
			t.Errorf("%s: the grader is told %q", name, finding.Line())
		}
	}
}
