package server

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/labmark/labmark/lti/ltitest"
)

func kinds(t *testing.T, test func(t *testing.T, b *bed)) {
	for _, kind := range []ltitest.Kind{ltitest.Moodle, ltitest.Canvas} {
		t.Run(string(kind), func(t *testing.T) { test(t, mustServe(t, kind)) })
	}
}

func has(t *testing.T, body string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q:\n%.3000s", want, body)
		}
	}
}

func status(t *testing.T, answer *http.Response, want int) {
	t.Helper()
	if answer.StatusCode != want {
		t.Errorf("%s %s: %s, want %d", answer.Request.Method, answer.Request.URL.Path, answer.Status, want)
	}
}

func (b *bed) as(who string) ltitest.Message {
	return ltitest.Message{User: b.people[who].ID, Link: b.one.ID}
}

func TestWorkOfALaunchReachesTheGradebook(t *testing.T) {
	kinds(t, func(t *testing.T, b *bed) {
		ada := b.browser()
		answer, body := ada.launch(b.as("ada"))
		has(t, body, "<h1", "One", "Ada Lovelace", "Introduction to Linux", "Our Moodle")
		if csp := answer.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors") ||
			!strings.Contains(csp, b.lms.Host()) || strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("the platform can't show the page: %s", csp)
		}
		b.verdict = "fail"
		ada.work("one", "first")
		b.shown("ada", 0)
		b.mu.Lock()
		b.verdict = "pass"
		b.mu.Unlock()
		ada.work("one", "first")
		b.shown("ada", 10)
		until(t, "the student's page to say so", func() bool {
			_, body := ada.get("/courses/linux/one")
			return regexp.MustCompile(`id="grade-lamp"[^>]*data-state="pass"`).MatchString(body)
		})
	})
}

func TestPeopleInOneBrowserDoNotMix(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	one := b.browser()
	one.mustLaunch(b.as("ada"))
	ada := *one
	one.mustLaunch(b.as("bob"))
	bob := *one
	if ada.at == bob.at {
		t.Fatal("two launches have one address")
	}
	_, body := ada.get("/courses/linux/one")
	has(t, body, "Ada Lovelace")
	_, body = bob.get("/courses/linux/one")
	has(t, body, "Bob O&#39;Brien")
	// An address is nothing without the cookie.
	thief := b.browser()
	thief.at = ada.at
	answer, _ := thief.get("/courses/linux/one")
	status(t, answer, http.StatusUnauthorized)
	// Nor is a cookie without its address.
	one.at = ""
	answer, body = one.get("/")
	if answer.Request.URL.Path != "/login" {
		t.Errorf("a launch has signed in elsewhere: %s\n%.500s", answer.Request.URL, body)
	}
}

func TestStudentsSeeOnlyTheirOwn(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	for path, want := range map[string]int{
		"/class": 403, "/class/students/1": 403, "/class/checks/first": 403, "/class/outbox": 403, "/class/settings": 403,
		"/class/export/json": 403, "/api/class/events": 403, "/preview/linux/two": 403, "/pick": 404,
		"/courses/linux/two": 403, // not linked in the course
		"/admin/platforms":   404, "/courses/linux/one": 200, "/progress": 200, "/privacy": 200,
	} {
		answer, _ := ada.get(path)
		status(t, answer, want)
	}
	for _, path := range []string{"/class/students/1/override", "/class/settings", "/class/import", "/class/outbox"} {
		answer, _ := ada.do(http.MethodPost, path, url.Values{"points": {"10"}, "reason": {"mine"}})
		status(t, answer, http.StatusForbidden)
	}
}

