package server

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/look"
	"github.com/labmark/labmark/server/preview"
	"github.com/labmark/labmark/server/publish"
)

// themed is the test's course with a theme of its own.
func themed() fstest.MapFS {
	all := maps.Clone(files)
	add := func(name, text string) { all[name] = &fstest.MapFile{Data: []byte(text)} }
	add("course.yaml", "id: linux\ntitle: Linux\ntheme: sea\ntutorials: [one, two]\n")
	add("themes/sea/style.css", ":root { --link: teal; }\n")
	add("themes/sea/words/en/sea.yaml", "Skip to the content: Over the rail\nCopied: Aye\n")
	add("themes/sea/words/de/sea.yaml", "Skip to the content: Über die Reling\n")
	add("themes/sea/templates/tutorial.html", `{{define "tutorial-head"}}<header class="tutorial-head"><h1>Ahoy: {{.Heading}}</h1></header>{{end}}`)
	add("themes/sea/templates/parts.html", `{{define "check-points"}}<p class="check-points">Ask the captain about {{.ID}}.</p>{{end}}`)
	return all
}

func TestACourseIsDrawnByItsTheme(t *testing.T) {
	b := mustServe(t, ltitest.Moodle, func(cfg *Config) {
		sea, findings := look.Load(themed())
		other := maps.Clone(files)
		other["course.yaml"] = &fstest.MapFile{Data: []byte("id: plain\ntitle: Plain\ntutorials: [one, two]\n")}
		plain, more := look.Load(other)
		if sea == nil || plain == nil {
			t.Fatal(findings, more)
		}
		cfg.Courses = []*content.Course{sea, plain}
	})
	teacher := b.browser()
	teacher.mustLaunch(b.as("tessa"))
	get := func(path, language string) string {
		answer, page := teacher.get(path + "?language=" + language)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s is %s", path, answer.Status)
		}
		return page
	}
	for path, wants := range map[string][]string{
		"/courses/linux/one": {"<h1>Ahoy: One</h1>", "Over the rail", "/theme.css", "Ask the captain about first.", `data-check="first"`},
		"/courses/linux":     {"Over the rail", "!Ahoy"},
		"/preview/linux/one": {"Over the rail", "/theme.css", "!Ahoy"},
		"/courses/plain/one": {"!Ahoy", "!Over the rail", "!captain", "!/theme.css"},
		"/progress":          {"!Over the rail"},
	} {
		page := get(path, "en")
		for _, want := range wants {
			if yes, no := strings.CutPrefix(want, "!"); no == strings.Contains(page, yes) {
				t.Errorf("%s: %q", path, want)
			}
		}
	}
	if page := get("/courses/linux/one", "de"); !strings.Contains(page, "Über die Reling") || !strings.Contains(page, "Ahoy: One") {
		t.Error("the German page does not say what the theme says")
	}
	// What scripts say is fetched without a session.
	page := get("/courses/linux/one", "en")
	_, rest, _ := strings.Cut(page, `<script src="/assets/words-`)
	name, _, _ := strings.Cut(rest, `"`)
	answer, err := http.Get(b.url + "/assets/words-" + name)
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, answer); answer.StatusCode != http.StatusOK || !strings.Contains(body, `"Copied":"Aye"`) {
		t.Errorf("the scripts' words are %s: %.200s", answer.Status, body)
	}
}

// A broken theme is refused as a broken tutorial is: what was good is served on.
func TestABrokenThemeIsNotPublished(t *testing.T) {
	dir := t.TempDir()
	for name, file := range themed() {
		writeFile(t, filepath.Join(dir, name), string(file.Data))
	}
	b := mustServe(t, ltitest.Moodle, func(cfg *Config) {
		p, err := publish.Open(t.Context(), publish.Config{Sources: []publish.Source{{Dir: dir}}, Dir: t.TempDir(), Every: 10 * time.Millisecond, Log: cfg.Log})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Publisher, cfg.Courses = p, p.Courses()
	})
	student := b.browser()
	student.mustLaunch(b.as("ada"))
	writeFile(t, filepath.Join(dir, "themes/sea/templates/tutorial.html"), `{{define "tutorial-head"}}<h1>Wreck {{.Hedding}}</h1>{{end}}`)
	until(t, "the fault", func() bool {
		fault := b.cfg.Publisher.Statuses()[0].Fault
		return fault != nil && strings.Contains(fault.Error(), "themes/sea/templates/tutorial.html:1:") && strings.Contains(fault.Error(), "Did you mean “Heading”?")
	})
	if _, page := student.get("/courses/linux/one"); !strings.Contains(page, "Ahoy: One") || strings.Contains(page, "Wreck") {
		t.Error("the good version is not served any more")
	}
	writeFile(t, filepath.Join(dir, "themes/sea/templates/tutorial.html"), `{{define "tutorial-head"}}<h1>Afloat {{.Heading}}</h1>{{end}}`)
	until(t, "the mended theme", func() bool { _, page := student.get("/courses/linux/one"); return strings.Contains(page, "Afloat One") })
}

func TestAnAuthorSeesTheThemeAtASave(t *testing.T) {
	dir := t.TempDir()
	for name, file := range themed() {
		writeFile(t, filepath.Join(dir, name), string(file.Data))
	}
	course, err := preview.Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	b := mustServe(t, ltitest.Moodle, func(cfg *Config) { cfg.Preview, cfg.Courses = course, course.Courses() })
	br := b.browser()
	shows := func(want string) func() bool {
		return func() bool { _, page := br.get("/courses/linux/one"); return strings.Contains(page, want) }
	}
	until(t, "the theme", shows("Ahoy: One"))
	words := filepath.Join(dir, "themes/sea/words/en/sea.yaml")
	writeFile(t, words, "Skip to the content: Mind the gap\n")
	until(t, "the new message", shows("Mind the gap"))
	writeFile(t, words, "Skip to the contnet: Mind the gap\n")
	until(t, "the finding", func() bool {
		s := course.State()
		return s.Stale && len(s.Findings) == 1 && s.Findings[0].Place == "themes/sea/words/en/sea.yaml:1:1"
	})
	if err := os.Remove(words); err != nil {
		t.Fatal(err)
	}
	until(t, "our words", shows("Skip to the content"))
}
