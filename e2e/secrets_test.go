package e2e

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// secrets are marks inside everything that a browser must never get.
var secrets = []string{"SECRET-SCRIPT", "SECRET-SOLUTION", "SECRET-MISTAKE", "/home/student/note 2>", "should say &quot;$"}

// dueSecret stands in a hint that is not due at first.
const dueSecret = "SECRET-HINT"

// TestNoAnswerReachesABrowser crawls all that is served, as a student who has
// just come, and reads every byte of it.
func TestNoAnswerReachesABrowser(t *testing.T) {
	g := startGateway(t, "course", "--pool", "0")
	s := g.student(t, "ann", "work")

	seen, todo := map[string]bool{}, []string{"/", "/progress", "/login", "/courses/trials/work", "/courses/trials/faults",
		"/api/courses/trials/work/solutions/note-written", "/api/courses/trials/work/hints/how",
		"/courses/trials/work.md", "/courses/trials/tutorials/work.md", "/courses/trials/work/files/work.md",
		"/courses/trials/work/files/../work.md", "/courses/trials/work/files/..%2f..%2fcourse.yaml", "/courses/trials/course.yaml"}
	links := regexp.MustCompile(`(?:href|src|data-api)="([^"#]+)"`)
	for len(todo) > 0 {
		path := todo[0]
		todo = todo[1:]
		if seen[path] || !strings.HasPrefix(path, "/") {
			continue
		}
		seen[path] = true
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			body := s.read(t, method, g.url+path)
			for _, secret := range append(secrets, dueSecret) {
				if strings.Contains(body, secret) {
					t.Errorf("%s %s gives away %q", method, path, secret)
				}
			}
			if method == http.MethodGet {
				for _, l := range links.FindAllStringSubmatch(body, -1) {
					todo = append(todo, l[1])
				}
			}
		}
	}
	if len(seen) < 15 || !seen["/courses/trials"] {
		t.Errorf("only %d addresses were found; the crawl is broken", len(seen))
	}

	// The hint comes when it is due, and costs what it says.
	s = g.student(t, "bob", "work")
	s.ready(t)
	for range 2 {
		if verdict, message := s.check(t, "note-written"); verdict != "fail" || strings.Contains(message, "SECRET") {
			t.Fatalf("%s: %s", verdict, message)
		}
	}
	if status, body := s.post(t, s.api+"/hints/how", nil); status != http.StatusOK || !strings.Contains(body, dueSecret) {
		t.Errorf("a hint that is due: %d %s", status, body)
	}
	page := s.read(t, http.MethodGet, g.url+"/courses/trials/work")
	for _, secret := range secrets {
		if strings.Contains(page, secret) {
			t.Errorf("after two attempts the page gives away %q", secret)
		}
	}
}

// read gives the body of whatever answer comes. Event streams are left alone:
// they never end.
func (s *student) read(t *testing.T, method, address string) string {
	t.Helper()
	req, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost && strings.HasSuffix(address, "/logout") {
		return ""
	}
	res, err := s.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestStudentsAreKeptApart tries all addresses and identifiers of one student
// as another, as nobody, and from another site.
func TestStudentsAreKeptApart(t *testing.T) {
	g := startGateway(t, "course")
	ann, bob := g.student(t, "ann", "work"), g.student(t, "bob", "work")
	ann.ready(t)
	ann.shell(t, "main").run(t, "echo annas secret > mine; echo word > note")
	attempt := newUUID()
	ch := ann.events(t)
	bobs := bob.events(t)
	ann.post(t, ann.api+"/checks/note-written", map[string]string{"attempt": attempt})
	_, message := ann.verdict(t, ch, attempt)

	t.Run("guest", func(t *testing.T) {
		// Bob has no machine, whatever anna has.
		if status, _ := bob.post(t, bob.api+"/checks/note-written", map[string]string{"attempt": newUUID()}); status != http.StatusConflict {
			t.Errorf("a check without an own machine: %d", status)
		}
		if err := terminalClose(bob.Client, bob.api+"/terminal?name=main"); websocket.CloseStatus(err) != 4001 {
			t.Errorf("a terminal without an own machine: %v", err)
		}
		bob.ready(t)
		sh := bob.shell(t, "main")
		sh.run(t, "cat mine")
		if strings.Contains(sh.shown(), "annas secret") {
			t.Error("bob is in anna's machine")
		}
		bob.do(t, "stop")
		bob.guest(t, "none")
		ann.guest(t, "ready")
	})

	t.Run("attempt", func(t *testing.T) {
		bob.ready(t)
		status, body := bob.post(t, bob.api+"/checks/note-written", map[string]string{"attempt": attempt})
		if status != http.StatusConflict || strings.Contains(body, message) {
			t.Errorf("anna's attempt asked for by bob: %d %s", status, body)
		}
		for {
			select {
			case e := <-bobs:
				if e.Name == "attempt" {
					t.Errorf("bob's page is told of anna's attempt: %v", e.Data)
				}
				continue
			default:
			}
			break
		}
		if page := bob.read(t, http.MethodGet, g.url+"/progress"); strings.Contains(page, message) {
			t.Error("bob's progress shows anna's result")
		}
	})

	t.Run("signed out", func(t *testing.T) {
		nobody := &student{Client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, g: g, api: ann.api}
		for _, path := range []string{"/", "/progress", "/courses/trials", "/courses/trials/work"} {
			res, err := nobody.Get(g.url + path)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/login") {
				t.Errorf("%s for nobody: %s", path, res.Status)
			}
		}
		for _, path := range []string{"/guest/stop", "/checks/note-written", "/hints/how", "/solutions/note-written"} {
			if status, _ := nobody.post(t, ann.api+path, map[string]string{"attempt": newUUID()}); status != http.StatusUnauthorized {
				t.Errorf("%s for nobody: %d", path, status)
			}
		}
		if err := terminalClose(nobody.Client, ann.api+"/terminal"); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("a terminal for nobody: %v", err)
		}
		// The demo's door is closed unless it was opened.
		if status, _ := nobody.post(t, g.url+"/login/demo", nil); status != http.StatusNotFound {
			t.Errorf("the demo login without --demo: %d", status)
		}
	})

	t.Run("from another site", func(t *testing.T) {
		for _, header := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"http://evil.example"}},
		} {
			req, _ := http.NewRequest(http.MethodPost, ann.api+"/guest/stop", nil)
			req.Header = header
			res, err := ann.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%v: %s", header, res.Status)
			}
		}
		_, _, err := websocket.Dial(context.Background(), ann.api+"/terminal", &websocket.DialOptions{
			HTTPClient: ann.Client, HTTPHeader: http.Header{"Origin": {"http://evil.example"}}})
		if err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("a terminal from another site: %v", err)
		}
		ann.guest(t, "ready")
	})

	t.Run("lured away after signing in", func(t *testing.T) {
		for _, next := range []string{"//evil.example", "https://evil.example", `/\evil.example`, "javascript:alert(1)"} {
			c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			res, err := c.PostForm(g.url+"/login", map[string][]string{"login": {"ann"}, "password": {"open sesame"}, "next": {next}})
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if to := res.Header.Get("Location"); to != "/" {
				t.Errorf("next=%q leads to %q", next, to)
			}
		}
	})
}

// terminalClose opens a terminal and returns how the server ends it.
func terminalClose(c *http.Client, address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{HTTPClient: c})
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	err = ws.Write(ctx, websocket.MessageText, []byte(`{"type":"resize","cols":80,"rows":24}`))
	if err == nil {
		_, _, err = ws.Read(ctx)
	}
	if err == nil {
		err = errors.New("the terminal is open")
	}
	return err
}
