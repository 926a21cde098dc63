package server

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/store"
)

// user is how the store knows somebody.
func (b *bed) user(who string) *store.User {
	b.t.Helper()
	all, err := b.store.Platforms(b.t.Context(), "")
	if err != nil || len(all) == 0 {
		b.t.Fatal(all, err)
	}
	u, err := b.store.UserBySubject(b.t.Context(), all[0].ID, b.people[who].ID)
	if err != nil || u == nil {
		b.t.Fatalf("%s is not known: %v", who, err)
	}
	return u
}

// place is the one context that there is.
func (b *bed) place() store.Context {
	b.t.Helper()
	all, err := b.store.Contexts(b.t.Context())
	if err != nil || len(all) != 1 {
		b.t.Fatal(all, err)
	}
	return all[0]
}

// roster reads the roster anew.
func (b *bed) roster() {
	b.t.Helper()
	if err := b.office.RefreshRoster(b.t.Context(), b.place()); err != nil {
		b.t.Fatal(err)
	}
}

// Pretended students and administrators launch, but stand in no roster.
func TestWhoStandsInNoRosterMayStay(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada, tessa := b.browser(), b.browser()
	ada.mustLaunch(b.as("ada"))
	b.lms.Enrol(b.in.ID, b.people["ada"].ID)
	tessa.mustLaunch(b.as("tessa"))
	until(t, "the first roster", func() bool { return b.place().RosterAt != nil })
	answer, _ := ada.get("/courses/linux/one")
	status(t, answer, http.StatusOK)
	b.lms.Enrol(b.in.ID, b.people["tessa"].ID)
	b.roster()
	answer, _ = tessa.get("/class") // was listed, and is no more
	status(t, answer, http.StatusUnauthorized)
	answer, _ = ada.get("/courses/linux/one")
	status(t, answer, http.StatusOK)
}

func TestWorkDoneWhileOneWasOffTheRosterCounts(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	b.roster()
	// The mark comes in after the platform has taken her off, by mistake.
	ctx, u := t.Context(), b.user("ada")
	a, _, err := b.store.BeginAttempt(ctx, store.Attempt{ID: "11111111-0000-4000-8000-000000000001", UserID: u.ID,
		ContextID: b.place().ID, Course: "linux", Tutorial: "one", Check: "first"})
	if err != nil {
		t.Fatal(err)
	}
	b.lms.Enrol(b.in.ID, b.people["ada"].ID)
	b.roster()
	a.Verdict, a.Score, a.Points = "pass", 1, 10
	if err := b.store.FinishAttempt(ctx, a); err != nil {
		t.Fatal(err)
	}
	b.lms.Enrol(b.in.ID, b.people["ada"].ID, "Learner")
	ada.mustLaunch(b.as("ada"))
	b.shown("ada", 10)
}

func TestARosterForgetsNoNumbers(t *testing.T) {
	b := mustServe(t, ltitest.Canvas)
	link := b.lms.AddLink(ltitest.Link{Course: b.in.ID, Client: "us", Title: "Lab", Custom: map[string]string{"tutorial": "linux/one",
		"canvas_user_id": "$Canvas.user.id", "canvas_login_id": "$Canvas.user.loginId"}})
	b.browser().mustLaunch(ltitest.Message{User: b.people["ada"].ID, Link: link.ID})
	before := b.user("ada")
	if before.PlatformNumber == "" || before.Username == "" {
		t.Fatalf("the launch has told no numbers: %+v", before)
	}
	b.roster()
	if after := b.user("ada"); after.PlatformNumber != before.PlatformNumber || after.Username != before.Username || after.SourcedID != before.SourcedID {
		t.Errorf("Canvas's table can't be filled any more: %+v was %+v", after, before)
	}
}

func TestWhatIsNotServedAnyMoreCanBeChosenAgain(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	bare := b.lms.AddLink(ltitest.Link{Course: b.in.ID, Client: "us", Title: "Lab"})
	tessa := b.browser()
	tessa.mustLaunch(ltitest.Message{User: b.people["tessa"].ID, Link: bare.ID})
	links, err := b.store.Links(t.Context(), b.place().ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.store.SetLinkTarget(t.Context(), links[0].ID, "linux", "gone"); err != nil {
		t.Fatal(err)
	}
	has(t, tessa.mustLaunch(ltitest.Message{User: b.people["tessa"].ID, Link: bare.ID}), "Choose a tutorial")
}

// A page that the platform may not frame is a blank one to the student.
func TestTheFrameSaysThatAVisitIsOver(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	stranger := b.browser()
	stranger.at = ada.at
	for _, path := range []string{"/courses/linux/one", "/no/such/page"} {
		answer, _ := stranger.get(path)
		if csp := answer.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors "+b.lms.Host()) {
			t.Errorf("%s: %s is shown in no frame: %s", path, answer.Status, csp)
		}
	}
}

