package look

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

// course has a theme of the files given, by their paths in its folder.
func course(theme map[string]string) fstest.MapFS {
	files := fstest.MapFS{
		"course.yaml":      {Data: []byte("id: c\ntitle: C\ntheme: sea\n")},
		"tutorials/one.md": {Data: []byte("---\ntitle: One\n---\n\n## Step\n\nHello.\n")},
	}
	for name, text := range theme {
		files["themes/sea/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestWhatIsWrongWithAThemeIsToldWithItsPlace(t *testing.T) {
	const head = "{{define \"tutorial-head\"}}\n"
	for what, c := range map[string]struct{ file, text, want string }{
		"no such sentence": {"words/en/a.yaml", "\nSkip to the contnet: Onwards\n", "words/en/a.yaml:2:1: error: Labmark says no such sentence: “Skip to the contnet”.|Did you mean “Skip to the content”?"},
		"a lacking hole":   {"words/de/a.yaml", `"Written to {path}.": lang`, "words/de/a.yaml:1:1: error: The message lacks {path}."},
		"a foreign hole":   {"words/fr/a.yaml", `"Written to {path}.": "{path} {who}"`, "There is nothing for {who}.|Known here: {path}"},
		"no number":        {"words/en/a.yaml", `Skip to the content: {one: a, other: b}`, "This sentence counts nothing."},
		"a number":         {"words/en/a.yaml", `"{n} points": points`, "This sentence counts something."},
		"half a number":    {"words/en/a.yaml", `"{n} points": {one: a}`, "has two forms"},
		"a number's hole":  {"words/en/a.yaml", `"{n} points": {one: a point, other: points}`, "other: The message lacks {n}."},
		"twice":            {"words/en/a.yaml", "Skip to the content: a\nSkip to the content: b", ":2:1: error: “Skip to the content” stands here twice."},
		"no language":      {"words/it/a.yaml", "Skip to the content: avanti", "The interface does not speak “it”."},
		"a markup":         {"templates/tutorial.html", head + "<p>\n  <script>1</script></p>{{end}}", "templates/tutorial.html:3:3: error: A theme has no <script>.|   3 |   <script>|^^^^^^^"},
		"a field":          {"templates/tutorial.html", head + "<p>{{.Hedding}}</p>{{end}}", "templates/tutorial.html:2:6: error: The page has no “Hedding” here.|Did you mean “Heading”?"},
		"a block":          {"templates/course.html", `{{define "course-hed"}}<p></p>{{end}}`, "templates/course.html:1:11: error: There is no block “course-hed”|Did you mean “course-head”?"},
		"a page":           {"templates/login.html", `{{define "main"}}<p></p>{{end}}`, "templates/login.html: error: A course can't change this template."},
		"no template":      {"templates/parts.html", `{{define "run"}}{{end`, "templates/parts.html:1:"},
		"only one page":    {"templates/parts.html", `{{define "question"}}<p>{{.Nothing}}</p>{{end}}`, "no “Nothing” here"},
	} {
		got, findings := Load(course(map[string]string{c.file: c.text}))
		for want := range strings.SplitSeq(c.want, "|") {
			if got != nil || !strings.Contains(findings.String(), want) {
				t.Errorf("%s: lacks %q:\n%s", what, want, findings)
			}
		}
	}
}

var sea = map[string]string{
	"templates/course.html": `{{define "course-head"}}<h1>Ahoy, {{.Heading}}</h1>{{end}}`,
	"words/en/sea.yaml":     "Copied: Aye\n\"{n} check\": {one: one knot, other: \"{n} knots\"}\n",
}

func mustLoad(t *testing.T, files fstest.MapFS) *content.Course {
	t.Helper()
	c, findings := Load(files)
	if c == nil {
		t.Fatal(findings)
	}
	return c
}

func drawn(t *testing.T, l *Look, p themes.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.Render(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEachVersionHasItsLook(t *testing.T) {
	base, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	plain := maps.Clone(sea)
	plain["words/en/sea.yaml"] = "Copied: Aye\n"
	first := mustLoad(t, course(plain))
	shelf := &Shelf{Base: base, Log: slog.New(slog.DiscardHandler)}
	one := shelf.Of(first)
	if shelf.Of(first) != one {
		t.Error("a theme is made for each page anew")
	}
	page := drawn(t, one, sample.Course("n"))
	if !strings.Contains(page, "<h1>Ahoy, Linux essentials</h1>") {
		t.Error("the page does not show the theme's heading")
	}
	second := mustLoad(t, course(map[string]string{"words/en/sea.yaml": "Copied: Arr\n"}))
	two := shelf.Of(second)
	if strings.Contains(drawn(t, two, sample.Course("n")), "Ahoy") {
		t.Error("the new version still has the old heading")
	}
	// Pages of the former version are still open.
	for _, p := range []string{page, drawn(t, two, sample.Course("n"))} {
		address := regexp.MustCompile(`/assets/words-en-[0-9a-f]+\.js`).FindString(p)
		w := httptest.NewRecorder()
		shelf.ServeHTTP(w, httptest.NewRequest("GET", address, nil))
		if !strings.Contains(w.Body.String(), `"Copied":"A`) {
			t.Errorf("%s is %d %.80s", address, w.Code, w.Body)
		}
	}
	if l := shelf.Of(mustLoad(t, course(map[string]string{"style.css": "a {}"}))); l != nil {
		t.Error("a style sheet alone needs no theme of its own")
	}
}

func TestAThemeThatWasNotTriedLeavesOurPages(t *testing.T) {
	base, err := ours()
	if err != nil {
		t.Fatal(err)
	}
	untried, findings := content.Load(course(map[string]string{"templates/course.html": `{{define "main"}}<script>{{end}}`}))
	if untried == nil {
		t.Fatal(findings)
	}
	var log bytes.Buffer
	shelf := &Shelf{Base: base, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if page := drawn(t, shelf.Of(untried), sample.Course("n")); !strings.Contains(page, "Linux essentials") || !strings.Contains(log.String(), "no <script>") {
		t.Errorf("logged: %s", log.String())
	}
}
