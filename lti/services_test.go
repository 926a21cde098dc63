package lti

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

var serviceKey = sync.OnceValue(func() Key {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return Key{ID: "own", Private: k, Created: time.Now().Add(-48 * time.Hour)}
})

// services is a platform of which each answer can be replaced.
type services struct {
	*httptest.Server
	p      Platform
	client *Client

	mu      sync.Mutex
	answers map[string]http.HandlerFunc // by path
	log     []string                    // method and address of each request
	tokens  int
}

func mustServices(t *testing.T) *services {
	s := &services{answers: map[string]http.HandlerFunc{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.p = Platform{ID: 1, Issuer: s.URL, ClientID: "client", TokenURL: s.URL + "/token", KeysURL: s.URL + "/keys"}
	s.client = &Client{HTTP: s.Client(), Keys: func(context.Context) ([]Key, error) { return []Key{serviceKey()}, nil }}
	s.on("/token", s.token)
	return s
}

func (s *services) on(path string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = h
}

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.log = append(s.log, r.Method+" "+r.URL.String())
	h := s.answers[r.URL.Path]
	s.mu.Unlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h(w, r)
}

// token grants what is asked for, as Moodle does: JSON that says it is HTML.
func (s *services) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.tokens++
	n := s.tokens
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600,"scope":%q}`, n, r.FormValue("scope"))
}

func (s *services) requests(part string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.log {
		if strings.Contains(l, part) {
			n++
		}
	}
	return n
}

func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestScoreAsPlatformsWantIt(t *testing.T) {
	s := mustServices(t)
	var got *http.Request
	var body map[string]any
	s.on("/2/lineitems/11/lineitem/scores", func(w http.ResponseWriter, r *http.Request) {
		got = r
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
	})
	item := s.URL + "/2/lineitems/11/lineitem?type_id=1"
	at := time.Date(2026, 11, 22, 9, 30, 0, 123_000_000, time.FixedZone("", 3600))
	err := s.client.Score(t.Context(), s.p, item, Score{UserID: "5", Given: 7.5, Maximum: 10, Comment: "3 of 4", Activity: InProgress,
		At: at, Submission: &Submission{At: at}})
	if err != nil {
		t.Fatal(err)
	}
	if got.URL.RawQuery != "type_id=1" || got.Header.Get("Content-Type") != "application/vnd.ims.lis.v1.score+json" ||
		got.Header.Get("Authorization") != "Bearer token-1" {
		t.Errorf("sent to %s with %v", got.URL, got.Header)
	}
	want := map[string]any{"userId": "5", "scoreGiven": 7.5, "scoreMaximum": 10.0, "comment": "3 of 4", "activityProgress": "InProgress",
		"gradingProgress": "FullyGraded", "timestamp": "2026-11-22T08:30:00.123Z",
		"https://canvas.instructure.com/lti/submission": map[string]any{"new_submission": false, "submitted_at": "2026-11-22T08:30:00.123Z"}}
	if fmt.Sprint(body) != fmt.Sprint(want) {
		t.Errorf("sent %v\nwant %v", body, want)
	}
	body = nil
	if err := s.client.Score(t.Context(), s.p, item, Score{UserID: "5", Cleared: true, At: at}); err != nil {
		t.Fatal(err)
	}
	if _, there := body["scoreGiven"]; there || body["gradingProgress"] != "FullyGraded" {
		t.Errorf("a cleared score was sent as %v", body)
	}
	if n := s.requests("/token"); n != 1 {
		t.Errorf("%d tokens were fetched for two scores, want 1", n)
	}
}

func TestAssertion(t *testing.T) {
	s := mustServices(t)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s.client.Now = func() time.Time { return now }
	s.p.Audience = "https://elsewhere.test/token"
	check := func(w http.ResponseWriter, r *http.Request) {
		tok, err := jwt.ParseSigned(r.FormValue("client_assertion"), []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Error(err)
			return
		}
		var c jwt.Claims
		if err := tok.Claims(&serviceKey().Private.PublicKey, &c); err != nil {
			t.Error(err)
		}
		if c.Issuer != "client" || c.Subject != "client" || c.ID == "" || !c.Audience.Contains(s.p.Audience) || tok.Headers[0].KeyID != "own" {
			t.Errorf("claims %+v with key %q", c, tok.Headers[0].KeyID)
		}
		if iat := c.IssuedAt.Time(); !iat.Before(now) || now.Sub(iat) > 30*time.Second || !c.Expiry.Time().After(now) {
			t.Errorf("issued at %v until %v, now is %v", iat, c.Expiry.Time(), now)
		}
		s.token(w, r)
	}
	s.on("/token", check)
	s.on("/items", says(200, "[]"))
	if _, err := s.client.LineItems(t.Context(), s.p, s.URL+"/items", LineItemFilter{}); err != nil {
		t.Fatal(err)
	}
	// An hour later, less a little, another is fetched.
	now = now.Add(59*time.Minute + 30*time.Second)
	if _, err := s.client.LineItems(t.Context(), s.p, s.URL+"/items", LineItemFilter{}); err != nil {
		t.Fatal(err)
	}
	if n := s.requests("/token"); n != 2 {
		t.Errorf("%d tokens were fetched, want 2", n)
	}
}

func TestTokenThatStopsWorkingIsFetchedOnceMore(t *testing.T) {
	s := mustServices(t)
	valid := "token-1"
	s.on("/items", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+valid {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "[]")
	})
	ask := func() error {
		_, err := s.client.LineItems(t.Context(), s.p, s.URL+"/items", LineItemFilter{})
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	valid = "token-2"
	if err := ask(); err != nil {
		t.Errorf("after the token was withdrawn: %v", err)
	}
	valid = "none"
	err := ask()
	var e *ServiceError
	if !errors.As(err, &e) || e.Status != http.StatusUnauthorized || e.Kind() != Temporary {
		t.Errorf("a platform that takes no token: %v", err)
	}
	if n := s.requests("/token"); n != 3 {
		t.Errorf("%d tokens were fetched, want 3", n)
	}
}

func TestTokensAreAskedForByTheNewestKey(t *testing.T) {
	s := mustServices(t)
	var signed []string
	s.on("/token", func(w http.ResponseWriter, r *http.Request) {
		tok, err := jwt.ParseSigned(r.FormValue("client_assertion"), []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			t.Error(err)
			return
		}
		signed = append(signed, tok.Headers[0].KeyID)
		s.token(w, r)
	})
	answer := says(200, "[]")
	s.on("/items", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-1" && len(signed) == 1 && s.requests("/items") > 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer(w, r)
	})
	for range 2 {
		if _, err := s.client.LineItems(t.Context(), s.p, s.URL+"/items", LineItemFilter{}); err != nil {
			t.Fatal(err)
		}
		next := serviceKey()
		next.ID = "rotated"
		s.client.Keys = func(context.Context) ([]Key, error) { return []Key{next}, nil }
	}
	if fmt.Sprint(signed) != "[own rotated]" {
		t.Errorf("assertions were signed by %v", signed)
	}
}

func TestClockThatIsWrong(t *testing.T) {
	for _, off := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		t.Run(off.String(), func(t *testing.T) {
			s := mustServices(t)
			platform := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
			s.client.Now = func() time.Time { return platform.Add(off) }
			s.on("/token", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", platform.Format(http.TimeFormat))
				tok, err := jwt.ParseSigned(r.FormValue("client_assertion"), []jose.SignatureAlgorithm{jose.RS256})
				if err != nil {
					t.Error(err)
					return
				}
				var c jwt.Claims
				if err := tok.UnsafeClaimsWithoutVerification(&c); err != nil {
					t.Error(err)
				}
				if c.IssuedAt.Time().After(platform) || c.Expiry.Time().Before(platform) {
					w.WriteHeader(http.StatusBadRequest)
					fmt.Fprint(w, `{"error":"invalid_request"}`)
					return
				}
				s.token(w, r)
			})
			s.on("/items", says(200, "[]"))
			if _, err := s.client.LineItems(t.Context(), s.p, s.URL+"/items", LineItemFilter{}); err != nil {
				t.Fatal(err)
			}
			if got := s.client.Clock(s.p); got != -off {
				t.Errorf("the platform's clock is said to be %v ahead, want %v", got, -off)
			}
		})
	}
}

func TestScopesThatAreNotGranted(t *testing.T) {
	s := mustServices(t)
	s.on("/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("scope") != ScopeLineItem {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_scope"}`)
			return
		}
		s.token(w, r)
	})
	s.on("/items", says(200, "[]"))
	if _, err := s.client.LineItems(t.Context(), s.p, s.URL+"/items", LineItemFilter{}); err != nil {
		t.Errorf("a platform that grants the wider scope only: %v", err)
	}
	_, err := s.client.Members(t.Context(), s.p, s.URL+"/members")
	if err == nil || !strings.Contains(err.Error(), "does not grant") {
		t.Errorf("a roster that may not be read: %v", err)
	}
}

