package examples_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labmark/labmark/content"
)

// opening stands before examples that have no front matter of their own, as in
// the test that compiles them.
const opening = `---
title: Serve pages
guests:
  web: {image: debian-12}
vars:
  port: {int: 8000-8999}
  user: {choice: [ann, bob, cid]}
---
`

// TestExamplesOfTheReferenceAreProved runs what docs/format.md tells authors to
// write: all examples with checks or preparations, as one course.
func TestExamplesOfTheReferenceAreProved(t *testing.T) {
	page, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"course.yaml": {Data: []byte("id: reference\ntitle: Examples of the reference\n")}}
	runs := regexp.MustCompile("(?m)^(```(check|assert|setup)|:::question)")
	for _, e := range regexp.MustCompile("(?s)\n````markdown\n(.*?\n)````\n").FindAllSubmatchIndex(page, -1) {
		text := string(page[e[2]:e[3]])
		if !runs.MatchString(text) {
			continue
		}
		if !strings.HasPrefix(text, "---\n") {
			text = opening + text
		}
		line := strings.Count(string(page[:e[2]]), "\n") + 1
		files[fmt.Sprintf("tutorials/line-%d.md", line)] = &fstest.MapFile{Data: []byte(text)}
	}
	if len(files) < 6 {
		t.Fatalf("only %d examples have something to run", len(files)-1)
	}
	course, findings := content.Load(files)
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	prove(t, open(t), course)
}
