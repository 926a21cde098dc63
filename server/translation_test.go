package server

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti/ltitest"
)

const question = "\n:::question {#why type=choice title=\"Why?\"}\n- [ ] BECAUSE\n  > WRONG-WORDS\n- [x] NO-IDEA\n:::\n"

// bilingual serves a course of which one tutorial is translated.
func bilingual(t *testing.T) *bed {
	german := strings.NewReplacer("title: One", "title: Eins", "title=Task", "title=Aufgabe", "Do it", "Tu es",
		"guests: {lab: {image: debian-12}}\n", "", " points=10 sticky=false", "", "This is what I saw.", "Das habe ich gesehen.",
		"\ntrue\n", "\n", "```solve {for=first}\ntrue\n```\n", "",
		" type=choice", "", "BECAUSE", "DARUM", "WRONG-WORDS", "FALSCHE-WORTE", "NO-IDEA", "KEINE-AHNUNG")
	all := maps.Clone(files)
	one := lesson("One", "first") + question
	all["tutorials/one.md"] = &fstest.MapFile{Data: []byte(one)}
	all["i18n/de/tutorials/one.md"] = &fstest.MapFile{Data: []byte(german.Replace(one))}
	all["i18n/de/course.yaml"] = &fstest.MapFile{Data: []byte("title: Linux auf Deutsch\n")}
	all["course.yaml"] = &fstest.MapFile{Data: []byte("id: linux\ntitle: Linux\ntheme: sea\ntutorials: [one, two]\n")}
	all["themes/sea/style.css"] = &fstest.MapFile{Data: []byte(":root { --link: teal; }\n")}
	course, findings := content.Load(all)
	if course == nil {
		t.Fatal(findings)
	}
	return mustServe(t, ltitest.Moodle, func(c *Config) { c.Courses = []*content.Course{course} })
}

func TestTranslatedPages(t *testing.T) {
	b := bilingual(t)
	student := b.browser()
	has := func(what, page string, want ...string) {
		t.Helper()
		for _, w := range want {
			if yes, no := strings.CutPrefix(w, "!"); no == strings.Contains(page, yes) {
				t.Errorf("%s: %q, on the page\n%s", what, w, page)
			}
		}
	}
	get := func(path, accept string) string {
		t.Helper()
		answer, page := student.do(http.MethodGet, path, nil, "Accept-Language", accept)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, answer.Status)
		}
		return page
	}
	const one = "/courses/linux/one"
	student.mustLaunch(b.as("ada"))

	// The platform says English.
	has("by the platform", get(one, "de"), `<html lang="en">`, `<article class="prose" lang="en">`, "BECAUSE", "!DARUM", `href="`+student.at+one+`?language=de"`)
	// The student says German, and is believed from then on.
	has("chosen", get(one+"?language=de", "en"), `<html lang="de">`, `<article class="prose" lang="de">`, "DARUM", "Aufgabe", "!BECAUSE", "!noch nicht übersetzt")
	has("a language that there is not", get(one+"?language=xx", "en"), "DARUM")
	has("the course", get("/courses/linux", "en"), "Linux auf Deutsch", `lang="de">Eins</a>`)
	has("progress", get("/progress", "en"), "Eins")

	// Messages and feedback come in the same language, whatever way they take.
	status, attempt := student.api("/api"+one+"/checks/why", map[string]any{"attempt": "00000000-0000-4000-8000-0000000000d1", "answer": []string{wrong(t, get(one, "en"))}})
	if feedback, _ := attempt["feedback"].(string); status != http.StatusAccepted || !strings.Contains(feedback, "FALSCHE-WORTE") {
		t.Errorf("an answer came to %d %v", status, attempt)
	}
	has("after a reload", get(one, "en"), "FALSCHE-WORTE", "!WRONG-WORDS")

	// The course's own style sheet comes after ours.
	_, rest, _ := strings.Cut(get(one, "en"), "tutorial-")
	_, rest, ok := strings.Cut(rest, `<link rel="stylesheet" href="`+student.at)
	style, _, _ := strings.Cut(rest, `"`)
	answer, css := student.get(style)
	if !ok || answer.StatusCode != http.StatusOK || !strings.Contains(css, "--link: teal") || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/css") {
		t.Errorf("the style sheet %q: %s %s", style, answer.Status, css)
	}

	// An instructor sees the whole course, also what is not translated yet.
	teacher := b.browser()
	teacher.mustLaunch(b.as("tessa"))
	_, page := teacher.get("/courses/linux/two?language=de")
	has("not translated", page, "noch nicht übersetzt", "Deutsch", `<article class="prose" lang="en">`)
}

// wrong finds the identifier of the wrong choice on a page.
func wrong(t *testing.T, page string) string {
	t.Helper()
	before, _, ok := strings.Cut(page, "DARUM")
	i := strings.LastIndex(before, `value="`)
	if !ok || i < 0 {
		t.Fatalf("there is no wrong choice on the page\n%s", page)
	}
	id, _, _ := strings.Cut(before[i+len(`value="`):], `"`)
	return id
}