func TestLineItemsAreFiltered(t *testing.T) {
	s := mustServices(t)
	page := func(n, next string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") != "application/vnd.ims.lis.v2.lineitemcontainer+json" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			if next != "" {
				w.Header().Set("Link", fmt.Sprintf("<%s/more?type_id=1&amp;from=%s>; rel=“next”, <%s/items>; rel=“first”", s.URL, next, s.URL))
			}
			fmt.Fprintf(w, `[{"id":"%[1]s/items/%[2]s?type_id=1","label":"L","scoreMaximum":10,"resourceId":"c/t","resourceLinkId":%[2]s},
				{"id":"%[1]s/items/x%[2]s","label":"X","scoreMaximum":1,"resourceLinkId":"other"}]`, s.URL, n)
		}
	}
	s.on("/items", page("7", "2"))
	s.on("/more", page("8", ""))
	got, err := s.client.LineItems(t.Context(), s.p, s.URL+"/items?type_id=1", LineItemFilter{ResourceLinkID: "8"})
	if err != nil || len(got) != 1 || got[0].URL != s.URL+"/items/8?type_id=1" || got[0].Maximum != 10 {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, want := range []string{"GET /items?type_id=1&resource_link_id=8", "GET /more?type_id=1&from=2"} {
		if s.requests(want) != 1 {
			t.Errorf("%s was not asked for: %q", want, s.log)
		}
	}
}

