package proof

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestWhatIsLeftOut tells for each script which lines are left out in turn, by
// number, and how many were not worth it.
func TestWhatIsLeftOut(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("there is no bash here to tell scripts from what is none")
	}
	for _, c := range []struct {
		name, lang, script string
		lines              []int
		skipped            int
	}{
		{"each line", "bash", "a\nb\nc\n", []int{0, 1, 2}, 0},
		{"blanks and comments", "bash", "a\n\n  # why\nb\n", []int{0, 3}, 0},
		{"continued", "bash", "a \\\n  b \\\n  c\nd\n", []int{0, 3}, 0},
		{"a backslash at the end", "bash", "echo \\\\\nb\n", []int{0, 1}, 0},
		{"twice the same", "bash", "a\na\nb\n", []int{0, 2}, 1},
		{"a block", "bash", "if a; then\n  b\n  c\nfi\n", []int{1, 2}, 2},
		{"the only command of a block", "bash", "for i in 1 2; do\n  b\ndone\n", nil, 3},
		{"here-document", "bash", "cat >f <<EOF\nx\n# y\n\nz\nEOF\nb\n", []int{0, 1, 4, 6}, 0},
		{"its end is no line of its own", "bash", "cat <<-'END'\n\tx\n\tEND\n", []int{0, 1}, 0},
		{"a program in it", "bash", "cat >f <<'EOF'\n#!/bin/sh\nx\nEOF\n", []int{0, 1, 2}, 0},
		{"two of them", "bash", "cmp <(cat <<A) <(cat <<B)\nx\nA\ny\nB\nc\n", []int{0, 1, 3, 5}, 0},
		{"here-string", "bash", "cat <<<word\nword\n", []int{0, 1}, 0},
		{"shift", "bash", "echo $((1<<a))\nb\n", []int{0, 1}, 0},
		{"quoted over lines", "bash", "echo 'a\nb\nc'\n", []int{1}, 2},
		{"optional", "bash", "a # labmark: optional\nb\n", []int{1}, 0},
		{"optional here-document", "bash", "cat >f <<EOF # labmark: optional\nx\nEOF\nb\n", []int{3}, 0},
		{"all optional", "bash", "a #labmark:optional\n", nil, 0},
		{"python", "python", "a = 1\nb = \"<<EOF\"\n", []int{0, 1}, 0},
		{"sh", "sh", "if a; then\nb\nc\nfi\n", []int{1, 2}, 2},
		{"empty", "bash", "", nil, 0},
	} {
		all, skipped := mutants(c.lang, c.script)
		var lines []int
		for _, m := range all {
			lines = append(lines, m.line)
			if strings.Contains(m.script, "EOF\nx") && !strings.Contains(m.script, "<<") {
				t.Errorf("%s: the body of a here-document became commands:\n%s", c.name, m.script)
			}
		}
		if !slices.Equal(lines, c.lines) || skipped != c.skipped {
			t.Errorf("%s: left out are %v, and %d skipped; want %v and %d", c.name, lines, skipped, c.lines, c.skipped)
		}
	}
}

func TestLeftOutIsShown(t *testing.T) {
	all, _ := mutants("bash", "a\n  b c\nd\n")
	got := fmt.Sprintf("%q %q", all[1].left, all[1].script)
	if want := `"b c" "a\nd\n"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
