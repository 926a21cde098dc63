package lti

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys for all tests, since they take long to make.
var (
	platformKey1 = testKey(2048)
	platformKey2 = testKey(2048)
	smallKey     = testKey(1024)
	toolKey      = sync.OnceValue(func() Key {
		private := platformKey2()
		return Key{ID: thumbprint(&private.PublicKey), Private: private}
	})
)

func testKey(bits int) func() *rsa.PrivateKey {
	return sync.OnceValue(func() *rsa.PrivateKey {
		if bits < 1024 {
			panic("too small to be made")
		}
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	})
}

// inside answers requests without a network.
type inside http.HandlerFunc

func (h inside) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	h(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	response := recorder.Result()
	response.Request = r
	return response, nil
}

// scene is one login and launch, whose every part a test may spoil before it
// is played.
type scene struct {
	tool      *Tool
	now       time.Time
	platforms []Platform
	keySet    http.HandlerFunc // the platform's answer for its keys
	keyAsked  int
	used      map[string]bool
	noted     int // how often Once was called

	login    LoginRequest
	between  func()               // after the login, before the launch
	claims   map[string]any       // nonce and times are set when it is played, if they are ""
	header   map[string]any       // of the token; kid and alg
	key      *rsa.PrivateKey      // that signs
	token    func(string) string  // spoils the finished token
	request  func(*LaunchRequest) // spoils the finished launch
	last     LaunchRequest        // what was launched
	redirect url.Values           // parameters of the authorisation request
}

const testBase = "https://labmark.example.edu"

var moodlePlatform = Platform{
	ID: 5, Name: "Example University", Issuer: "https://moodle.example.edu", ClientID: "Zk3vQm81LbTr0Xy",
	AuthURL: "https://moodle.example.edu/mod/lti/auth.php", TokenURL: "https://moodle.example.edu/mod/lti/token.php",
	KeysURL: "https://moodle.example.edu/mod/lti/certs.php", Deployments: []string{"7"}, Product: "moodle",
}

var canvasPlatform = Platform{
	ID: 6, Name: "Canvas", Issuer: "https://canvas.instructure.com", ClientID: "10000000000077",
	AuthURL: "https://sso.canvaslms.com/api/lti/authorize_redirect", TokenURL: "https://sso.canvaslms.com/login/oauth2/token",
	KeysURL: "https://sso.canvaslms.com/api/lti/security/jwks", Deployments: []string{AnyDeployment}, Product: "canvas",
}

// mustScene is a Moodle's resource link, all in order.
func mustScene(tb testing.TB) *scene {
	tb.Helper()
	s := &scene{
		now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), platforms: []Platform{moodlePlatform, canvasPlatform},
		used: map[string]bool{}, header: map[string]any{"alg": "RS256", "kid": "one", "typ": "JWT"}, key: platformKey1(),
	}
	s.keySet = serveKeys(jose.JSONWebKey{Key: &platformKey1().PublicKey, KeyID: "one", Algorithm: "RS256", Use: "sig"})
	base, _ := url.Parse(testBase)
	s.tool = &Tool{
		Endpoints: Endpoints{Base: base}, Platforms: s.find, Once: s.once, Secret: []byte("0123456789abcdef0123456789abcdef"),
		Now: func() time.Time { return s.now },
	}
	s.tool.KeySets = &KeySets{Now: s.tool.Now, HTTP: &http.Client{Transport: inside(func(w http.ResponseWriter, r *http.Request) {
		s.keyAsked++
		s.keySet(w, r)
	})}}
	s.as(tb, "moodle-resource-link", moodlePlatform)
	return s
}