func TestAddLineItem(t *testing.T) {
	s := mustServices(t)
	s.on("/items", func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/vnd.ims.lis.v2.lineitem+json" {
			t.Errorf("%v, %v", r.Header, err)
		}
		if fmt.Sprint(in) != "map[label:Users resourceId:linux/users resourceLinkId:3 scoreMaximum:12]" {
			t.Errorf("asked for %v", in)
		}
		says(201, `{"id":"`+s.URL+`/items/9","label":"Users","scoreMaximum":12.0}`)(w, r)
	})
	got, err := s.client.AddLineItem(t.Context(), s.p, s.URL+"/items",
		LineItem{URL: "ignored", Label: "Users", Maximum: 12, ResourceID: "linux/users", ResourceLinkID: "3"})
	if err != nil || got.URL != s.URL+"/items/9" || got.Maximum != 12 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestResults(t *testing.T) {
	s := mustServices(t)
	s.on("/item/results", says(200, `[{"id":"x","userId":5,"resultScore":7.5,"resultMaximum":10,"comment":"good","timestamp":"2026-11-22T09:00:00+00:00"},
		{"userId":"6"}, {"userId":"7","resultScore":0.5}]`))
	all, err := s.client.Results(t.Context(), s.p, s.URL+"/item?type_id=1", "")
	if err != nil || len(all) != 3 || all[0].UserID != "5" || *all[0].Score != 7.5 || all[0].At.IsZero() || all[1].Score != nil || all[2].Maximum != 1 {
		t.Errorf("got %+v, %v", all, err)
	}
	one, err := s.client.Results(t.Context(), s.p, s.URL+"/item?type_id=1", "5")
	if err != nil || len(one) != 1 || one[0].Comment != "good" {
		t.Errorf("got %+v, %v", one, err)
	}
	if s.requests("/item/results?type_id=1&user_id=5") != 1 || s.requests("limit") != 0 {
		t.Errorf("asked %q", s.log)
	}
}

func TestMembers(t *testing.T) {
	s := mustServices(t)
	s.on("/members", says(200, `{"id":"x","context":{"id":"2"},"members":[
		{"status":"Active","user_id":3,"name":"Ada Ansah","given_name":"Ada","family_name":"Ansah","email":"a@b.test","lis_person_sourcedid":"S-1","roles":["Learner"]},
		{"user_id":"4","roles":["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]}]}`,
		"Link", `</members2?a=b,c>; title="a, b"; rel="next last"`))
	s.on("/members2", says(200, `{"members":[{"status":"Inactive","user_id":"5","roles":[]},{"user_id":"4","roles":["Instructor","Learner"]}]}`))
	got, err := s.client.Members(t.Context(), s.p, s.URL+"/members")
	if err != nil || len(got) != 3 {
		t.Fatalf("got %+v, %v", got, err)
	}
	ada, tess, gone := got[0], got[1], got[2]
	if ada.Subject != "3" || ada.Name != "Ada Ansah" || ada.SourcedID != "S-1" || !IsLearner(ada.Roles) || !ada.Active {
		t.Errorf("Ada is %+v", ada)
	}
	if !IsInstructor(tess.Roles) || len(tess.Roles) != 2 || gone.Active {
		t.Errorf("got %+v and %+v", tess, gone)
	}
}
