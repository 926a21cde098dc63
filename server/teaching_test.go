package server

import (
	"bufio"
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/server/store"
)

// posted is the value of a form's hidden field.
func posted(t *testing.T, body, field string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + field + `" value="([^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("the page has no field %s:\n%.3000s", field, body)
	}
	return html.UnescapeString(m[1])
}

func TestPickedTutorialsBecomeActivities(t *testing.T) {
	kinds(t, func(t *testing.T, b *bed) {
		tessa := b.browser()
		tessa.mustLaunch(ltitest.Message{Type: ltitest.DeepLinking, User: b.people["tessa"].ID, Course: b.in.ID, Client: "us"})
		_, body := tessa.do(http.MethodPost, "/pick", url.Values{"zone": {"Europe/Berlin"}})
		has(t, body, "Choose at least one")
		_, body = tessa.do(http.MethodPost, "/pick", url.Values{"pick": {"linux/one"}, "points:linux/one": {"lots"}})
		has(t, body, "is no number of points", `value="lots"`, "checked")
		answer, body := tessa.do(http.MethodPost, "/pick", url.Values{"zone": {"Europe/Berlin"}, "pick": {"linux/one", "linux/two"},
			"points:linux/two": {"7.5"}, "due:linux/two": {"2026-12-01T12:00"}})
		to := html.UnescapeString(regexp.MustCompile(`action="(http[^"]+)"`).FindStringSubmatch(body)[1])
		if csp := answer.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' "+b.lms.Host()) {
			t.Errorf("the form can't be posted to the platform: %s", csp)
		}
		back, err := http.PostForm(to, url.Values{"JWT": {posted(t, body, "JWT")}})
		if err != nil {
			t.Fatal(err)
		}
		status(t, back, http.StatusOK)
		read(t, back)
		links := b.lms.Links(b.in.ID)
		if len(links) != 3 {
			t.Fatalf("the platform has %d links: %+v", len(links), links)
		}
		two := links[2]
		if due := time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC); two.Title != "Two" || two.Points != 7.5 || two.Due == nil || !two.Due.Equal(due) {
			t.Errorf("the second link is %+v", two)
		}
		ada := b.browser()
		has(t, ada.mustLaunch(ltitest.Message{User: b.people["ada"].ID, Link: two.ID}), "Two")
		// The date holds for what being late costs too.
		_, body = tessa.get("/class/settings?tutorial=linux/two")
		has(t, body, "2026-12-01T11:00")
	})
}

func TestOnlyTeachersPick(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	answer, _ := ada.launch(ltitest.Message{Type: ltitest.DeepLinking, User: b.people["ada"].ID, Course: b.in.ID, Client: "us"})
	if answer.StatusCode == http.StatusOK {
		t.Error("a student may pick")
	}
}

// review launches the submission review of a student.
func (b *browser) review(who string) string {
	return b.mustLaunch(ltitest.Message{Type: ltitest.SubmissionReview, User: b.people["tessa"].ID, Link: b.one.ID, ForUser: b.people[who].ID})
}

