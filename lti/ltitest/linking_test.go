package ltitest

import (
	"context"
	"net/url"
	"strings"
	"testing"
)

// response is an honest deep linking response of two items, or of one.
func (l *lms) response(t *testing.T, single bool) (returnTo string, claims map[string]any) {
	t.Helper()
	c := l.claims(t, Message{Type: DeepLinking, User: l.tessa.ID, Course: l.course.ID, Single: single})
	settings := c[dl+"deep_linking_settings"].(map[string]any)
	items := []any{
		map[string]any{
			"type": "ltiResourceLink", "title": "Users", "url": l.stub.srv.URL + "/launch", "custom": map[string]any{"tutorial": "linux/users"},
			"lineItem":   map[string]any{"label": "Users and groups", "scoreMaximum": 12, "tag": "grade"},
			"submission": map[string]any{"endDateTime": "2026-12-01T12:00:00Z"},
		},
		map[string]any{"type": "ltiResourceLink", "title": "Files", "window": map[string]any{"targetName": "_blank"}},
	}
	if single {
		items = items[:1]
	}
	claims = map[string]any{
		"iss": l.tool.ClientID, "aud": l.Issuer(), "iat": l.clock.Unix(), "exp": l.clock.Unix() + 60, "nonce": randomHex(8),
		claim + "message_type": "LtiDeepLinkingResponse", claim + "version": "1.3.0",
		claim + "deployment_id": l.tool.Deployments[0], dl + "content_items": items,
	}
	if data, has := settings["data"]; has {
		claims[dl+"data"] = data
	}
	return settings["deep_link_return_url"].(string), claims
}

// answerLinking posts a response and gives the page that comes back.
func (l *lms) answerLinking(t *testing.T, to, token string) (int, string) {
	t.Helper()
	status, body, _ := l.call(t, "POST", to, "", "application/x-www-form-urlencoded", url.Values{"JWT": {token}}.Encode())
	return status, body
}

func TestDeepLinkingAddsWhatWasPicked(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		to, claims := l.response(t, false)
		token := l.sign(l.Platform, claims)
		if status, body := l.answerLinking(t, to, token); status != 200 || strings.Count(body, "<li data-added") != 2 {
			t.Fatalf("%d %s", status, body)
		}
		links := l.Links(l.course.ID)[1:]
		title := map[Kind]string{Moodle: "Users", Canvas: "Users and groups"}[l.Kind()]
		if links[0].Title != title || links[0].Points != 12 || links[0].Custom["tutorial"] != "linux/users" || links[0].Due == nil || links[0].Window {
			t.Errorf("the first became %+v", links[0])
		}
		points := map[Kind]float64{Moodle: 100, Canvas: 0}[l.Kind()]
		if links[1].Points != points || !links[1].Window {
			t.Errorf("the second, without a line item, became %+v", links[1])
		}
		if status, _ := l.answerLinking(t, to, token); status != 400 || len(l.Links(l.course.ID)) != 3 {
			t.Error("the same answer was taken twice")
		}
		if got := l.claims(t, Message{User: l.ada.ID, Link: links[0].ID})[claim+"custom"].(map[string]any); got["tutorial"] != "linux/users" {
			t.Errorf("a launch of what was picked has %v", got)
		}
	})
}

func TestDeepLinkingRefuses(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		first := func(c map[string]any) map[string]any { return c[dl+"content_items"].([]any)[0].(map[string]any) }
		for name, alter := range map[string]func(map[string]any){
			"issuer":       func(c map[string]any) { c["iss"] = l.stub.srv.URL },
			"audience":     func(c map[string]any) { c["aud"] = l.tool.ClientID },
			"expired":      func(c map[string]any) { c["exp"] = l.clock.Unix() },
			"future":       func(c map[string]any) { c["iat"] = l.clock.Unix() + 300 },
			"deployment":   func(c map[string]any) { c[claim+"deployment_id"] = "77" },
			"data":         func(c map[string]any) { c[dl+"data"] = "other" },
			"nonce":        func(c map[string]any) { delete(c, "nonce") },
			"type":         func(c map[string]any) { c[claim+"message_type"] = DeepLinking },
			"item's type":  func(c map[string]any) { first(c)["type"] = "file" },
			"wrong shape":  func(c map[string]any) { c[dl+"content_items"] = "two" },
			"version":      func(c map[string]any) { c[claim+"version"] = "1.2" },
			"other's data": func(c map[string]any) { c[dl+"data"] = 7 },
		} {
			to, claims := l.response(t, false)
			alter(claims)
			if status, body := l.answerLinking(t, to, l.sign(l.Platform, claims)); status != 400 || !strings.Contains(body, "data-complaint") {
				t.Errorf("%s was taken: %d", name, status)
			}
		}
		to, claims := l.response(t, false)
		if status, _ := l.answerLinking(t, to, l.Sign(claims)); status != 400 {
			t.Error("a response signed by another key was taken")
		}
		if status, _ := l.answerLinking(t, to+"0", l.sign(l.Platform, claims)); status != 400 {
			t.Error("a response to a made-up address was taken")
		}
		if n := len(l.Links(l.course.ID)); n != 1 {
			t.Errorf("%d links were added", n-1)
		}
	})
}

func TestCanvasTakesOneAssignmentWithPoints(t *testing.T) {
	l := newLMS(t, Canvas)
	item := func(c map[string]any) map[string]any { return c[dl+"content_items"].([]any)[0].(map[string]any) }
	to, claims := l.response(t, true)
	items := claims[dl+"content_items"].([]any)
	claims[dl+"content_items"] = append(items, items[0])
	if status, body := l.answerLinking(t, to, l.sign(l.Platform, claims)); status != 400 {
		t.Errorf("two items for one assignment: %d %s", status, body)
	}
	to, claims = l.response(t, true)
	item(claims)["lineItem"] = map[string]any{"label": "x"}
	if status, body := l.answerLinking(t, to, l.sign(l.Platform, claims)); status != 400 {
		t.Errorf("a line item without scoreMaximum: %d %s", status, body)
	}
	to, claims = l.response(t, true)
	if status, body := l.answerLinking(t, to, l.sign(l.Platform, claims)); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

func TestDataPrivacyLaunch(t *testing.T) {
	l := newLMS(t, Canvas)
	answer, err := l.Launch(context.Background(), l.client, Message{Type: DataPrivacy, User: l.ada.ID, Course: l.course.ID, ForUser: l.ada.ID})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	c := l.launched(t)
	if c[claim+"message_type"] != DataPrivacy || c[claim+"for_user"].(map[string]any)["user_id"] != l.ada.ID || c[claim+"resource_link"] != nil {
		t.Errorf("claims: %v", c)
	}
}
