package ltitest

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kinds runs a test on both personalities.
func kinds(t *testing.T, run func(t *testing.T, l *lms)) {
	for _, kind := range []Kind{Moodle, Canvas} {
		t.Run(string(kind), func(t *testing.T) { run(t, newLMS(t, kind)) })
	}
}

func TestLaunchReachesTheTool(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		for _, page := range []bool{false, true} {
			l.interstitial = page
			answer, err := l.Launch(context.Background(), l.client, Message{User: l.ada.ID, Link: l.link.ID})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil || string(body) != "welcome" {
				t.Fatalf("the tool answered %q, %v", body, err)
			}
			c := l.launched(t)
			custom := c[claim+"custom"].(map[string]any)
			if c["sub"] != l.ada.ID || custom["tutorial"] != "linux/first" || custom["who"] != "ada" || custom["odd"] != "$Not.A.Variable" {
				t.Errorf("claims of the launch: %v", c)
			}
		}
	})
}

func TestTokenVerifiesWithTheKeySet(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		c, err := l.Claims(Message{User: l.ada.ID, Link: l.link.ID}, "n")
		if err != nil {
			t.Fatal(err)
		}
		old := l.Sign(c)
		if err := verify(t, l, old); err != nil {
			t.Error(err)
		}
		l.RotateKeys(true)
		if err := verify(t, l, old); err != nil {
			t.Errorf("after a rotation that keeps the old key: %v", err)
		}
		if err := verify(t, l, l.Sign(c)); err != nil {
			t.Errorf("signed by the new key: %v", err)
		}
		l.RotateKeys(false)
		if verify(t, l, old) == nil {
			t.Error("the old key is still there after a rotation without notice")
		}
		l.LoseKey()
		if verify(t, l, l.Sign(c)) == nil {
			t.Error("a lost key still verifies")
		}
	})
}

func verify(t *testing.T, l *lms, token string) error {
	t.Helper()
	_, body, _ := l.call(t, "GET", l.KeysURL(), "", "", "")
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(body), &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Claims(set, &map[string]any{})
}

func TestClaimsAreThoseOfTheKind(t *testing.T) {
	m, c := newLMS(t, Moodle), newLMS(t, Canvas)
	moodle := m.claims(t, Message{User: m.ada.ID, Link: m.link.ID})
	canvas := c.claims(t, Message{User: c.ada.ID, Link: c.link.ID})
	if moodle["exp"].(float64)-moodle["iat"].(float64) != 60 {
		t.Error("Moodle's tokens live a minute")
	}
	if _, has := moodle["azp"]; has {
		t.Error("Moodle sends no azp")
	}
	if canvas["azp"] != c.tool.ClientID || canvas["iss"] != "https://canvas.test" || strings.HasPrefix(c.AuthURL(), "https://canvas.test") {
		t.Error("Canvas's issuer is for everybody, and not the host")
	}
	if !strings.Contains(m.lineItem, "/lineitem?type_id=") || strings.Contains(c.lineItem, "?") {
		t.Errorf("line items %s and %s", m.lineItem, c.lineItem)
	}
	if m.tool.Deployments[0] != m.Tools()[0].Deployments[0] || len(m.tool.ClientID) != 15 {
		t.Errorf("Moodle's tool %+v", m.tool)
	}
	review := m.claims(t, Message{Type: SubmissionReview, User: m.tessa.ID, Link: m.link.ID, ForUser: m.bob.ID})
	if review[claim+"message_type"] != SubmissionReview || review[claim+"for_user"].(map[string]any)["user_id"] != m.bob.ID {
		t.Errorf("a review says %v", review)
	}
	window := m.claims(t, Message{Type: SubmissionReview, User: m.tessa.ID, Link: m.link.ID, ForUser: m.bob.ID, Window: true})
	if window[claim+"message_type"] != ResourceLink || window[claim+"for_user"] != nil {
		t.Error("in a window of Moodle a review arrives as an ordinary launch")
	}
	ungraded := c.AddLink(Link{Course: c.course.ID, Title: "Reading"})
	said := c.claims(t, Message{User: c.ada.ID, Link: ungraded.ID})
	if said[ags+"claim/endpoint"].(map[string]any)["lineitem"] != nil {
		t.Error("Canvas names a line item for assignments only")
	}
	withheld := m.claims(t, Message{User: m.bob.ID, Link: m.link.ID})
	if withheld["name"] != nil || withheld["email"] != nil {
		t.Error("Bob's name is withheld")
	}
}

