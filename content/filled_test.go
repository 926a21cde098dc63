package content

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// TestFilledTextsAreBounded has few lines that would make gigabytes for each
// student who opens the page.
func TestFilledTextsAreBounded(t *testing.T) {
	const front = "---\ntitle: T\nguests: {web: {image: debian-12}}\nvars:\n  a: {password: 64, count: 1000}\n---\n## A\n\n"
	many := strings.Repeat("{{a}} ", 2000)
	for name, text := range map[string]string{
		"prose":         front + many + "\n",
		"code":          front + "```text\n" + many + "\n```\n",
		"included code": front + "```include {file=many.txt}\n```\n",
		"file":          front + "```setup {file=/x}\n" + many + "\n```\n",
		"lines":         front + "```setup {file=/x}\n{{a}} " + strings.Repeat("x", 10_000) + "\n```\n",
		"lists":         strings.Replace(front, "---\n##", "  b: {password: 64, count: 1000}\n  c: {hex: 9, count: 1000}\n---\n##", 1) + "x\n",
		"answer":        front + ":::question {#q type=text}\nWhat?\n\n- [x] a" + strings.Repeat("{{a}}", 700) + "\n:::\n",
	} {
		c, findings := Load(fstest.MapFS{"course.yaml": {Data: []byte(courseYAML)}, "tutorials/t.md": {Data: []byte(text)},
			"tutorials/many.txt": {Data: []byte(many)}})
		if s := findings.String(); c != nil || !strings.Contains(s, "more than 4 MiB") && !strings.Contains(s, "more than 2000 values") {
			t.Errorf("%s: the findings are %.300s", name, s)
		}
	}
	mustCompile(t, strings.Replace(front, "## A", "## A\n\n{{a}}\n\n```setup {file=/x}\n{{a}}:x\n```\n", 1))
}

// TestHostilePatternsAreBounded would take minutes and gigabytes for each
// course that is loaded, and each answer that is given.
func TestHostilePatternsAreBounded(t *testing.T) {
	start := time.Now()
	for _, pattern := range []string{strings.Repeat("a{1000}", 3000), strings.Repeat(`(\PL\pL){500}`, 200), strings.Repeat(`({{user}}x{20}){40}`, 10)} {
		_, findings := Load(courseWith(opening + ":::question {#q type=text unsolved=true}\nWhat?\n\n- [x] /" + pattern + "/\n:::\n"))
		if s := findings.String(); !strings.Contains(s, "repeats too much") {
			t.Errorf("%.30s…: the findings are %.300s", pattern, s)
		}
		_, findings = Load(courseWith(opening + "```assert {#a unsolved=true}\n- file: /x\n  matches: '" + pattern[:min(len(pattern), 4000)] + "'\n```\n"))
		if s := findings.String(); !strings.Contains(s, "repeats too much") {
			t.Errorf("%.30s… of a fact: the findings are %.300s", pattern, s)
		}
	}
	if took := time.Since(start); took > hostileTime {
		t.Errorf("it took %v", took)
	}
}
