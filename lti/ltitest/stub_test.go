package ltitest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// stub is the least tool that can be launched.
type stub struct {
	srv *httptest.Server
	key *rsa.PrivateKey
	// interstitial answers the initiation with a page rather than a redirect.
	interstitial bool

	mu   sync.Mutex
	last url.Values // form of the last launch
}

var stubKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newStub(t *testing.T, p *Platform) *stub {
	t.Helper()
	s := &stub{key: stubKey()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		to := s.auth(p, r.PostForm, "st")
		http.SetCookie(w, &http.Cookie{Name: "state", Value: "st", Path: "/", Secure: true, HttpOnly: true})
		if s.interstitial {
			fmt.Fprint(w, `<p><a class="x" href="`+strings.ReplaceAll(to, "&", "&amp;")+`" id="continue">Go on</a>`)
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	mux.HandleFunc("POST /launch", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if _, err := r.Cookie("state"); err != nil {
			http.Error(w, "the cookie is missing", http.StatusForbidden)
			return
		}
		s.mu.Lock()
		s.last = r.PostForm
		s.mu.Unlock()
		http.Redirect(w, r, "/home", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /home", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "welcome") })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, r *http.Request) { write(w, s.keySet()) })
	s.srv = httptest.NewServer(mux)
	t.Cleanup(s.srv.Close)
	return s
}

func (s *stub) auth(p *Platform, form url.Values, state string) string {
	q := url.Values{
		"scope": {"openid"}, "response_type": {"id_token"}, "response_mode": {"form_post"}, "prompt": {"none"},
		"client_id": {form.Get("client_id")}, "redirect_uri": {s.srv.URL + "/launch"}, "state": {state}, "nonce": {"n-" + randomHex(4)},
		"login_hint": {form.Get("login_hint")}, "lti_message_hint": {form.Get("lti_message_hint")},
	}
	return p.AuthURL() + "?" + q.Encode()
}

func (s *stub) keySet() []byte {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &s.key.PublicKey, KeyID: "tool", Algorithm: "RS256", Use: "sig"}}})
	if err != nil {
		panic(err)
	}
	return text
}

// sign makes a token of the tool.
func (s *stub) sign(p *Platform, claims map[string]any) string {
	return p.Sign(claims, func(f *Forgery) { f.Key = s.key; f.Header["kid"] = "tool" })
}

// lms is a platform that is served, with a tool, a course and people.
type lms struct {
	*Platform
	*stub
	tool             Tool
	course           Course
	ada, bob, tessa  User
	link             Link
	srv              *httptest.Server
	clock            time.Time
	client           *http.Client
	lineItem, scores string
}

func newLMS(t *testing.T, kind Kind) *lms {
	t.Helper()
	l := &lms{clock: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	l.srv = httptest.NewUnstartedServer(nil)
	host := "http://" + l.srv.Listener.Addr().String()
	issuer := host
	if kind == Canvas {
		issuer = "https://canvas.test"
	}
	l.Platform = New(Config{Kind: kind, Issuer: issuer, Host: host, Now: func() time.Time { return l.clock }})
	l.srv.Config.Handler = l.Platform
	l.srv.Start()
	t.Cleanup(l.srv.Close)
	l.stub = newStub(t, l.Platform)
	at := l.stub.srv.URL
	l.tool = l.AddTool(Tool{Name: "Stub", LoginURL: at + "/login", LaunchURLs: []string{at + "/launch"}, KeysURL: at + "/keys"})
	l.course = l.AddCourse(Course{Title: "Introduction to Linux", Label: "LINUX"})
	l.ada = l.AddUser(User{Username: "ada", Given: "Ada", Family: "Lovelace", Email: "ada@example.test"})
	l.bob = l.AddUser(User{Username: "bob", Given: "Bob", Family: "O'Brien", Withhold: Names})
	l.tessa = l.AddUser(User{Username: "tessa", Given: "Tessa", Family: "Teacher"})
	l.Enrol(l.course.ID, l.ada.ID, "Learner")
	l.Enrol(l.course.ID, l.bob.ID, "Learner")
	l.Enrol(l.course.ID, l.tessa.ID, "Instructor")
	l.link = l.AddLink(Link{Course: l.course.ID, Title: "First steps", Points: 10, Custom: map[string]string{"tutorial": "linux/first", "who": "$User.username", "odd": "$Not.A.Variable"}})
	l.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	claims := l.claims(t, Message{User: l.ada.ID, Link: l.link.ID})
	endpoint := claims[ags+"claim/endpoint"].(map[string]any)
	l.lineItem = endpoint["lineitem"].(string)
	l.scores = scoresURL(l.lineItem)
	return l
}

// scoresURL puts /scores before the query.
func scoresURL(item string) string {
	path, query, has := strings.Cut(item, "?")
	if has {
		query = "?" + query
	}
	return path + "/scores" + query
}

// claims gives what an honest message says.
func (l *lms) claims(t *testing.T, m Message) map[string]any {
	t.Helper()
	c, err := l.Claims(m, "n")
	if err != nil {
		t.Fatal(err)
	}
	// As the tool would read them.
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var read map[string]any
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// launched gives the claims of the last launch.
func (s *stub) launched(t *testing.T) map[string]any {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := strings.Split(s.last.Get("id_token"), ".")
	if len(parts) != 3 {
		t.Fatalf("no token was posted: %v", s.last)
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var c map[string]any
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// assertion is an honest client assertion.
func (l *lms) assertion() map[string]any {
	return map[string]any{
		"iss": l.tool.ClientID, "sub": l.tool.ClientID, "aud": l.TokenURL(), "jti": randomHex(8),
		"iat": l.clock.Unix(), "exp": l.clock.Unix() + 60,
	}
}

// askToken posts to the token endpoint.
func (l *lms) askToken(t *testing.T, assertion map[string]any, scopes ...string) (status int, body map[string]any, header http.Header) {
	t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion": {l.sign(l.Platform, assertion)}, "scope": {strings.Join(scopes, " ")},
	}
	response, err := post(context.Background(), l.client, l.TokenURL(), form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body, response.Header
}

func (l *lms) token(t *testing.T) string {
	t.Helper()
	status, body, _ := l.askToken(t, l.assertion(), allScopes...)
	if status != 200 {
		t.Fatalf("token endpoint answers %d %v", status, body)
	}
	return body["access_token"].(string)
}

// call is one request to a service.
func (l *lms) call(t *testing.T, method, to, token, media, body string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, to, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if method == "GET" {
		r.Header.Set("Accept", media)
	} else if media != "" {
		r.Header.Set("Content-Type", media)
	}
	response, err := l.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}
