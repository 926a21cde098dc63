package ltitest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFailShareIsDrawnFromTheSeed(t *testing.T) {
	l := newLMS(t, Moodle)
	run := func() (statuses []int) {
		l.SetFaults(Faults{Seed: 7, Fail: 0.3, RetryAfter: 4 * time.Second})
		for range 100 {
			status, _, header := l.call(t, "GET", l.KeysURL(), "", "", "")
			if after := header.Get("Retry-After"); (after == "4") != (status == 429 || status == 503) {
				t.Errorf("%d with Retry-After %q", status, after)
			}
			statuses = append(statuses, status)
		}
		return statuses
	}
	first := run()
	good := 0
	for _, s := range first {
		if s == 200 {
			good++
		}
	}
	if good < 50 || good > 90 {
		t.Errorf("%d of 100 calls went well at a share of 30 %% failing", good)
	}
	if !slices.Equal(first, run()) {
		t.Error("the same seed gave another order")
	}
}

func TestDownAndLost(t *testing.T) {
	l := newLMS(t, Moodle)
	token := l.token(t)
	send := func(at time.Time) (int, error) {
		r, err := http.NewRequest("POST", l.scores, strings.NewReader(scoreOf(l.ada.ID, 1, 1, at)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", scoreType)
		response, err := l.client.Do(r)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		return response.StatusCode, nil
	}
	l.SetFaults(Faults{Down: true})
	if status, err := send(l.clock); err != nil || status != 503 {
		t.Errorf("down: %d %v", status, err)
	}
	l.SetFaults(Faults{Down: true, Cut: true})
	if status, err := send(l.clock); err == nil {
		t.Errorf("cut: %d", status)
	}
	if c := l.Cell(l.link.ID, l.ada.ID); len(c.Posts) != 0 {
		t.Errorf("a platform that is down took %v", c.Posts)
	}
	l.SetFaults(Faults{Lost: 1})
	if status, err := send(l.clock); err == nil {
		t.Errorf("the answer was to be lost: %d", status)
	}
	if c := l.Cell(l.link.ID, l.ada.ID); len(c.Accepted()) != 1 {
		t.Errorf("the score whose answer is lost was not taken: %v", c.Posts)
	}
	l.SetFaults(Faults{Late: 1, LateBy: time.Minute})
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, "POST", l.scores, strings.NewReader(scoreOf(l.ada.ID, 1, 1, l.clock.Add(time.Second))))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", scoreType)
	done := make(chan error)
	go func() {
		response, err := l.client.Do(r)
		if err == nil {
			response.Body.Close()
		}
		done <- err
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); len(l.Cell(l.link.ID, l.ada.ID).Accepted()) < 2; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("a late answer's score was never taken")
		}
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the late answer came before the client gave up")
	}
	l.SetFaults(Faults{})
	if status, err := send(l.clock.Add(2 * time.Second)); err != nil || status != 200 {
		t.Errorf("healed: %d %v", status, err)
	}
}

func TestTokensStopWorking(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		score := func(token string) int {
			l.clock = l.clock.Add(time.Second)
			status, _, _ := l.call(t, "POST", l.scores, token, scoreType, scoreOf(l.ada.ID, 1, 1, l.clock))
			return status
		}
		token := l.token(t)
		if s := score(token); s != 200 {
			t.Errorf("a good token: %d", s)
		}
		l.RevokeTokens()
		if s := score(token); s != 401 {
			t.Errorf("a revoked token: %d", s)
		}
		l.SetFaults(Faults{Token: DeadToken})
		if s := score(l.token(t)); s != 401 {
			t.Errorf("a dead token: %d", s)
		}
		l.SetFaults(Faults{TokenLife: time.Minute})
		token = l.token(t)
		l.clock = l.clock.Add(2 * time.Minute)
		if s := score(token); s != 401 {
			t.Errorf("a token after its life: %d", s)
		}
		l.SetFaults(Faults{Score: 422})
		if s := score(l.token(t)); s != 422 {
			t.Errorf("a status for every score: %d", s)
		}
		// Platform's clock is five minutes behind: an honest iat is in its future.
		l.SetFaults(Faults{Clock: -5 * time.Minute})
		status, body, header := l.askToken(t, l.assertion(), ScopeScore)
		if status != 400 || body["error"] != "invalid_client" {
			t.Errorf("iat in the platform's future: %d %v", status, body)
		}
		if got := header.Get("Date"); got != l.clock.Add(-5*time.Minute).Format(http.TimeFormat) {
			t.Errorf("Date tells %s", got)
		}
	})
}