// as makes it the launch of a file in testdata.
func (s *scene) as(tb testing.TB, file string, p Platform) {
	tb.Helper()
	text, err := os.ReadFile("testdata/" + file + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	s.claims = map[string]any{}
	if err := json.Unmarshal(text, &s.claims); err != nil {
		tb.Fatal(err)
	}
	s.claims["iat"], s.claims["exp"] = "", ""
	s.login = LoginRequest{
		Issuer: p.Issuer, ClientID: p.ClientID, LoginHint: "12", MessageHint: `{"cmid":4,"launchid":"ltilaunch4_1"}`,
		TargetLink: testBase + "/lti/launch", Deployment: s.claims[claimLTI+"deployment_id"].(string),
	}
	if p.Product == "canvas" {
		s.login.Storage = "post_message_forwarding"
	}
}

func (s *scene) find(_ context.Context, issuer, client string) (found []Platform, _ error) {
	for _, p := range s.platforms {
		if p.Issuer == issuer && (client == "" || p.ClientID == client) {
			found = append(found, p)
		}
	}
	return found, nil
}

func (s *scene) once(_ context.Context, id string, _ time.Time) (bool, error) {
	s.noted++
	first := !s.used[id]
	s.used[id] = true
	return first, nil
}

func serveKeys(keys ...jose.JSONWebKey) http.HandlerFunc {
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		panic(err)
	}
	return serve(string(text))
}

func serve(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

// in is a claim that is an object.
func (s *scene) in(name string) map[string]any { return s.claims[name].(map[string]any) }

// begin plays the login only.
func (s *scene) begin() (Login, error) {
	login, err := s.tool.Begin(context.Background(), s.login)
	if err != nil {
		return login, err
	}
	u, err := url.Parse(login.Redirect)
	if err != nil {
		return login, err
	}
	s.redirect = u.Query()
	return login, nil
}

// play plays login and launch.
func (s *scene) play() (*Message, error) {
	login, err := s.begin()
	if err != nil {
		return nil, err
	}
	if s.between != nil {
		s.between()
	}
	claims := maps.Clone(s.claims)
	if nonce, ok := claims["nonce"].(string); ok && nonce == "" {
		claims["nonce"] = s.redirect.Get("nonce")
	}
	if claims["iat"] == "" {
		claims["iat"] = s.now.Unix()
	}
	if claims["exp"] == "" {
		claims["exp"] = s.now.Unix() + 60
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	token := signToken(s.key, s.header, payload)
	if s.token != nil {
		token = s.token(token)
	}
	s.last = LaunchRequest{IDToken: token, State: s.redirect.Get("state"), Cookies: []*http.Cookie{{Name: "other", Value: "1"}, login.Cookie}}
	if s.request != nil {
		s.request(&s.last)
	}
	return s.tool.Launch(context.Background(), s.last)
}

// signToken signs whatever header it is given.
func signToken(key *rsa.PrivateKey, header map[string]any, payload []byte) string {
	head, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	text := unpadded.EncodeToString(head) + "." + unpadded.EncodeToString(payload)
	return text + "." + unpadded.EncodeToString(signRS256(key, text))
}

// refused checks that an error is a refusal that helps: with a reason, words
// for the person, and nothing secret.
func refused(t *testing.T, s *scene, err error, want Reason) {
	t.Helper()
	refusal, ok := errors.AsType[*Refusal](err)
	if !ok {
		t.Fatalf("got error %v, want a refusal for %s", err, want)
	}
	if refusal.Reason != want {
		t.Fatalf("refused for %s, want %s: %v", refusal.Reason, want, err)
	}
	if refusal.Person == "" || refusal.Mend == "" {
		t.Errorf("%s says nothing to the person", want)
	}
	if s == nil {
		return
	}
	secrets := []string{s.last.IDToken, s.last.State, s.redirect.Get("nonce")}
	for _, secret := range slices.DeleteFunc(secrets, func(x string) bool { return len(x) < 20 }) {
		if strings.Contains(refusal.Error()+refusal.Person+refusal.Mend, secret) {
			t.Errorf("%s tells a secret: %v", want, refusal)
		}
	}
	if strings.ContainsAny(refusal.Detail, "\n\x00") {
		t.Errorf("the detail breaks the log's line: %q", refusal.Detail)
	}
}