func TestAuthorisationRefuses(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		for name, c := range map[string]struct {
			alter  func(url.Values)
			person bool   // the person sees it rather than the tool
			code   string // "" where it is taken
		}{
			"honest":           {alter: func(url.Values) {}},
			"other redirect":   {alter: func(q url.Values) { q.Set("redirect_uri", "https://elsewhere.test/") }, person: true},
			"other client":     {alter: func(q url.Values) { q.Set("client_id", "nobody") }, person: true},
			"no nonce":         {alter: func(q url.Values) { q.Del("nonce") }, code: "invalid_request"},
			"no hint":          {alter: func(q url.Values) { q.Del("lti_message_hint") }, code: "invalid_request"},
			"unknown hint":     {alter: func(q url.Values) { q.Set("lti_message_hint", "made up") }, code: "invalid_request"},
			"somebody else":    {alter: func(q url.Values) { q.Set("login_hint", l.bob.ID) }, code: "access_denied"},
			"fragment":         {alter: func(q url.Values) { q.Set("response_mode", "fragment") }, code: "invalid_request"},
			"code flow":        {alter: func(q url.Values) { q.Set("response_type", "code") }, code: "unsupported_response_type"},
			"scope":            {alter: func(q url.Values) { q.Set("scope", "openid email") }, code: "invalid_scope"},
			"prompt of a user": {alter: func(q url.Values) { q.Set("prompt", "login") }, code: "invalid_request"},
		} {
			q := l.request(t)
			c.alter(q)
			_, form, err := l.Authorise(q)
			if (err != nil) != c.person || form.Get("error") != c.code {
				t.Errorf("%s: error %q to the tool, %v to the person", name, form.Get("error"), err)
			}
		}
		q := l.request(t)
		q.Del("prompt")
		_, form, _ := l.Authorise(q)
		if refused := form.Get("error") != ""; refused != (l.Kind() == Canvas) {
			t.Errorf("without prompt=none: %v", form)
		}
		q = l.request(t)
		if _, form, err := l.Authorise(q); err != nil || form.Get("id_token") == "" {
			t.Errorf("a fresh hint: %v, %v", form, err)
		}
		_, form, _ = l.Authorise(q)
		if refused := form.Get("error") != ""; refused != (l.Kind() == Moodle) {
			t.Errorf("a hint used twice: %v", form)
		}
		q = l.request(t)
		l.clock = l.clock.Add(6 * time.Minute)
		if _, form, _ = l.Authorise(q); form.Get("error") != "launch_no_longer_valid" {
			t.Errorf("a hint after six minutes: %v", form)
		}
		l.SetFaults(Faults{LoginRequired: true})
		if _, form, _ = l.Authorise(l.request(t)); form.Get("error") != "login_required" {
			t.Errorf("after the session ended: %v", form)
		}
	})
}

// request is an honest authentication request.
func (l *lms) request(t *testing.T) url.Values {
	t.Helper()
	_, form, err := l.Initiation(Message{User: l.ada.ID, Link: l.link.ID})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(l.auth(l.Platform, form, "s"))
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestInitiationIsThatOfTheKind(t *testing.T) {
	m, c := newLMS(t, Moodle), newLMS(t, Canvas)
	_, moodle, _ := m.Initiation(Message{User: m.ada.ID, Link: m.link.ID})
	_, canvas, _ := c.Initiation(Message{User: c.ada.ID, Link: c.link.ID})
	if !strings.HasPrefix(moodle.Get("lti_message_hint"), "{") || moodle.Has("lti_storage_target") || moodle.Has("deployment_id") {
		t.Errorf("Moodle initiates with %v", moodle)
	}
	if canvas.Get("lti_storage_target") != "post_message_forwarding" || canvas.Get("deployment_id") == "" || canvas.Get("canvas_environment") == "" {
		t.Errorf("Canvas initiates with %v", canvas)
	}
}