func action(t *testing.T, b *browser, body, what string) string {
	t.Helper()
	m := regexp.MustCompile(`action="([^"]+/` + what + `\?[^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no form for %s:\n%.3000s", what, body)
	}
	return strings.TrimPrefix(html.UnescapeString(m[1]), b.at)
}

func TestDecisionsOfATeacherReachTheGradebook(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	ada.work("one", "first")
	b.shown("ada", 10)

	tessa := b.browser()
	body := tessa.review("ada")
	has(t, body, "Ada Lovelace", "This is what I saw.")
	override := action(t, tessa, body, "override")
	answer, body := tessa.do(http.MethodPost, override, url.Values{"points": {"11"}, "reason": {"x"}})
	status(t, answer, http.StatusUnprocessableEntity)
	has(t, body, "from 0 to 10")
	answer, _ = tessa.do(http.MethodPost, override, url.Values{"points": {"4"}})
	status(t, answer, http.StatusUnprocessableEntity)
	answer, body = tessa.do(http.MethodPost, override, url.Values{"points": {"4"}, "reason": {"copied from Bob"}})
	status(t, answer, http.StatusOK)
	has(t, body, "copied from Bob")
	b.shown("ada", 4)
	// Another attempt does not undo it; taking it back does.
	ada.work("one", "first")
	until(t, "a second attempt on the teacher's page", func() bool {
		_, body := tessa.get(strings.Replace(override, "/override", "", 1))
		return strings.Count(body, `class="attempt`) >= 2
	})
	b.shown("ada", 4)
	_, _ = tessa.do(http.MethodPost, strings.Replace(override, "/override", "/revoke", 1), url.Values{"reason": {"it was Bob"}})
	b.shown("ada", 10)

	// Due before the work was done, with half of it taken off a day late.
	answer, body = tessa.do(http.MethodPost, "/class/settings?tutorial=linux/one", url.Values{"keep": {"best"}, "penalty": {"50"}, "weight": {"10"},
		"due": {time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04")}, "zone": {"UTC"}})
	status(t, answer, http.StatusOK)
	b.shown("ada", 5)
	for _, path := range []string{"/courses/linux/one", "/courses/linux", "/progress"} {
		_, page := ada.get(path)
		has(t, page, "each day late takes 50 % off")
	}
	allow := strings.Replace(override, "/override", "/allowance", 1)
	_, _ = tessa.do(http.MethodPost, allow, url.Values{"minutes": {"120"}, "reason": {"was ill"}})
	b.shown("ada", 10)
	if body == "" {
		t.Error("no page after the settings")
	}
}

func TestAPlatformThatIsDownCostsNothing(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada, tessa := b.browser(), b.browser()
	ada.mustLaunch(b.as("ada"))
	tessa.mustLaunch(b.as("tessa"))
	b.lms.SetFaults(ltitest.Faults{Down: true})
	ada.work("one", "first")
	until(t, "the outbox to say that it waits", func() bool {
		_, body := tessa.get("/class/outbox")
		return strings.Contains(body, "Ada Lovelace")
	})
	_, body := ada.get("/courses/linux/one")
	has(t, body, `data-state="part"`)
	b.lms.SetFaults(ltitest.Faults{})
	_, _ = tessa.do(http.MethodPost, "/class/outbox", url.Values{"retry": {idOf(t, tessa)}})
	b.shown("ada", 10)
}

func TestAGradeThatWasChangedAtThePlatformIsFound(t *testing.T) {
	kinds(t, func(t *testing.T, b *bed) {
		ada, tessa := b.browser(), b.browser()
		ada.mustLaunch(b.as("ada"))
		ada.work("one", "first")
		b.shown("ada", 10)
		tessa.mustLaunch(b.as("tessa"))
		until(t, "the grade to be noted as sent", func() bool {
			_, body := tessa.do(http.MethodPost, "/class/outbox", url.Values{"compare": {"1"}})
			return strings.Contains(body, "Nothing differs") && strings.Contains(body, "1 grade is")
		})
		three := 3.0
		b.lms.SetGrade(b.one.ID, b.people["ada"].ID, &three)
		_, body := tessa.do(http.MethodPost, "/class/outbox", url.Values{"compare": {"1"}})
		has(t, body, "Ada Lovelace", "10 / 10", "3 / 10")
	})
}

func TestARefusedGradeWaitsForAPerson(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada, tessa := b.browser(), b.browser()
	ada.mustLaunch(b.as("ada"))
	tessa.mustLaunch(b.as("tessa"))
	b.lms.SetFaults(ltitest.Faults{Score: http.StatusForbidden})
	ada.work("one", "first")
	until(t, "the refusal", func() bool {
		_, body := tessa.get("/class/outbox")
		return strings.Contains(body, "Leave it")
	})
	_, body := ada.get("/courses/linux/one")
	has(t, body, `data-state="fail"`)
	id := idOf(t, tessa)
	_, body = tessa.do(http.MethodPost, "/class/outbox", url.Values{"drop": {id}})
	if strings.Contains(body, "Leave it") {
		t.Error("what was left is still there")
	}
	b.lms.SetFaults(ltitest.Faults{})
	b.mu.Lock()
	b.verdict = "fail" // another grade than before
	b.mu.Unlock()
	ada.work("one", "first")
	b.shown("ada", 0)
}

// idOf is the one grade in the outbox.
func idOf(t *testing.T, b *browser) string {
	t.Helper()
	_, body := b.get("/class/outbox")
	m := regexp.MustCompile(`name="retry" value="(\d+-\d+)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("nothing to try again:\n%.4000s", body)
	}
	return m[1]
}

func TestTheClassHasWhoNeverCameAndWithheldNames(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	dana := b.browser()
	body := dana.mustLaunch(b.as("dana"))
	if strings.Contains(body, "Scully") {
		t.Error("a withheld name is known")
	}
	tessa := b.browser()
	tessa.mustLaunch(b.as("tessa"))
	until(t, "the roster", func() bool {
		_, body = tessa.get("/class")
		return strings.Contains(body, "Chen")
	})
	has(t, body, "Student ")
	if strings.Contains(body, "Tom Assistant") {
		t.Error("an assistant stands among the students")
	}
}

func TestALinkWithoutTutorialIsChosenByItsTeacher(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	bare := b.lms.AddLink(ltitest.Link{Course: b.in.ID, Client: "us", Title: "Lab", Points: 5})
	ada := b.browser()
	answer, body := ada.launch(ltitest.Message{User: b.people["ada"].ID, Link: bare.ID})
	status(t, answer, http.StatusNotFound)
	has(t, body, "has not chosen yet")
	tessa := b.browser()
	has(t, tessa.mustLaunch(ltitest.Message{User: b.people["tessa"].ID, Link: bare.ID}), "Two", "Choose a tutorial")
	answer, _ = tessa.do(http.MethodPost, "/choose", url.Values{"pick": {"linux/two"}})
	status(t, answer, http.StatusOK)
	has(t, ada.mustLaunch(ltitest.Message{User: b.people["ada"].ID, Link: bare.ID}), "Two")
}

func TestWhoHasLeftIsLeftOut(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	all, err := b.store.Platforms(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	all[0].State = store.PlatformDisabled
	if err := b.store.SavePlatform(t.Context(), all[0]); err != nil {
		t.Fatal(err)
	}
	answer, _ := ada.get("/courses/linux/one")
	status(t, answer, http.StatusUnauthorized)
	answer, body := ada.launch(b.as("ada"))
	status(t, answer, http.StatusForbidden)
	has(t, body, "not registered here")
}

func TestAPlatformRegistersItselfOnce(t *testing.T) {
	kinds(t, func(t *testing.T, b *bed) {
		address, _, err := b.office.Invite(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		opened, err := b.lms.RegistrationURL(address)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.Get(opened)
		if err != nil {
			t.Fatal(err)
		}
		body := read(t, answer)
		status(t, answer, http.StatusOK)
		has(t, body, "know each other now")
		if tools := b.lms.Tools(); len(tools) != 2 || tools[1].KeysURL != b.url+lti.KeysPath {
			t.Errorf("the platform has the tools %+v", tools)
		}
		again, err := b.lms.RegistrationURL(address)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err = http.Get(again); err != nil {
			t.Fatal(err)
		}
		has(t, read(t, answer), "has been used")
		status(t, answer, http.StatusForbidden)
	})
}

func TestPlatformsFindWhatTheyAreTold(t *testing.T) {
	b := mustServe(t, ltitest.Canvas)
	for path, kind := range map[string]string{lti.IconPath: "image/svg+xml", lti.KeysPath: "application/json", lti.CanvasPath: "application/json"} {
		answer, err := http.Get(b.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body := read(t, answer)
		status(t, answer, http.StatusOK)
		if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, kind) || body == "" {
			t.Errorf("%s is %q:\n%.200s", path, got, body)
		}
	}
}

func TestPrivacyLaunchGivesOutWhatIsKept(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	ada.work("one", "first")
	b.shown("ada", 10)
	has(t, ada.mustLaunch(ltitest.Message{Type: ltitest.DataPrivacy, User: b.people["ada"].ID, Course: b.in.ID, Client: "us"}), "What is kept about you")
	answer, body := ada.get("/privacy/export")
	status(t, answer, http.StatusOK)
	has(t, body, "Ada", "ada@example.test", "This is what I saw.")
	if strings.Contains(body, secretOutput) {
		t.Error("what a check has printed, perhaps the answer, is given to a student")
	}
	who, err := b.store.UserBySubject(t.Context(), 1, b.people["ada"].ID)
	if err != nil || who == nil {
		t.Fatal(who, err)
	}
	whole, err := gradebook.Book{Store: b.store}.ExportUser(t.Context(), who.ID, true)
	if err != nil || !strings.Contains(string(whole), secretOutput) {
		t.Errorf("whoever runs the server does not get it: %v\n%s", err, whole)
	}
}

func TestTheClassPageLives(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada, tessa := b.browser(), b.browser()
	ada.mustLaunch(b.as("ada"))
	tessa.mustLaunch(b.as("tessa"))
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+tessa.at+"/api/class/events?tutorial=linux/one", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := tessa.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	next := func(what string, is func(line string) bool) {
		t.Helper()
		for lines.Scan() {
			if is(lines.Text()) {
				return
			}
		}
		t.Fatalf("the stream ended before %s: %v", what, lines.Err())
	}
	next("it told how all stand", func(l string) bool { return strings.Contains(l, "Ada Lovelace") })
	ada.work("one", "first")
	next("a pass", func(l string) bool {
		return strings.Contains(l, "Ada Lovelace") && strings.Contains(l, `"state":"pass"`)
	})
	next("the grade's arrival", func(l string) bool {
		return strings.Contains(l, "Ada Lovelace") && strings.Contains(l, `"state":"sent"`)
	})
}
