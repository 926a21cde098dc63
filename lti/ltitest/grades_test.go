package ltitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTokenEndpointRefuses(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		for name, c := range map[string]struct {
			alter func(map[string]any)
			code  string
		}{
			"honest":              {alter: func(map[string]any) {}},
			"audience":            {func(a map[string]any) { a["aud"] = l.Host() }, "invalid_client"},
			"issuer":              {func(a map[string]any) { a["iss"] = "me" }, "invalid_client"},
			"unknown client":      {func(a map[string]any) { a["iss"], a["sub"] = "x", "x" }, "invalid_client"},
			"expired":             {func(a map[string]any) { a["exp"] = l.clock.Unix() - 60 }, "invalid_client"},
			"issued in 5 minutes": {func(a map[string]any) { a["iat"] = l.clock.Unix() + 300 }, "invalid_client"},
			"no jti":              {func(a map[string]any) { delete(a, "jti") }, "invalid_client"},
		} {
			a := l.assertion()
			c.alter(a)
			_, body, header := l.askToken(t, a, ScopeScore, "https://example.test/unknown")
			got, _ := body["error"].(string)
			if got != c.code {
				t.Errorf("%s: %v", name, body)
			}
			if html := strings.HasPrefix(header.Get("Content-Type"), "text/html"); html != (l.Kind() == Moodle) {
				t.Errorf("%s: Content-Type %q", name, header.Get("Content-Type"))
			}
			if c.code == "" && body["scope"] != ScopeScore {
				t.Errorf("the unknown scope was not dropped: %v", body)
			}
		}
		a := l.assertion()
		l.askToken(t, a, ScopeScore)
		if status, _, _ := l.askToken(t, a, ScopeScore); status != 400 {
			t.Error("an assertion was taken twice")
		}
		if status, body, _ := l.askToken(t, l.assertion(), "nothing"); status != 400 || body["error"] != "invalid_scope" {
			t.Errorf("without a known scope: %d %v", status, body)
		}
	})
}

// scoreOf is the body of a score.
func scoreOf(user string, given, max float64, at time.Time, alter ...func(map[string]any)) string {
	s := map[string]any{
		"userId": user, "scoreGiven": given, "scoreMaximum": max, "timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z"),
		"activityProgress": "Completed", "gradingProgress": "FullyGraded",
	}
	for _, a := range alter {
		a(s)
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestScoresArriveAndGrowOld(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		token := l.token(t)
		at := l.clock
		send := func(body string) int {
			t.Helper()
			status, _, _ := l.call(t, "POST", l.scores, token, scoreType, body)
			return status
		}
		shown := func() string {
			c := l.Cell(l.link.ID, l.ada.ID)
			if c.Shown == nil {
				return "nothing"
			}
			return fmt.Sprint(*c.Shown)
		}
		if s := send(scoreOf(l.ada.ID, 3, 5, at)); s != 200 || shown() != "6" {
			t.Fatalf("3 of 5 in a column of 10: %d, %s", s, shown())
		}
		same := map[Kind]int{Moodle: 409, Canvas: 200}[l.Kind()]
		if s := send(scoreOf(l.ada.ID, 4, 5, at.Add(400*time.Millisecond))); s != same {
			t.Errorf("later within the same second: %d", s)
		}
		stale := map[Kind]int{Moodle: 409, Canvas: 400}[l.Kind()]
		if s := send(scoreOf(l.ada.ID, 5, 5, at.Add(-time.Second))); s != stale {
			t.Errorf("a second earlier: %d", s)
		}
		over := map[Kind]string{Moodle: "10", Canvas: "12"}[l.Kind()]
		if s := send(scoreOf(l.ada.ID, 6, 5, at.Add(time.Second))); s != 200 || shown() != over {
			t.Errorf("more than the maximum: %d, %s", s, shown())
		}
		if s := send(scoreOf(l.ada.ID, 1, 5, at.Add(2*time.Second), func(s map[string]any) { s["gradingProgress"] = "Pending" })); s != 200 || shown() != "nothing" {
			t.Errorf("not fully graded: %d, %s", s, shown())
		}
		send(scoreOf(l.ada.ID, 1, 5, at.Add(3*time.Second)))
		if s := send(scoreOf(l.ada.ID, 1, 5, at.Add(4*time.Second), func(s map[string]any) { delete(s, "scoreGiven") })); s != 200 || shown() != "nothing" {
			t.Errorf("without scoreGiven: %d, %s", s, shown())
		}
		nobody := map[Kind]int{Moodle: 400, Canvas: 422}[l.Kind()]
		for _, who := range []string{l.tessa.ID, "nobody"} {
			if s := send(scoreOf(who, 1, 5, at)); s != nobody {
				t.Errorf("a score for %s: %d", who, s)
			}
		}
		c := l.Cell(l.link.ID, l.ada.ID)
		if len(c.Posts) != 7 || len(c.Accepted()) != map[Kind]int{Moodle: 5, Canvas: 6}[l.Kind()] {
			t.Errorf("history: %d posts, %d accepted", len(c.Posts), len(c.Accepted()))
		}
		if l.Kind() == Canvas && c.Submissions != 6 {
			t.Errorf("new_submission is true where nothing is said: %d", c.Submissions)
		}
		nine := 9.0
		l.clock = l.clock.Add(30 * time.Minute)
		l.SetGrade(l.link.ID, l.ada.ID, &nine)
		if s := send(scoreOf(l.ada.ID, 1, 5, l.clock.Add(-time.Minute))); s != stale || shown() != "9" {
			t.Errorf("older than what the teacher typed: %d, %s", s, shown())
		}
	})
}

