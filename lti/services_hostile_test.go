package lti

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestHostileServices gives the client what broken and hostile platforms
// answer. Each is told by its own words, and says what is to be done about it.
func TestHostileServices(t *testing.T) {
	huge := strings.Repeat("x", serviceBody+1)
	token := func(body string) func(*services) {
		return func(s *services) { s.on("/token", says(200, body)) }
	}
	answer := func(path string, status int, body string, headers ...string) func(*services) {
		return func(s *services) { s.on(path, says(status, body, headers...)) }
	}
	next := func(header string) func(*services) {
		return func(s *services) { s.on("/items", says(200, "[]", "Link", header)) }
	}
	items := func(s *services) error {
		_, err := s.client.LineItems(context.Background(), s.p, s.URL+"/items", LineItemFilter{})
		return err
	}
	add := func(s *services) error {
		_, err := s.client.AddLineItem(context.Background(), s.p, s.URL+"/items", LineItem{Label: "L", Maximum: 1})
		return err
	}
	score := func(s *services) error {
		return s.client.Score(context.Background(), s.p, s.URL+"/item?type_id=1", Score{UserID: "5", Given: 1, Maximum: 1, At: time.Now()})
	}
	results := func(s *services) error {
		_, err := s.client.Results(context.Background(), s.p, s.URL+"/item", "5")
		return err
	}
	members := func(s *services) error {
		_, err := s.client.Members(context.Background(), s.p, s.URL+"/members")
		return err
	}
	for _, tt := range []struct {
		name  string
		wrong func(*services)
		call  func(*services) error
		kind  Kind
		say   string
	}{
		{"token: refused", answer("/token", 400, `{"error":"invalid_client"}`), items, Temporary, "invalid_client"},
		{"token: not found", answer("/token", 404, ""), items, Temporary, "404"},
		{"token: no JSON", token("<html>Welcome"), items, Temporary, "not the JSON that is due"},
		{"token: a list", token("[]"), items, Temporary, "not the JSON that is due"},
		{"token: none in it", token(`{"token_type":"Bearer"}`), items, Temporary, "no usable access_token"},
		{"token: would break a header", token(`{"access_token":"a\r\nX-Evil: 1"}`), items, Temporary, "no usable access_token"},
		{"token: endless", token(`{"access_token":"` + strings.Repeat("a", 1<<14+1) + `"}`), items, Temporary, "no usable access_token"},
		{"token: of another type", token(`{"access_token":"a","token_type":"mac"}`), items, Temporary, `type "mac"`},
		{"token: for other scopes", token(`{"access_token":"a","scope":"openid"}`), items, Temporary, "does not grant"},
		{"token: huge answer", token(huge), items, Temporary, "longer than"},
		{"token: sent elsewhere", answer("/token", 302, "", "Location", "https://evil.test/?code=1"), items, Temporary, `"https://evil.test/?…"`},
		{"token: in the clear", func(s *services) { s.p.TokenURL = "http://platform.test/token" }, items, Temporary, "not an https address"},

		{"items: no JSON", answer("/items", 200, "<html>Maintenance"), items, Temporary, "no list of line items: <html>Maintenance"},
		{"items: an object", answer("/items", 200, `{"items":[]}`), items, Temporary, "no list of line items"},
		{"items: huge", answer("/items", 200, huge), items, Temporary, "longer than"},
		{"items: cut off", answer("/items", 200, "[", "Content-Length", "5"), items, Temporary, "unexpected EOF"},
		{"items: one in the clear", answer("/items", 200, `[{"id":"http://evil.test/1","scoreMaximum":1}]`), items, Temporary, "not an https address"},
		{"items: one without address", answer("/items", 200, `[{"scoreMaximum":1}]`), items, Temporary, "no absolute address"},
		{"items: one below nothing", answer("/items", 200, `[{"id":"https://p.test/1","scoreMaximum":-1}]`), items, Temporary, "scoreMaximum is -1"},
		{"items: unknown link", answer("/items", 404, "resource link not found"), items, Gone, "resource link not found"},
		{"items: forbidden", answer("/items", 403, "no"), items, Refused, "403"},
		{"items: redirected to another host", answer("/items", 302, "", "Location", "https://evil.test/steal?x=1"), items, Temporary, "another place, https://evil.test/steal?…"},
		{"items: redirected in circles", answer("/items", 302, "", "Location", "/items"), items, Temporary, "more than 5 times"},
		{"items: made without address", answer("/items", 201, `{"label":"L"}`), add, Temporary, "a line item's id"},
		{"items: made, says nothing", answer("/items", 201, ""), add, Temporary, "no line item"},

		{"link: to itself", next("</items>; rel=next"), items, Refused, "leads back"},
		{"link: in a circle", func(s *services) {
			s.on("/items", says(200, "[]", "Link", "</b>; rel=next"))
			s.on("/b", says(200, "[]", "Link", "</items>; rel=next"))
		}, items, Refused, "leads back"},
		{"link: to another host", next("<https://evil.test/items>; rel=next"), items, Refused, `another host, "evil.test"`},
		{"link: to another port", next("<http://127.0.0.1:1/items>; rel=next"), items, Refused, "another host"},
		{"link: to another host without scheme", next("<//evil.test/items>; rel=next"), items, Refused, "another host"},
		{"link: with a password", func(s *services) {
			s.on("/items", says(200, "[]", "Link", strings.Replace("<"+s.URL+"/b>; rel=next", "://", "://u:p@", 1)))
		}, items, Refused, "another host"},
		{"link: without brackets", next("/items; rel=next"), items, Refused, "must stand in < and >"},
		{"link: without end", next("</items; rel=next"), items, Refused, "does not end"},
		{"link: with half a quote", next(`</items>; rel="next`), items, Refused, "a quote does not end"},
		{"link: unreadable", next("<http://[::1/%zz>; rel=next"), items, Refused, "can't be read"},
		{"link: empty", next("<>; rel=next"), items, Refused, "can't be read"},
		{"link: thousands of pages", func(s *services) {
			n := 0
			s.on("/items", func(w http.ResponseWriter, _ *http.Request) {
				n++
				w.Header().Set("Link", fmt.Sprintf("</items?page=%d>; rel=next", n))
				fmt.Fprint(w, "[]")
			})
		}, items, Refused, "more than 400 pages"},

		{"score: stale at Moodle", answer("/item/scores", 409, "Refusing score with an earlier timestamp"), score, Stale, "409"},
		{"score: stale at Canvas", answer("/item/scores", 400, `{"errors":{"message":"Provided timestamp of x before last updated timestamp of y"}}`), score, Stale, "timestamp"},
		{"score: work of the future", answer("/item/scores", 400, "Provided submitted_at timestamp of x in the future"), score, Stale, "future"},
		{"score: of a teacher", answer("/item/scores", 400, "Incorrect score received"), score, Refused, "Incorrect score"},
		{"score: of no student", answer("/item/scores", 422, "User not found in course or is not a student"), score, Refused, "not a student"},
		{"score: item gone", answer("/item/scores", 404, ""), score, Gone, "404"},
		{"score: no active item", answer("/item/scores", 412, ""), score, Gone, "412"},
		{"score: too many", answer("/item/scores", 429, "", "Retry-After", "7"), score, Temporary, "429"},
		{"score: too many, as Canvas once said", answer("/item/scores", 403, "403 Forbidden (Rate Limit Exceeded)"), score, Temporary, "Rate Limit"},
		{"score: sent elsewhere", answer("/item/scores", 307, "", "Location", "/other"), score, Temporary, `"/other"`},
		{"score: in trouble", answer("/item/scores", 502, "\x00\xffBad\n\nGateway"), score, Temporary, "�Bad Gateway"},
		{"score: accepted with an endless answer", answer("/item/scores", 200, huge), score, 0, ""},

		{"results: no JSON", answer("/item/results", 200, "OK"), results, Temporary, "no list of results"},
		{"results: odd user", answer("/item/results", 200, `[{"userId":{}}]`), results, Temporary, "no list of results"},
		{"results: score in words", answer("/item/results", 200, `[{"userId":"5","resultScore":"ten"}]`), results, Temporary, "no list of results"},

		{"roster: no members", answer("/members", 200, `{}`), members, Temporary, "no roster"},
		{"roster: members no list", answer("/members", 200, `{"members":{"a":1}}`), members, Temporary, "no roster"},
		{"roster: nobody's name", answer("/members", 200, `{"members":[{"roles":["Learner"]}]}`), members, Temporary, "no user_id"},
		{"roster: endless name", answer("/members", 200, `{"members":[{"user_id":"`+strings.Repeat("1", 256)+`"}]}`), members, Temporary, "no user_id"},
		{"roster: half of it", func(s *services) {
			s.on("/members", says(200, `{"members":[{"user_id":"1"}]}`, "Link", "</members2>; rel=next"))
			s.on("/members2", says(500, "sorry"))
		}, members, Temporary, "sorry"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mustServices(t)
			tt.wrong(s)
			err := tt.call(s)
			if tt.kind == 0 {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			var e *ServiceError
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a ServiceError", err)
			}
			if e.Kind() != tt.kind || !strings.Contains(e.Error(), tt.say) {
				t.Errorf("%v: %v\nwant %v, and %q in it", e.Kind(), e, tt.kind, tt.say)
			}
			if len(e.Error()) > 1500 {
				t.Errorf("the error has %d bytes", len(e.Error()))
			}
		})
	}
}

