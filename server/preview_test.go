package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/preview"
)

// secretMistake stands in a mistake, secretSolution in a solution.
const secretMistake, secretSolution = "echo SECRET-MISTAKE-77aa", "echo SECRET-SOLUTION-12bc"

var authored = strings.Replace(lesson("One", "first"), "```solve {for=first}\ntrue\n```\n",
	"```solve {for=first}\n"+secretSolution+"\n```\n\n```mistake {for=first expect=\"what I saw\"}\n"+secretMistake+"\n```\n", 1)

// mustPreview serves a course that is written to a folder, for its author.
func mustPreview(t *testing.T, text string) (b *bed, tutorial string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	tutorial = filepath.Join(dir, "tutorials", "one.md")
	if err := os.WriteFile(tutorial, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	course, err := preview.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	return mustServe(t, ltitest.Moodle, func(cfg *Config) { cfg.Preview, cfg.Courses = course, course.Courses() }), tutorial
}

func TestAnAuthorNeedsNoLoginAndSeesASave(t *testing.T) {
	b, file := mustPreview(t, authored)
	br := b.browser()
	if answer, body := br.get("/courses/linux/one"); answer.StatusCode != http.StatusOK || !strings.Contains(body, `id="author"`) {
		t.Fatalf("the tutorial's page is %s\n%s", answer.Status, body)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(authored, "Do it.", "Do it NOW.", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, "the new text", func() bool { _, body := br.get("/courses/linux/one"); return strings.Contains(body, "Do it NOW.") })
	if answer, _ := br.do(http.MethodGet, "/courses/linux/one", nil, "X-Forwarded-For", "192.0.2.1"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("somebody behind a proxy gets %s", answer.Status)
	}
}

func TestACourseWithErrorsCanBePreviewed(t *testing.T) {
	b, file := mustPreview(t, "no head")
	br := b.browser()
	if answer, body := br.get("/"); answer.StatusCode != http.StatusOK || !strings.Contains(body, `id="author"`) {
		t.Fatalf("the first page is %s\n%s", answer.Status, body)
	}
	if err := os.WriteFile(file, []byte(authored), 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, "the mended course", func() bool { answer, _ := br.get("/courses/linux/one"); return answer.StatusCode == http.StatusOK })
}

func TestAnAuthorTriesChecksSolutionsAndMistakes(t *testing.T) {
	b, _ := mustPreview(t, authored)
	br := b.browser()
	br.get("/")
	api := "/api/courses/linux/one"
	if status, out := br.api(api+"/author/try", preview.Trial{Do: "check", Check: "first"}); status != http.StatusConflict {
		t.Errorf("without a guest a check is answered by %d %v", status, out)
	}
	br.work("one", "first") // starts the guest
	try := func(what preview.Trial) preview.Report {
		t.Helper()
		status, out := br.api(api+"/author/try", what)
		if status != http.StatusOK {
			t.Fatalf("%+v: %d %v", what, status, out)
		}
		text, _ := json.Marshal(out)
		var r preview.Report
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := try(preview.Trial{Do: "solve", Check: "first"}); !r.Held || len(r.Runs) != 2 || r.Runs[1].Status == nil || !strings.Contains(r.Runs[1].Stdout, secretOutput) {
		t.Errorf("the solution: %+v", r)
	}
	if r := try(preview.Trial{Do: "mistake", Check: "first"}); r.Held || !strings.Contains(r.Says, "does not notice") {
		t.Errorf("a mistake that is not noticed: %+v", r)
	}
	b.mu.Lock()
	b.verdict = "fail"
	b.mu.Unlock()
	if r := try(preview.Trial{Do: "check", Check: "first"}); r.Held || r.Runs[0].Verdict != "fail" || r.Runs[0].Message != "This is what I saw." {
		t.Errorf("the check: %+v", r)
	}
	if status, _ := br.api(api+"/author/try", preview.Trial{Do: "mistake", Check: "first", Mistake: 1}); status != http.StatusNotFound {
		t.Errorf("a mistake that there is not: %d", status)
	}
	_, blocks := br.get(api + "/author/blocks")
	for _, want := range []string{secretMistake, secretSolution} {
		if !strings.Contains(blocks, want) {
			t.Errorf("the blocks lack %q:\n%s", want, blocks)
		}
	}
}

func TestAnAuthorBecomesOthers(t *testing.T) {
	b, _ := mustPreview(t, strings.NewReplacer("guests:", "vars: {word: {hex: 12}}\nguests:", "Do it.", "Word {{word}}.").Replace(authored))
	br := b.browser()
	word := func() string {
		_, body := br.get("/courses/linux/one")
		_, rest, _ := strings.Cut(body, "Word ")
		word, _, _ := strings.Cut(rest, ".")
		return word
	}
	become := func(n int) int {
		status, _ := br.api("/api/preview/student", map[string]int{"student": n})
		return status
	}
	first := word()
	if become(7) != http.StatusOK || len(first) != 12 || word() == first {
		t.Errorf("student 1 has the word %q, student 7 %q", first, word())
	}
	if become(1) != http.StatusOK || word() != first {
		t.Errorf("back as student 1 the word is %q, not %q", word(), first)
	}
	if status := become(0); status != http.StatusBadRequest {
		t.Errorf("student 0 is answered by %d", status)
	}
}

func TestOrdinaryServersKnowNothingOfAuthors(t *testing.T) {
	b := mustServe(t, ltitest.Moodle, func(cfg *Config) {
		m := maps.Clone(files)
		m["tutorials/one.md"] = &fstest.MapFile{Data: []byte(authored)}
		course, _ := content.Load(m)
		cfg.Courses = []*content.Course{course}
	})
	br := b.browser()
	page := br.mustLaunch(b.as("tessa"))
	_, tutorial := br.get("/courses/linux/one")
	for what, body := range map[string]string{"launch": page, "page": tutorial} {
		for _, never := range []string{"author", secretMistake, secretSolution} {
			if strings.Contains(body, never) {
				t.Errorf("the %s has %q", what, never)
			}
		}
	}
	api := "/api/courses/linux/one"
	for _, path := range []string{api + "/author/blocks", "/api/preview/events"} {
		if answer, body := br.get(path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s is answered by %s: %s", path, answer.Status, body)
		}
	}
	for path, in := range map[string]any{api + "/author/try": preview.Trial{Do: "solve", Check: "first"}, "/api/preview/student": map[string]int{"student": 1}} {
		if status, out := br.api(path, in); status != http.StatusNotFound {
			t.Errorf("POST %s is answered by %d %v", path, status, fmt.Sprint(out))
		}
	}
}