func TestServicesAreParticular(t *testing.T) {
	l := newLMS(t, Moodle)
	token := l.token(t)
	items := l.claims(t, Message{User: l.ada.ID, Link: l.link.ID})[ags+"claim/endpoint"].(map[string]any)["lineitems"].(string)
	bare, _, _ := strings.Cut(l.scores, "?")
	for name, c := range map[string]struct {
		method, to, token, media, body string
		want                           int
	}{
		"score with a charset":         {"POST", l.scores, token, scoreType + "; charset=utf-8", scoreOf(l.ada.ID, 1, 1, l.clock), 400},
		"score as JSON":                {"POST", l.scores, token, "application/json", scoreOf(l.ada.ID, 1, 1, l.clock), 400},
		"scores after the query":       {"POST", l.lineItem + "/scores", token, scoreType, scoreOf(l.ada.ID, 1, 1, l.clock), 405},
		"without type_id":              {"POST", bare, token, scoreType, scoreOf(l.ada.ID, 1, 1, l.clock), 403},
		"items with any Accept":        {"GET", items, token, "*/*", "", 400},
		"items with theirs":            {"GET", items, token, itemsType, "", 200},
		"item":                         {"GET", l.lineItem, token, itemType, "", 200},
		"no token":                     {"GET", items, "made up", itemsType, "", 401},
		"item without label":           {"POST", items, token, itemType, `{"scoreMaximum":5}`, 400},
		"item of a strange link":       {"POST", items, token, itemType, `{"label":"x","scoreMaximum":5,"resourceLinkId":"777"}`, 403},
		"new item":                     {"POST", items, token, itemType, `{"label":"x","scoreMaximum":5}`, 201},
		"results":                      {"GET", strings.Replace(l.lineItem, "/lineitem?", "/lineitem/results?", 1), token, resultType, "", 200},
		"results with limit":           {"GET", strings.Replace(l.lineItem, "/lineitem?", "/lineitem/results?limit=5&", 1), token, resultType, "", 500},
		"an item that there never was": {"GET", l.Host() + fmt.Sprintf("/mod/lti/services.php/%d/lineitems/999/lineitem?type_id=%d", l.course.Number, l.tool.Number), token, itemType, "", 404},
	} {
		if status, body, _ := l.call(t, c.method, c.to, c.token, c.media, c.body); status != c.want {
			t.Errorf("%s: %d instead of %d: %s", name, status, c.want, body)
		}
	}
	c := newLMS(t, Canvas)
	token = c.token(t)
	items = c.claims(t, Message{User: c.ada.ID, Link: c.link.ID})[ags+"claim/endpoint"].(map[string]any)["lineitems"].(string)
	for name, want := range map[string]int{"unknown": http.StatusNotFound, c.link.ID: http.StatusCreated} {
		if status, body, _ := c.call(t, "POST", items, token, itemType, `{"label":"x","scoreMaximum":5,"resourceLinkId":"`+name+`"}`); status != want {
			t.Errorf("Canvas, a line item of the link %s: %d %s", name, status, body)
		}
	}
	if status, _, _ := c.call(t, "DELETE", c.lineItem, token, "", ""); status != 401 {
		t.Errorf("Canvas lets a coupled line item be deleted: %d", status)
	}
	c.RemoveLineItem(c.link.ID)
	if status, _, _ := c.call(t, "POST", items, token, itemType, `{"label":"x","scoreMaximum":5,"resourceLinkId":"`+c.link.ID+`"}`); status != 412 {
		t.Errorf("Canvas, a link without an active line item: %d", status)
	}
	if status, _, _ := c.call(t, "POST", c.scores, token, scoreType, scoreOf(c.ada.ID, 1, 1, c.clock)); status != 404 {
		t.Errorf("a score for a line item that is gone: %d", status)
	}
}
