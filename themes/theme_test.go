package themes_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

// dist stands for what themes/build makes.
func dist() fstest.MapFS {
	files := fstest.MapFS{"manifest.json": {Data: []byte(`{"head.js": "head-1.js", "site.js": "site-1.js", "site.css": "site-1.css",
		"tutorial.js": "tutorial-1.js", "tutorial.css": "tutorial-1.css", "lti.js": "lti-1.js", "novnc.js": "novnc-1.js", "maths.js": "maths-1.js", "maths.css": "maths-1.css", "diagram.js": "diagram-1.js", "teach.js": "teach-1.js", "teach.css": "teach-1.css", "icon.svg": "icon-1.svg", "licences.txt": "licences.txt"}`)}}
	for _, name := range []string{"head-1.js", "site-1.js", "site-1.css", "tutorial-1.js", "tutorial-1.css", "lti-1.js", "novnc-1.js", "maths-1.js", "maths-1.css", "diagram-1.js", "teach-1.js", "teach-1.css", "icon-1.svg", "licences.txt"} {
		files[name] = &fstest.MapFile{Data: []byte("/* " + name + " */")}
	}
	return files
}

func mustLoad(t *testing.T, overrides ...fs.FS) *themes.Theme {
	t.Helper()
	theme, err := themes.Load(dist(), append([]fs.FS{themes.DefaultTemplates}, overrides...))
	if err != nil {
		t.Fatal(err)
	}
	return theme
}