func TestAnInstructorSeesOnlyOwnContexts(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	ada.work("one", "first")
	b.shown("ada", 10)

	tessa := b.browser()
	tessa.mustLaunch(b.as("tessa"))
	_, body := tessa.get("/class")
	has(t, body, "Ada Lovelace")
	id := regexp.MustCompile(`/class/students/(\d+)`).FindStringSubmatch(body)
	if id == nil {
		t.Fatal("no link to the student")
	}
	_, body = tessa.get("/class/students/" + id[1])
	has(t, body, "Ada Lovelace", "This is what I saw.")

	// The same tutorial in another course of the platform, with other people.
	other := b.lms.AddCourse(ltitest.Course{Label: "OTHER", Title: "Another course"})
	ned := b.lms.AddUser(ltitest.User{Username: "ned", Given: "Ned", Family: "Nosy"})
	b.lms.Enrol(other.ID, ned.ID, "Instructor")
	link := b.lms.AddLink(ltitest.Link{Course: other.ID, Client: "us", Title: "Lab", Custom: map[string]string{"tutorial": "linux/one"}})
	nosy := b.browser()
	nosy.mustLaunch(ltitest.Message{User: ned.ID, Link: link.ID})
	_, body = nosy.get("/class")
	if strings.Contains(body, "Ada") {
		t.Error("an instructor sees another context's student")
	}
	answer, body := nosy.get("/class/students/" + id[1])
	status(t, answer, http.StatusNotFound)
	if strings.Contains(body, "Ada") {
		t.Error("an instructor reads another context's student")
	}
	answer, _ = nosy.do(http.MethodPost, "/class/students/"+id[1]+"/override", url.Values{"points": {"1"}, "reason": {"nosy"}})
	status(t, answer, http.StatusNotFound)
}

func TestALaunchWorksOnce(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	browser := b.browser()
	var last *http.Request
	var form string
	browser.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost && r.URL.Path == "/lti/launch" {
			if body, err := r.GetBody(); err == nil {
				var text strings.Builder
				buf := make([]byte, 1<<16)
				n, _ := body.Read(buf)
				text.Write(buf[:n])
				last, form = r, text.String()
			}
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	browser.mustLaunch(b.as("ada"))
	if last == nil {
		t.Fatal("no launch was seen")
	}
	again, err := http.NewRequestWithContext(t.Context(), http.MethodPost, last.URL.String(), strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	again.Header = last.Header.Clone()
	answer, err := http.DefaultTransport.RoundTrip(again)
	if err != nil {
		t.Fatal(err)
	}
	body := read(t, answer)
	status(t, answer, http.StatusForbidden)
	has(t, body, "If you ask for help, say this")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestForgedRequestsAreRefused(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	tessa := b.browser()
	tessa.mustLaunch(b.as("tessa"))
	for _, site := range []string{"cross-site", "same-site"} {
		answer, _ := tessa.do(http.MethodPost, "/class/settings", url.Values{"keep": {"best"}}, "Sec-Fetch-Site", site)
		status(t, answer, http.StatusForbidden)
	}
	answer, _ := tessa.do(http.MethodPost, "/class/settings", url.Values{"keep": {"best"}}, "Origin", "https://evil.example")
	status(t, answer, http.StatusForbidden)
}

func TestAnEmbeddedPageOpensInAWindowOnce(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	body := ada.mustLaunch(b.as("ada"))
	found := regexp.MustCompile(`href="(/enter\?[^"]+)"`).FindStringSubmatch(body)
	if found == nil {
		t.Fatalf("no link to a window:\n%.3000s", body)
	}
	link := strings.ReplaceAll(found[1], "&amp;", "&")
	window := b.browser()
	answer, _ := window.do(http.MethodGet, link, nil, "Sec-Fetch-Site", "cross-site")
	status(t, answer, http.StatusUnauthorized)
	answer, body = window.do(http.MethodGet, link, nil, "Sec-Fetch-Site", "same-origin")
	status(t, answer, http.StatusOK)
	has(t, body, "Ada Lovelace")
	answer, _ = b.browser().do(http.MethodGet, link, nil, "Sec-Fetch-Site", "same-origin")
	status(t, answer, http.StatusUnauthorized)
	answer, _ = b.browser().do(http.MethodGet, strings.Replace(link, "pass=ey", "pass=eX", 1), nil)
	status(t, answer, http.StatusUnauthorized)
}
