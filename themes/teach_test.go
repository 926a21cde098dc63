package themes_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

// TestASessionsAddressesStayInIt: with two platforms in one browser, a link
// without the prefix would lead into somebody else's session.
func TestASessionsAddressesStayInIt(t *testing.T) {
	theme := mustLoad(t)
	launched := func(l themes.Layout) themes.Layout { return sample.Launched(l, "") }
	login, progress, failed := sample.Login("n", true), sample.Progress("n"), sample.Error("n")
	login.Layout, progress.Layout, failed.Layout = launched(login.Layout), launched(progress.Layout), launched(failed.Layout)
	own := regexp.MustCompile(`(?:href|action)="(/(?:|progress|logout|login|login/demo))"`)
	for _, p := range []themes.Page{login, progress, failed, sample.Embedded("n", "", themes.GuestView{})} {
		page := mustRender(t, theme, p)
		if m := own.FindStringSubmatch(page); m != nil {
			t.Errorf("%T leads to %s, out of its session", p, m[1])
		}
		if !strings.Contains(page, `href="/at/7Q2XK/"`) {
			t.Errorf("%T has no way to its own courses", p)
		}
	}
}

func TestAnEmbeddedPageSaysWhereOneIs(t *testing.T) {
	theme := mustLoad(t)
	framed := mustRender(t, theme, sample.Embedded("n", sample.Moodle, themes.GuestView{}))
	for _, want := range []string{"Ada Ansah", "Introduction to Linux", "Back to Moodle of Hill School", `target="_top"`,
		`href="/at/7Q2XK/popout" target="_blank"`, `data-listener="` + sample.Moodle + `"`} {
		if !strings.Contains(framed, want) {
			t.Errorf("the framed page lacks %q", want)
		}
	}
	if strings.Contains(framed, "/logout") {
		t.Error("who signs out inside the platform would only be confused")
	}
	alone := mustRender(t, theme, sample.Embedded("n", "", themes.GuestView{}))
	for _, refused := range []string{"data-embedded", "data-listener", "/popout", `target="_top"`} {
		if strings.Contains(alone, refused) {
			t.Errorf("the page in a window of its own has %q", refused)
		}
	}
	if !strings.Contains(alone, "/at/7Q2XK/logout") {
		t.Error("the page in a window of its own has no way to sign out")
	}
}

func TestAStudentSeesTheGradesWay(t *testing.T) {
	theme := mustLoad(t)
	for state, want := range map[string]string{
		"none":    "Your grade goes to Moodle with your first check.",
		"sent":    "was sent to Moodle",
		"waiting": "is waiting to be sent to Moodle: Moodle does not answer. Next try",
		"refused": "could not be entered in Moodle: Moodle knows no such student in this course. It is kept here",
	} {
		p := sample.Tutorial("n", themes.GuestView{})
		g := sample.Grade(state)
		p.Grade = &g
		if page := mustRender(t, theme, p); !strings.Contains(strings.ReplaceAll(page, "<strong>7 / 10</strong> ", ""), want) {
			t.Errorf("%s: the page does not say %q", state, want)
		}
	}
	p := sample.Tutorial("n", themes.GuestView{})
	p.Grade = &themes.GradeView{}
	if page := mustRender(t, theme, p); strings.Contains(page, `class="grade"`) {
		t.Error("a link that takes no grades should not speak of one")
	}
}

func TestWhatStudentsReadBeforehand(t *testing.T) {
	theme := mustLoad(t)
	rules := []string{"Due 20 Nov 2026, 09:30 UTC; 10 % less for each day late", "Nothing counts after 30 Nov."}
	tutorial, course, progress := sample.Tutorial("n", themes.GuestView{}), sample.Course("n"), sample.Progress("n")
	tutorial.Rules, course.Tutorials[0].Rules, progress.Courses[0].Tutorials[0].Rules = rules, rules, rules
	for _, p := range []themes.Page{tutorial, course, progress} {
		if page := mustRender(t, theme, p); !strings.Contains(page, "10 % less for each day late. Nothing counts after 30 Nov.<") {
			t.Errorf("%T does not say when it is due", p)
		}
	}
}