func mustRender(t *testing.T, theme *themes.Theme, p themes.Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := theme.Render(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEveryPageShowsItsData(t *testing.T) {
	theme := mustLoad(t)
	for _, c := range []struct {
		name  string
		page  themes.Page
		wants []string
	}{
		{"login", sample.Login("n", true), []string{"do not go together", `value="ann"`, "/login/demo", `name="next"`}},
		{"courses", sample.Courses("n"), []string{"Run a web server", "7 of 20 points", "4 tutorials"}},
		{"course", sample.Course("n"), []string{"1 h 30 min", "5 checks", "1 check<", "your machine is running"}},
		{"tutorial", sample.Tutorial("n", themes.GuestView{}), []string{
			"Make a folder", `data-api="` + sample.API + `"`, "There is no copy of notes.txt", `data-state="unsure"`,
			"opens after 2 failed tries", "costs 1 point", "Who may do what", "2.5", `data-state="none"`}},
		{"progress", sample.Progress("n"), []string{"35 %", "Say hello", "This does not count", "Ann Example"}},
		{"error", sample.Error("n"), []string{"404", "There is no such page", "mistyped"}},
		{"refused launch", sample.Refused("n"), []string{"403", "used before", "state-used K7Q2", "/course/view.php?id=7"}},
		{"continue", sample.Continue("n", &themes.StoreView{Target: "_parent", Origin: sample.Moodle, Key: "k", Value: "v"}), []string{
			`id="continue" href="/lti/went-on`, `data-store-value="v"`, `action="/lti/login" target="_blank"`, `name="login_hint" value="4"`, `value="{&#34;cmid&#34;:7}"`}},
		{"storage", sample.Storage("n", themes.StoreView{Key: "k"}), []string{`data-store-key="k"`, `name="id_token" value="ey.token"`, `name="state" value="s.t"`, `action="/lti/launch"`}},
		{"return", sample.Return("n", sample.Moodle+"/return"), []string{`action="` + sample.Moodle + `/return"`, `name="JWT" value="ey.answer"`, "Adding 2 tutorials"}},
		{"close", sample.Close("n"), []string{"Labmark is registered", "press “Activate”"}},
		{"privacy", sample.Privacy("n"), []string{"/at/7Q2XK/privacy/export", "no other student"}},
		{"files", sample.Files("n"), []string{"&lt;b&gt;report&lt;/b&gt;.txt", "/machine/get?path=%2Fhome%2Fstudent%2Freport.txt", `enctype="multipart/form-data"`, "guest=router", "There are more"}},
		{"profile", sample.Profile("n"), []string{"ssh -p 2222 labmark@labs.example.edu", `action="/profile/keys/2/remove"`, "ssh-rsa", "never", `action="/profile/keys"`}},
		{"pick", sample.Pick("n", true), []string{`type="checkbox" name="pick" value="linux-essentials/files"`, `name="due:linux-essentials/files"`,
			`name="from:linux-essentials"`, `name="points:firewalls/first-rules" min="0" step="any" inputmode="decimal" value="10"`, "The whole course", `value="t0ken"`}},
		{"pick one", sample.Pick("n", false), []string{`type="radio" name="pick"`, "Choose a tutorial"}},
		{"preview", sample.Preview("n"), []string{"work is checked: <strong>Make a folder", "makes a folder", "5 checks, 6 points"}},
		{"class", sample.Class("n", 20, 5), []string{`data-user="u16"`, "refused", "set by hand", `data-check="c4"`, "1 grade refused", "1 thing here", "looks at other things now", "Everything with evidence", sample.ClassEvents}},
		{"student", sample.Student("n"), []string{"Set by hand to 5", "18231 more bytes", "No such file or directory", "exit status 1", "does not count", "Zoë Faraday", "taken back",
			`action="/teach/student/override"`, "8137", `id="attempt-a3"`}},
		{"check", sample.Check("n"), []string{"NUMBER of the three pictures", ">31<", ">61</strong> passed", "18 Nov: 22 passed, 22 failed", `<rect data-state="pass"`}},
		{"outbox", sample.Outbox("n"), []string{">412</strong> sent", "enrolled as a student", `name="retry" value="all"`, `name="drop" value="1"`, "7 tries"}},
		{"settings", sample.Settings("n"), []string{`value="best" checked`, `data-at="2026-11-27T09:30:00Z"`, `value="2026-11-27T09:30"`, "nobody here has this number", "Only tried"}},
		{"platforms", sample.Platforms("n"), []string{"invalid_client", "Keyset URL", "secret=3QXJ7RZK5V2M", "waits to be activated", "canvas.json", `name="client_id"`}},
		{"nodes", sample.Nodes("n"), []string{"no route to host", "31 of 60", "13.0 GB of 64.0 GB", "2 processors, emulated", "draining", "it was lost 3 times within 10 minutes.",
			`action="/admin/nodes/anvil/drain"`, `action="/admin/nodes/bellows/back"`, "course=linux-essentials", `href="/admin/platforms"`}},
		{"guests", sample.Guests("n"), []string{"87 %", "41 MB", "was Zoë Faraday’s", "3 students wait for one.", `action="/admin/guests/g-k2x7abcd/replace"`, "anvil"}},
		{"audit", sample.Audit("n"), []string{"192.0.2.61", "Ada Lovelace", "g-k2x7abcd", `value="g-k2x7"`, "before=4711", "Kept for 180 days."}},
		{"sources", sample.Sources("n"), []string{"The newest version is not served", "tutorials/files.md:12:1", "9f31c2ab07", `action="/admin/courses/linux-essentials/pull"`, "Who had passed keeps the points", "no check was changed"}},
		{"platform", sample.Platform("n"), []string{"/mod/lti/token.php", "Networks", `value="1 4"`, `action="/admin/platforms/1/test"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := mustRender(t, theme, c.page)
			for _, want := range append(c.wants, "<!doctype html>", "/assets/site-1.css", `nonce="n"`, "</html>") {
				if !strings.Contains(page, want) {
					t.Errorf("the page lacks %q", want)
				}
			}
			for _, refused := range []string{"ZgotmplZ", " style=", "<script>", " onclick"} {
				if strings.Contains(page, refused) {
					t.Errorf("the page has %q, which the policy or the template engine refuses", refused)
				}
			}
		})
	}
}

func TestValuesOfStudentsAreEscaped(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	theme := mustLoad(t)
	parts := []themes.Part{
		{HTML: `<p title="`}, {Text: evil}, {HTML: `">open, `},
		{Text: evil},
		{Run: &themes.RunView{Guest: evil, Command: evil}},
		{Check: &themes.CheckView{ID: "c", Title: evil, Points: 1, Last: &themes.AttemptView{State: "done", Verdict: "fail", Message: evil}}},
		{HTML: `</p>`},
	}
	var b bytes.Buffer
	if err := theme.RenderParts(&b, "", parts); err != nil {
		t.Fatal(err)
	}
	page := mustRender(t, theme, themes.TutorialPage{Layout: themes.Layout{Title: evil}, Heading: evil, Steps: []themes.Step{{ID: "s", Title: evil, Body: parts}}})
	for _, out := range []string{b.String(), page} {
		if strings.Contains(out, "<script>alert") {
			t.Errorf("a value came out as markup:\n%s", out)
		}
		if !strings.Contains(out, "&lt;script&gt;alert(1)") {
			t.Errorf("the value is not shown at all:\n%s", out)
		}
	}
	if got := b.String(); !strings.HasPrefix(got, `<p title="&#34;&gt;`) || !strings.HasSuffix(got, "</p>") {
		t.Errorf("incomplete HTML was changed:\n%s", got)
	}
}

func TestAStudentSeesWhatACheckSaid(t *testing.T) {
	theme := mustLoad(t)
	for _, c := range []struct {
		name  string
		check themes.CheckView
		state string
		says  string
	}{
		{"never tried", themes.CheckView{}, "idle", "Not tried yet"},
		{"running", themes.CheckView{Last: &themes.AttemptView{ID: "u", State: "running"}}, "running", `data-attempt="u"`},
		{"passed", themes.CheckView{Last: &themes.AttemptView{State: "done", Verdict: "pass", Message: "fine"}}, "pass", "Passed"},
		{"failed", themes.CheckView{Last: &themes.AttemptView{State: "done", Verdict: "fail", Message: "no file"}}, "fail", "no file"},
		{"part of the points", themes.CheckView{Last: &themes.AttemptView{State: "done", Verdict: "fail", Won: 1}}, "part", "Partly there"},
		{"could not tell", themes.CheckView{Last: &themes.AttemptView{State: "done", Verdict: "unsure"}}, "unsure", "Could not tell"},
		{"won earlier", themes.CheckView{Won: 2, Points: 2}, "pass", "Passed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.check.ID = "c"
			var b bytes.Buffer
			if err := theme.RenderParts(&b, "", []themes.Part{{Check: &c.check}}); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{`data-state="` + c.state + `"`, c.says} {
				if !strings.Contains(b.String(), want) {
					t.Errorf("lacks %q:\n%s", want, b.String())
				}
			}
		})
	}
}

func TestAnOverrideReplacesSingleFiles(t *testing.T) {
	school := fstest.MapFS{
		"templates/error.html": {Data: []byte(`{{define "main"}}<main>Ask Room 12. <link href="{{asset "site.css"}}"></main>{{end}}`)},
		"assets/site.css":      {Data: []byte("body { color: red }")},
	}
	last := fstest.MapFS{"templates/error.html": {Data: []byte(`{{define "main"}}Ask Room 13. {{asset "site.css"}}{{end}}`)}}
	theme := mustLoad(t, school, last)
	page := mustRender(t, theme, sample.Error("n"))
	if !strings.Contains(page, "Ask Room 13.") || strings.Contains(page, "Room 12") || strings.Contains(page, "/assets/site-1.css") {
		t.Errorf("the last override should win:\n%s", page)
	}
	if courses := mustRender(t, theme, sample.Courses("n")); !strings.Contains(courses, "Linux essentials") {
		t.Error("pages that no override has should stay as they are")
	}
}

func TestAFailingTemplateWritesNothing(t *testing.T) {
	broken := fstest.MapFS{"templates/error.html": {Data: []byte(`{{define "main"}}<p>half a page {{asset "none.css"}}{{end}}`)}}
	var b bytes.Buffer
	err := mustLoad(t, broken).Render(&b, sample.Error("n"))
	if err == nil || !strings.Contains(err.Error(), "none.css") {
		t.Errorf("the error should name the missing asset: %v", err)
	}
	if b.Len() > 0 {
		t.Errorf("half a page was written: %s", b.String())
	}
}

func TestAMistypedOverrideIsRefused(t *testing.T) {
	broken := fstest.MapFS{"templates/course.html": {Data: []byte("{{if}}")}}
	_, err := themes.Load(dist(), []fs.FS{themes.DefaultTemplates, broken})
	if err == nil || !strings.Contains(err.Error(), "templates/course.html") {
		t.Errorf("the error should name the file: %v", err)
	}
}