func TestHugeRequestsAreNotRead(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	const huge = 64 << 20
	body := &counted{}
	body.left.Store(huge)
	head := "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/login", io.MultiReader(strings.NewReader(head), body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	if answer, err := http.DefaultTransport.RoundTrip(r); err == nil {
		read(t, answer)
	}
	if taken := huge - body.left.Load(); taken > huge/2 {
		t.Errorf("%d MB of a form were read", taken>>20)
	}
}

// counted is so many bytes.
type counted struct{ left atomic.Int64 }

func (c *counted) Read(p []byte) (int, error) {
	n := min(int64(len(p)), c.left.Load())
	if n == 0 {
		return 0, io.EOF
	}
	c.left.Add(-n)
	return int(n), nil
}

// A proxy may pass requests on under a name of its own.
func TestABrowserBehindAProxyIsNoStranger(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	ask := func(method, path string, header ...string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, b.url+ada.at+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "inside:8080"
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		for _, c := range ada.http.Jar.Cookies(r.URL) {
			r.AddCookie(c)
		}
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	const api = "/api/courses/linux/one"
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Origin"}
	for origin, wants := range map[string][2]int{b.url: {202, 101}, "http://inside:9": {403, 403}, "https://evil.example": {403, 403}} {
		if got := ask(http.MethodPost, api+"/guest/start", "Origin", origin); got != wants[0] {
			t.Errorf("a request from %s: %d, want %d", origin, got, wants[0])
		}
		if got := ask(http.MethodGet, api+"/terminal", append(upgrade, origin)...); got != wants[1] {
			t.Errorf("a terminal from %s: %d, want %d", origin, got, wants[1])
		}
	}
}

// listen waits for news of somebody's work in an event stream, or for its end.
func (b *browser) listen(path, user string) (said chan bool) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.url+b.at+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	answer, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	status(b.t, answer, http.StatusOK)
	said = make(chan bool, 1)
	works := regexp.MustCompile(`"user":"` + user + `".*"(check|cells)":`)
	go func() {
		defer answer.Body.Close()
		found := false
		for lines := bufio.NewScanner(answer.Body); !found && lines.Scan(); {
			found = works.MatchString(lines.Text())
		}
		said <- found
	}()
	return said
}

func TestAClassIsShownAsLongAsOneTeachesIt(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	ada, bob, tessa := b.browser(), b.browser(), b.browser()
	ada.mustLaunch(b.as("ada"))
	bob.mustLaunch(b.as("bob"))
	tessa.mustLaunch(b.as("tessa"))
	b.roster()
	before := tessa.listen("/api/class/events", fmt.Sprint(b.user("ada").ID))
	after := tessa.listen("/api/class/events", fmt.Sprint(b.user("bob").ID))
	ada.work("one", "first")
	if !<-before {
		t.Error("a teacher is not told of a student")
	}
	b.lms.Enrol(b.in.ID, b.people["tessa"].ID, "Learner")
	b.roster()
	bob.work("one", "first")
	if <-after {
		t.Error("a student is told of others")
	}
}

func TestATutorialsOwnLinkShowsItsGrade(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	whole := b.lms.AddLink(ltitest.Link{Course: b.in.ID, Client: "us", Title: "All", Points: 20, Custom: map[string]string{"course": "linux"}})
	two := b.lms.AddLink(ltitest.Link{Course: b.in.ID, Client: "us", Title: "Two", Points: 10, Custom: map[string]string{"tutorial": "linux/two"}})
	ada, tessa := b.browser(), b.browser()
	for _, link := range []string{whole.ID, two.ID} {
		ada.mustLaunch(ltitest.Message{User: b.people["ada"].ID, Link: link})
		tessa.mustLaunch(ltitest.Message{User: b.people["tessa"].ID, Link: link})
	}
	ada.work("two", "second")
	until(t, "both grades in the platform", func() bool {
		all, own := b.lms.Cell(whole.ID, b.people["ada"].ID).Shown, b.lms.Cell(two.ID, b.people["ada"].ID).Shown
		return all != nil && own != nil && *all == 10 && *own == 10
	})
	// The platform has taken the tutorial's grade, and not the course's.
	var row *store.OutboxGrade
	until(t, "a grade to rest", func() bool {
		links, err := b.store.Links(t.Context(), b.place().ID)
		if err != nil {
			t.Fatal(err)
		}
		if row, err = b.store.OutboxGrade(t.Context(), links[0].ID, b.user("ada").ID); err != nil || links[0].Tutorial != "" {
			t.Fatal(links, err)
		}
		return row != nil && row.State == store.OutboxSent
	})
	row.State, row.Why = store.OutboxRefused, "The whole course is refused."
	if err := b.store.SaveGrades(t.Context(), *row); err != nil {
		t.Fatal(err)
	}
	if _, body := tessa.get("/class?tutorial=linux/two"); strings.Contains(body, "whole course is refused") || strings.Contains(body, `data-state="refused"`) {
		t.Error("a tutorial that was taken is shown as refused, as its whole course was")
	}
	if _, body := tessa.get("/class?tutorial=linux/one"); !strings.Contains(body, "refused") {
		t.Error("a tutorial without a link of its own shows nothing of its course's grade")
	}
}

func TestAnInvitationServesOnePlatform(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	address, _, err := b.office.Invite(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var at sync.WaitGroup
	for range 4 {
		opened, err := b.lms.RegistrationURL(address)
		if err != nil {
			t.Fatal(err)
		}
		at.Go(func() {
			if answer, err := http.Get(opened); err == nil {
				answer.Body.Close()
			}
		})
	}
	at.Wait()
	if all, err := b.store.Platforms(t.Context(), ""); err != nil || len(all) != 2 {
		t.Errorf("one invitation has registered %d platforms, %v", len(all)-1, err)
	}
}

// A page of another name may lead its own name to this machine, and would then
// be of one origin with us.
func TestTheDemoIsForPagesOfThisMachine(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	cfg := b.cfg
	cfg.Demo, cfg.DataDir, cfg.Courses = true, t.TempDir(), nil
	demo, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer demo.store.Close() // the machines are b's
	for host, want := range map[string]int{"localhost:8080": 303, "127.0.0.1:8080": 303, "[::1]:8080": 303, "evil.example:8080": 404, "localhost.evil.example": 404} {
		r := httptest.NewRequest(http.MethodPost, "/login/demo", nil)
		r.Host, r.RemoteAddr = host, "127.0.0.1:5555"
		w := httptest.NewRecorder()
		demo.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("the demo's door for %s: %d, want %d", host, w.Code, want)
		}
	}
}

func TestWhoTeachesNoMorePicksNothing(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	tessa := b.browser()
	tessa.mustLaunch(ltitest.Message{Type: ltitest.DeepLinking, User: b.people["tessa"].ID, Course: b.in.ID, Client: "us"})
	b.browser().mustLaunch(b.as("tessa")) // tells of the roster
	b.lms.Enrol(b.in.ID, b.people["tessa"].ID, "Learner")
	b.roster()
	answer, _ := tessa.do(http.MethodPost, "/pick", url.Values{"pick": {"linux/one"}, "due:linux/one": {"2031-01-01T12:00"}})
	status(t, answer, http.StatusForbidden)
	if set, err := b.store.GradeSettings(t.Context(), b.place().ID); err != nil || len(set) != 0 {
		t.Errorf("a student has moved the due date: %+v, %v", set, err)
	}
}

func TestNamesOfARosterReachNoTerminal(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	eve := b.lms.AddUser(ltitest.User{Username: "eve", Given: "Eve\x1b[2J", Family: "Evil\x07"})
	b.people["eve"] = eve
	b.lms.Enrol(b.in.ID, eve.ID, "Learner")
	b.browser().mustLaunch(b.as("tessa"))
	b.roster()
	if u := b.user("eve"); strings.ContainsFunc(u.Name+u.GivenName+u.FamilyName, unicode.IsControl) {
		t.Errorf("the name %q would act in a terminal", u.Name)
	}
}