func TestScoreIsNeverPostedTwice(t *testing.T) {
	s := mustServices(t)
	s.on("/item/scores", says(307, "", "Location", "/other"))
	s.on("/other", says(200, ""))
	_ = s.client.Score(t.Context(), s.p, s.URL+"/item", Score{UserID: "5", Given: 1, Maximum: 1, At: time.Now()})
	if s.requests("/other") != 0 {
		t.Error("a score was posted on to where the platform sent it")
	}
}

func TestScoresThatAreNone(t *testing.T) {
	s := mustServices(t)
	nan := 0.0
	nan /= nan
	for _, bad := range []Score{
		{Given: 1, Maximum: 1, At: time.Now()}, {UserID: "5", Given: 1, Maximum: 1},
		{UserID: "5", Given: -1, Maximum: 1, At: time.Now()}, {UserID: "5", Given: 1, At: time.Now()},
		{UserID: "5", Given: nan, Maximum: 1, At: time.Now()}, {UserID: "5", Given: 1, Maximum: nan, At: time.Now()},
	} {
		var e *ServiceError
		if err := s.client.Score(t.Context(), s.p, s.URL+"/item", bad); !errors.As(err, &e) || e.Kind() != Refused {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if len(s.log) != 0 {
		t.Errorf("the platform was asked %q", s.log)
	}
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestPlatformThatNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{HTTP: &http.Client{Transport: silent{}}, Keys: func(context.Context) ([]Key, error) { return []Key{serviceKey()}, nil }}
		begun := time.Now()
		err := c.Score(t.Context(), Platform{TokenURL: "https://p.test/token"}, "https://p.test/item", Score{UserID: "5", Given: 1, Maximum: 1, At: begun})
		var e *ServiceError
		if !errors.As(err, &e) || e.Kind() != Temporary || time.Since(begun) > time.Minute {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "9999999999999999999": 0, "99999999": 24 * time.Hour,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

func FuzzLinkHeader(f *testing.F) {
	for _, seed := range []string{"</b?x=1&amp;y=2>; rel=“next”", `<a>; title="x,y"; rel="prev next", <b>; rel=next`, "<", `<a>; rel="`, ",,,"} {
		f.Add(seed)
	}
	from, _ := url.Parse("https://p.test/items?type_id=1")
	f.Fuzz(func(t *testing.T, header string) {
		next, err := nextPage(from, []string{header})
		if err != nil || next == "" {
			return
		}
		u, err := url.Parse(next)
		if err != nil || u.Scheme != "https" || originOf(u) != "https://p.test" || u.User != nil {
			t.Errorf("%q leads to %q", header, next)
		}
	})
}

// sameAnswer answers all requests but those for tokens.
type sameAnswer string

func (s sameAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	body := string(s)
	if r.Method == http.MethodPost {
		body = `{"access_token":"a"}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func FuzzServiceBodies(f *testing.F) {
	for _, seed := range []string{"[]", `{"members":[{"user_id":1}]}`, `[{"id":"https://p.test/1","scoreMaximum":1e999}]`,
		`[{"userId":"5","resultScore":1}]`, `{"access_token":"a","expires_in":"3600"}`, `{"access_token":"a","expires_in":1e400}`, "null"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := &Client{HTTP: &http.Client{Transport: sameAnswer(body)}, Keys: func(context.Context) ([]Key, error) { return []Key{serviceKey()}, nil }}
		g, err := readToken([]byte(body), time.Now())
		if err == nil && (g.token == "" || time.Until(g.until) > 25*time.Hour) {
			t.Errorf("token %+v", g)
		}
		p, at := Platform{TokenURL: "https://p.test/token"}, "https://p.test/x"
		for _, read := range []func() error{
			func() error { _, err := c.Members(t.Context(), p, at); return err },
			func() error { _, err := c.Results(t.Context(), p, at, "5"); return err },
			func() error { _, err := c.LineItems(t.Context(), p, at, LineItemFilter{}); return err },
			func() error { _, err := c.LineItem(t.Context(), p, at); return err },
		} {
			var e *ServiceError
			if err := read(); err != nil && !errors.As(err, &e) {
				t.Errorf("%q: %v is no ServiceError", body, err)
			}
		}
	})
}
