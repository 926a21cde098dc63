package lti

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// listed are all reasons of reasons.go.
func listed(t *testing.T) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reasons.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok {
			var reason string
			if err := json.Unmarshal([]byte(literal.Value), &reason); err != nil {
				t.Errorf("%s: %v", literal.Value, err)
			}
			reasons[reason] = true
		}
		return true
	})
	return reasons
}

// section is what stands below a heading of a page, up to the next of its kind.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("docs/%s has no section %q, to which pages and other documents lead", page, heading)
	}
	below, _, _ := strings.Cut(after, "\n## ")
	return below
}

// row is a line of a table that begins with a code.
var row = regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|(.*)\\|$")

// TestEveryReasonIsExplained holds docs/lti.md and the list together: whoever
// reads a code in the log finds it there, and no other.
func TestEveryReasonIsExplained(t *testing.T) {
	missing := listed(t)
	explained := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(section(t, "lti.md", "Refused launches"), -1) {
		code, cells := m[1], strings.Split(m[2], "|")
		switch {
		case explained[code]:
			t.Errorf("%s is explained twice", code)
		case !missing[code]:
			t.Errorf("%s is explained and does not exist", code)
		case len(cells) != 2 || strings.TrimSpace(cells[0]) == "" || strings.TrimSpace(cells[1]) == "":
			t.Errorf("%s needs what it means and the mend: %q", code, m[0])
		}
		explained[code] = true
		delete(missing, code)
	}
	for code := range missing {
		t.Errorf("docs/lti.md does not explain %s", code)
	}
}

func TestPagesForPlatformsNameRealReasons(t *testing.T) {
	real := listed(t)
	for _, page := range []string{"moodle.md", "canvas.md"} {
		found := row.FindAllStringSubmatch(section(t, page, "When something is wrong"), -1)
		if len(found) == 0 {
			t.Errorf("docs/%s names no code", page)
		}
		for _, m := range found {
			if !real[m[1]] {
				t.Errorf("docs/%s: there is no %s", page, m[1])
			}
		}
	}
}