func TestAPassThatCameLateReadsAsOne(t *testing.T) {
	theme := mustLoad(t)
	late := []themes.CheckView{{ID: "hello", Points: 1, Won: 0.7, Passed: true, Late: true}}
	student, progress := sample.Student("n"), sample.Progress("n")
	student.Checks, progress.Courses[0].Tutorials[0].Checks = late, late
	for _, p := range []themes.Page{student, progress} {
		page := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(mustRender(t, theme, p), "")
		if !strings.Contains(page, "hello Passed, late 0.7/1") {
			t.Errorf("%T does not say that it was passed", p)
		}
	}
}

func TestAnOutboxSaysOnlyWhatIsKnown(t *testing.T) {
	theme := mustLoad(t)
	page := sample.Outbox("n")
	past := time.Now().Add(-time.Second)
	page.Rows = page.Rows[:1]
	page.Rows[0].Grade = themes.GradeView{State: "waiting", Why: "Moodle cannot be reached (503).", NextTry: &past}
	page.Rows[0].LastError = "<html><head><title>x</title></head>\n<body><h1>Service\nUnavailable</h1>"
	page.Compared = &themes.ComparedView{Unread: []string{"Moodle does not answer"}}
	drawn := mustRender(t, theme, page)
	for _, want := range []string{"reached (503). Next try in a moment", ">Service Unavailable<", "The gradebook could not be read.", "Moodle does not answer"} {
		if !strings.Contains(drawn, want) {
			t.Errorf("the outbox lacks %q", want)
		}
	}
	if strings.Contains(drawn, "othing differs") {
		t.Error("nothing was read, so nothing is known to be the same")
	}
}

func TestAFormShowsWhatWasPosted(t *testing.T) {
	theme := mustLoad(t)
	page := sample.Pick("n", true)
	chosen := &page.Courses[0].Tutorials[1]
	chosen.Picked, chosen.PointsText, chosen.From, chosen.Due = true, "12.5", "2026-11-24T08:00", "2026-12-01T12:00"
	drawn := mustRender(t, theme, page)
	for _, want := range []string{`value="linux-essentials/files" checked`, `value="12.5"`, `value="2026-11-24T08:00"`, `value="2026-12-01T12:00"`} {
		if n := strings.Count(drawn, want); n != 1 {
			t.Errorf("%s stands there %d times", want, n)
		}
	}
	settings := sample.Settings("n")
	settings.Flash = "Saved."
	if !strings.Contains(mustRender(t, theme, settings), `role="status"><p>Saved.</p>`) {
		t.Error("who saves is not told that it worked")
	}
}

func TestEvidenceOfStudentsIsEscaped(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	theme := mustLoad(t)
	student := sample.Student("n")
	student.Name, student.Detail, student.Explain = evil, evil, []string{evil}
	student.Attempts[0].Stdout, student.Attempts[0].Stderr, student.Attempts[0].Message = evil, evil, evil
	student.Vars[0].Value, student.Overrides[0].Reason = evil, evil
	class := sample.Class("n", 1, 1)
	class.Rows[0].Name, class.Rows[0].Detail, class.Rows[0].Grade.Why, class.Checks[0].Title = evil, evil, evil, evil
	check := sample.Check("n")
	check.Clusters[0].Message, check.Clusters[0].Example, check.Clusters[0].Students[0].Title = evil, evil, evil
	outbox := sample.Outbox("n")
	outbox.Rows[0].LastError, outbox.Rows[0].Student.Title = evil, evil
	next := sample.Continue("n", &themes.StoreView{Value: evil})
	next.Retry["login_hint"] = []string{evil}
	for _, p := range []themes.Page{student, class, check, outbox, next, sample.Return("n", "javascript:alert(1)")} {
		page := mustRender(t, theme, p)
		if strings.Contains(page, "<script>alert") || strings.Contains(page, "javascript:") {
			t.Errorf("%T gives out a value as markup", p)
		}
	}
}

func TestAClassIsDrawnQuickly(t *testing.T) {
	theme := mustLoad(t)
	page := sample.Class("n", 140, 20)
	begun := time.Now()
	drawn := mustRender(t, theme, page)
	if took := time.Since(begun); took > 5*time.Second {
		t.Errorf("140 × 20 took %v", took)
	}
	if n := strings.Count(drawn, "<tr data-user="); n != 140 {
		t.Errorf("%d rows", n)
	}
	if len(drawn) > 700_000 {
		t.Errorf("the page has %d bytes", len(drawn))
	}
}
