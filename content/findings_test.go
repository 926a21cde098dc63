package content

import (
	"context"
	"os/exec"
	"strings"
	"testing"
)

func TestFindingShowsPlace(t *testing.T) {
	f := Finding{Severity: Error, File: "a.md", Line: 12, Column: 4, Length: 3, Message: "Wrong.", Mend: "Right it.", Source: "\tä foo bar"}
	want := "a.md:12:4: error: Wrong.\n   12 | \tä foo bar\n      | \t  ^^^\n      = Right it."
	if got := f.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFindingKeepsTerminalSafe(t *testing.T) {
	f := Finding{Severity: Error, File: "a.md", Line: 1, Column: 1, Length: 1, Message: "Wrong.", Source: "\x1b[2J\u009b"}
	if got := f.String(); strings.ContainsAny(got, "\x1b\u009b") {
		t.Errorf("control characters reach the terminal: %q", got)
	}
}

func TestFindingCutsLongLine(t *testing.T) {
	f := Finding{Severity: Error, File: "a.md", Line: 1, Column: 50001, Length: 90000, Message: "Wrong.",
		Source: strings.Repeat("x", 50000) + "HERE" + strings.Repeat("y", 50000)}
	got := f.String()
	if len(got) > 600 || !strings.Contains(got, "HERE") {
		t.Errorf("the excerpt is %d bytes: %.300s", len(got), got)
	}
	lines := strings.Split(got, "\n")
	if strings.IndexRune(strings.ReplaceAll(lines[2], "…", "."), '^') != strings.Index(strings.ReplaceAll(lines[1], "…", "."), "HERE") {
		t.Errorf("the caret does not stand below the place:\n%s", got)
	}
}

func TestErrOnlyForErrors(t *testing.T) {
	if err := (Findings{{Severity: Warning, Message: "Hm."}}).Err(); err != nil {
		t.Errorf("a warning became %v", err)
	}
	if err := (Findings{{Severity: Error, File: "a.md", Message: "No."}}).Err(); err == nil || !strings.Contains(err.Error(), "a.md: error: No.") {
		t.Errorf("got %v", err)
	}
}

func TestWarnings(t *testing.T) {
	fsys := courseWith(opening + "```check {#up unsolved}\necho {{port}} {{x}}\n```\n\n```solve {for=up}\nx\n```\n")
	fsys["course.yaml"].Data = []byte(courseYAML + "tutorials: [web]\n")
	c, findings := Load(fsys)
	if c == nil {
		t.Fatalf("warnings refuse the course: %v", findings)
	}
	all := findings.String()
	for _, want := range []string{"pipes.md: warning: Nobody will see", "web.md:10:6: warning: Scripts have no holes", "Write “$port”", "web.md:9:1: warning: The check “up” has a solution"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if len(findings) != 3 {
		t.Errorf("%d findings, want 3:\n%s", len(findings), all)
	}
}

func TestManyFindingsAreCut(t *testing.T) {
	_, findings := Load(courseWith(opening + strings.Repeat("{{a}} {{b}}\n", 5000)))
	if len(findings) != maxFindings+1 {
		t.Errorf("%d findings", len(findings))
	}
}

func TestShellcheckPointsIntoMarkdown(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed: ", err)
	}
	c, findings := Load(courseWith(opening + `
- In a list:

  ` + "```check {#up}" + `
  :fail: No.

  echo "$port"
  if [ "$x" = y; then
    true
  fi
  ` + "```" + `

` + "```solve {for=up lang=python}\nprint('not shell'\n```\n\n```mistake {for=up expect=x lang=sh}\ntrue\n```\n"))
	if c == nil {
		t.Fatal(findings)
	}
	got := Shellcheck(context.Background(), c)
	if got.Err() == nil || got[0].File != "tutorials/web.md" || got[0].Line != 16 || got[0].Column != 6 {
		t.Fatalf("want an error at tutorials/web.md:16:6, got\n%v", got)
	}
	if !strings.Contains(got.String(), `if [ "$x" = y; then`) {
		t.Errorf("the line is not shown:\n%v", got)
	}
	for _, f := range got {
		if f.Line < 15 || f.Line > 18 {
			t.Errorf("found outside of the faulty script: %v", f)
		}
	}
}

func TestShellcheckLikesGoodScripts(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed: ", err)
	}
	c, _ := Load(courseWith(secretive))
	if got := Shellcheck(context.Background(), c); len(got) > 0 {
		t.Error(got)
	}
}