func TestKeySetFaults(t *testing.T) {
	l := newLMS(t, Canvas)
	honest := string(l.KeySet())
	for fault, want := range map[KeySetFault]func(status int, body string) bool{
		EmptyKeys:   func(_ int, body string) bool { return body == `{"keys":[]}` },
		GarbageKeys: func(_ int, body string) bool { return strings.HasPrefix(body, "<html") },
		HugeKeys:    func(_ int, body string) bool { return len(body) > 16<<20 },
		MissingKeys: func(status int, _ string) bool { return status == 404 },
		WrongKid:    func(_ int, body string) bool { return body != honest && strings.Contains(body, "another-") },
		"":          func(_ int, body string) bool { return body == honest },
	} {
		l.SetFaults(Faults{KeySet: fault})
		if status, body, _ := l.call(t, "GET", l.KeysURL(), "", "", ""); !want(status, body) {
			t.Errorf("%q: %d, %d bytes", fault, status, len(body))
		}
	}
	l.SetFaults(Faults{KeySet: LoopingKeys})
	if response, err := l.client.Get(l.KeysURL()); err == nil {
		response.Body.Close()
		t.Errorf("looping: %d", response.StatusCode)
	}
	l.SetFaults(Faults{KeySet: SlowKeys})
	ctx, cancel := context.WithCancel(context.Background())
	r, _ := http.NewRequestWithContext(ctx, "GET", l.KeysURL(), nil)
	response, err := l.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(response.Body, make([]byte, 12)); err != nil {
		t.Errorf("slow, yet nothing comes: %v", err)
	}
	cancel()
	response.Body.Close()
}

func TestListsComeInPages(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		for n := range 60 {
			u := l.AddUser(User{Username: fmt.Sprint("s", n), Given: "S", Family: fmt.Sprint(n)})
			l.Enrol(l.course.ID, u.ID, "Learner")
		}
		token := l.token(t)
		c := l.claims(t, Message{User: l.ada.ID, Link: l.link.ID})
		members := c[nrps+"claim/namesroleservice"].(map[string]any)["context_memberships_url"].(string)
		read := func(to string) (n int, role, links string) {
			t.Helper()
			status, body, header := l.call(t, "GET", to, token, membersType, "")
			var page struct {
				Members []struct {
					Roles []string `json:"roles"`
				} `json:"members"`
			}
			if err := json.Unmarshal([]byte(body), &page); err != nil || status != 200 {
				t.Fatalf("%d %v", status, err)
			}
			return len(page.Members), page.Members[0].Roles[0], header.Get("Link")
		}
		n, role, links := read(members)
		if l.Kind() == Moodle {
			if n != 63 || links != "" || role != "Learner" {
				t.Errorf("Moodle: %d members at once, %s, %s", n, role, links)
			}
			n, _, links = read(members + "?limit=50")
		} else if !strings.HasPrefix(role, "http://purl.imsglobal.org/") {
			t.Errorf("Canvas's role is %s", role)
		}
		if n != 50 || !strings.Contains(links, `; rel="next"`) {
			t.Fatalf("%d members and Link: %s", n, links)
		}
		next, _, _ := strings.Cut(links[strings.LastIndex(links, "<")+1:], ">")
		if n, _, links = read(next); n != 13 || links != "" {
			t.Errorf("second page: %d members and Link: %s", n, links)
		}
		items := c[ags+"claim/endpoint"].(map[string]any)["lineitems"].(string)
		l.AddLink(Link{Course: l.course.ID, Title: "Second", Points: 1})
		link := func(f Faults) string {
			l.SetFaults(f)
			_, _, header := l.call(t, "GET", items, token, itemsType, "")
			return header.Get("Link")
		}
		if got := link(Faults{PageSize: 1}); strings.Contains(got, "rel=“next”") != (l.Kind() == Moodle) || strings.Contains(got, "&amp;") != (l.Kind() == Moodle) {
			t.Errorf("Link: %s", got)
		}
		if got := link(Faults{PageSize: 1, Links: RelativeLinks}); !strings.Contains(got, "</") || strings.Contains(got, l.Host()) {
			t.Errorf("relative Link: %s", got)
		}
		if got := link(Faults{Links: LoopingLinks}); !strings.Contains(got, "<"+items+">") {
			t.Errorf("looping Link: %s", got)
		}
		if got := link(Faults{Links: OffHostLinks}); !strings.Contains(got, "//elsewhere.test/") {
			t.Errorf("off-host Link: %s", got)
		}
	})
}
