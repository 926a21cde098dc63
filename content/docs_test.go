package content

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// TestExamplesOfTheReference compiles every example of docs/format.md.
func TestExamplesOfTheReference(t *testing.T) {
	page, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)\n````markdown\n(.*?\n)````\n").FindAllStringSubmatch(string(page), -1)
	if len(examples) < 6 {
		t.Fatalf("only %d examples were found", len(examples))
	}
	blocks := map[string]bool{}
	for _, e := range examples {
		text := e[1]
		for word := range words {
			if regexp.MustCompile("(?m)^(```|:::)" + word + `\b`).MatchString(text) {
				blocks[word] = true
			}
		}
		if !strings.HasPrefix(text, "---\n") {
			text = opening + text
		}
		if _, findings := Load(courseWith(text)); len(findings) > 0 {
			t.Errorf("%v\nin the example\n%s", findings, e[1])
		}
	}
	for word, w := range words {
		if !w.later && !blocks[word] && word != "note" && word != "tip" && word != "danger" {
			t.Errorf("the reference has no example of %q", word)
		}
	}
}

// TestCourseYAMLOfTheReference reads its course.yaml.
func TestCourseYAMLOfTheReference(t *testing.T) {
	page, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	yaml := regexp.MustCompile("(?s)\n```yaml\n(.*?\n)```\n").FindStringSubmatch(string(page))
	if yaml == nil {
		t.Fatal("no course.yaml was found")
	}
	fsys := courseWith("")
	delete(fsys, "tutorials/web.md")
	delete(fsys, "tutorials/pipes.md")
	fsys["course.yaml"].Data = []byte(yaml[1])
	for _, name := range []string{"shell", "files"} {
		fsys["tutorials/"+name+".md"] = &fstest.MapFile{Data: []byte("---\ntitle: T\n---\nText.\n")}
	}
	if _, findings := Load(fsys); len(findings) > 0 {
		t.Error(findings)
	}
}

// TestReferenceNamesEveryAttribute keeps the reference whole.
func TestReferenceNamesEveryAttribute(t *testing.T) {
	page, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	for word, w := range words {
		if !strings.Contains(string(page), word) {
			t.Errorf("the block %q is not in docs/format.md", word)
		}
		for _, a := range w.attributes {
			if !regexp.MustCompile("`"+a+"[`=]").Match(page) && !strings.Contains(string(page), " "+a+"=") {
				t.Errorf("the attribute %q of %q is not in docs/format.md", a, word)
			}
		}
	}
}
