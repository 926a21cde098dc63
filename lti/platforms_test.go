package lti_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/lti/ltitest"
)

// toolServer is as little of a server as the tool needs. It answers launches
// with the message as JSON.
type toolServer struct {
	*lti.Tool
	srv  *httptest.Server
	keys []lti.Key

	mu        sync.Mutex
	platforms []lti.Platform
	used      map[string]bool
}

func newToolServer(t *testing.T) *toolServer {
	t.Helper()
	s := &toolServer{used: map[string]bool{}}
	s.keys, _ = lti.Rotate(nil, time.Now())
	mux := http.NewServeMux()
	s.srv = httptest.NewServer(mux)
	t.Cleanup(s.srv.Close)
	base, err := url.Parse(s.srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.Tool = &lti.Tool{Endpoints: lti.Endpoints{Base: base}, Platforms: s.find, Once: s.once,
		Secret: []byte(strings.Repeat("s", 32)), KeySets: &lti.KeySets{}}
	mux.HandleFunc(lti.KeysPath, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(lti.JWKS(s.keys)) })
	mux.HandleFunc(lti.LoginPath, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		login, err := s.Begin(r.Context(), lti.ParseLogin(r.Form))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.SetCookie(w, login.Cookie)
		http.Redirect(w, r, login.Redirect, http.StatusFound)
	})
	mux.HandleFunc(lti.LaunchPath, func(w http.ResponseWriter, r *http.Request) {
		m, err := s.Launch(r.Context(), lti.LaunchRequest{IDToken: r.FormValue("id_token"), State: r.FormValue("state"),
			Error: r.FormValue("error"), ErrorDescription: r.FormValue("error_description"), Cookies: r.Cookies()})
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(m)
	})
	return s
}

func (s *toolServer) find(_ context.Context, issuer, client string) (found []lti.Platform, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.platforms {
		if p.Issuer == issuer && (client == "" || p.ClientID == client) {
			found = append(found, p)
		}
	}
	return found, nil
}

func (s *toolServer) once(_ context.Context, id string, _ time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.used[id]
	s.used[id] = true
	return first, nil
}

// school is a pretend platform with a teacher and a student, at which the tool
// has registered itself.
type school struct {
	*ltitest.Platform
	tool       *toolServer
	course     ltitest.Course
	tessa, ada ltitest.User
	client     string
}

func newSchool(t *testing.T, kind ltitest.Kind) *school {
	t.Helper()
	s := &school{tool: newToolServer(t)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	config := ltitest.Config{Kind: kind, Issuer: srv.URL}
	if kind == ltitest.Canvas {
		config.Issuer, config.Host = "https://canvas.test", srv.URL
	}
	s.Platform = ltitest.New(config)
	s.course = s.AddCourse(ltitest.Course{Title: "Introduction to Linux"})
	s.tessa, s.ada = s.AddUser(ltitest.User{Given: "Tessa", Family: "Teacher"}), s.AddUser(ltitest.User{Given: "Ada", Family: "Ansah"})
	s.Enrol(s.course.ID, s.tessa.ID, "Instructor")
	s.Enrol(s.course.ID, s.ada.ID, "Learner")

	at, err := s.RegistrationURL(s.tool.Endpoints.At(lti.RegisterPath))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	done, err := lti.Register(t.Context(), nil, s.tool.Endpoints, lti.RegistrationRequest{
		ConfigURL: u.Query().Get("openid_configuration"), Token: u.Query().Get("registration_token"), Name: "Labmark", Description: "Labs"})
	if err != nil {
		t.Fatal(err)
	}
	if !done.Pending {
		t.Error("the registration does not say that it has to be activated")
	}
	p := done.Platform
	p.ID = 1
	s.tool.platforms, s.client = []lti.Platform{p}, p.ClientID
	if err := s.Activate(s.client); err != nil {
		t.Fatal(err)
	}
	return s
}

// launch walks a launch with a browser's cookies and reads what the tool saw.
func (s *school) launch(t *testing.T, m ltitest.Message) (lti.Message, int, string) {
	t.Helper()
	answer, err := s.Launch(t.Context(), &http.Client{Jar: ltitest.NewJar()}, m)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var seen lti.Message
	_ = json.Unmarshal(text, &seen)
	return seen, answer.StatusCode, string(text)
}

// TestWithPretendPlatforms registers, picks two tutorials, launches one and
// reviews it, at both kinds of platforms.
func TestWithPretendPlatforms(t *testing.T) {
	for _, kind := range []ltitest.Kind{ltitest.Moodle, ltitest.Canvas} {
		t.Run(string(kind), func(t *testing.T) {
			s := newSchool(t, kind)
			m, status, text := s.launch(t, ltitest.Message{Type: ltitest.DeepLinking, User: s.tessa.ID, Course: s.course.ID, Client: s.client})
			if status != http.StatusOK || m.Linking == nil {
				t.Fatalf("deep linking: %d %s", status, text)
			}
			s.pick(t, m)
			links := s.Links(s.course.ID)
			if len(links) != 2 || links[1].Custom["tutorial"] != "linux/b" || links[1].Points != 7 {
				t.Fatalf("links are %+v", links)
			}
			m, status, text = s.launch(t, ltitest.Message{User: s.ada.ID, Link: links[1].ID})
			if status != http.StatusOK || m.User.Subject != s.ada.ID || m.Link.ID != links[1].ID || m.Custom["tutorial"] != "linux/b" || !lti.IsLearner(m.Roles) || m.Grades == nil || m.Grades.LineItem == "" {
				t.Fatalf("launch: %d %s", status, text)
			}
			if kind == ltitest.Canvas && (m.User.PlatformID == "" || m.Storage == "") {
				t.Errorf("Canvas told no user id or storage: %s", text)
			}
			m, status, text = s.launch(t, ltitest.Message{Type: ltitest.SubmissionReview, User: s.tessa.ID, Link: links[1].ID, ForUser: s.ada.ID})
			if status != http.StatusOK || m.ForUser == nil || m.ForUser.Subject != s.ada.ID {
				t.Fatalf("review: %d %s", status, text)
			}
			m, status, text = s.launch(t, ltitest.Message{Type: ltitest.DataPrivacy, User: s.tessa.ID, Course: s.course.ID, Client: s.client, ForUser: s.ada.ID})
			if status != http.StatusOK || m.Type != lti.DataPrivacyRequest {
				t.Fatalf("data privacy: %d %s", status, text)
			}
		})
	}
}

// pick answers a deep linking request with two tutorials.
func (s *school) pick(t *testing.T, m lti.Message) {
	t.Helper()
	var items []lti.ContentItem
	for _, name := range []string{"a", "b"} {
		items = append(items, lti.ContentItem{Title: "Tutorial " + name, URL: s.tool.Endpoints.At(lti.LaunchPath),
			Custom: map[string]string{"tutorial": "linux/" + name}, LineItem: &lti.ContentLineItem{Label: "Tutorial " + name, ScoreMaximum: 7, Review: true}})
	}
	token, err := lti.LinkingResponse(lti.Signing(s.tool.keys, time.Now()), &m, items, "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.PostForm(m.Linking.ReturnURL, url.Values{"JWT": {token}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("the platform refuses the choice: %d %s", answer.StatusCode, text)
	}
}

// TestPretendPlatformsThatMisbehave has the platform's own faults refused by
// their names.
func TestPretendPlatformsThatMisbehave(t *testing.T) {
	s := newSchool(t, ltitest.Moodle)
	link := s.AddLink(ltitest.Link{Course: s.course.ID, Client: s.client, Title: "Lab", Points: 10})
	for _, fault := range []struct {
		want   lti.Reason
		faults ltitest.Faults
	}{
		{lti.ReasonKeysEmpty, ltitest.Faults{KeySet: ltitest.EmptyKeys}},
		{lti.ReasonKeysMalformed, ltitest.Faults{KeySet: ltitest.GarbageKeys}},
		{lti.ReasonKeysTooLarge, ltitest.Faults{KeySet: ltitest.HugeKeys}},
		{lti.ReasonKeysRedirect, ltitest.Faults{KeySet: ltitest.LoopingKeys}},
		{lti.ReasonKeysUnreachable, ltitest.Faults{KeySet: ltitest.MissingKeys}},
		{lti.ReasonKeyUnknown, ltitest.Faults{KeySet: ltitest.WrongKid}},
		{lti.ReasonTokenFuture, ltitest.Faults{Clock: 6 * time.Minute}},
		{lti.ReasonTokenExpired, ltitest.Faults{Clock: -7 * time.Minute}},
		{lti.ReasonLoginRequired, ltitest.Faults{LoginRequired: true}},
	} {
		s.tool.KeySets = &lti.KeySets{}
		s.SetFaults(fault.faults)
		_, status, text := s.launch(t, ltitest.Message{User: s.ada.ID, Link: link.ID})
		if status != http.StatusForbidden || !strings.Contains(text, string(fault.want)) {
			t.Errorf("want %s, got %d %s", fault.want, status, text)
		}
	}
	for _, clock := range []time.Duration{-4 * time.Minute, 4 * time.Minute} {
		s.SetFaults(ltitest.Faults{Clock: clock})
		if _, status, text := s.launch(t, ltitest.Message{User: s.ada.ID, Link: link.ID}); status != http.StatusOK {
			t.Errorf("a clock %s off: %d %s", clock, status, text)
		}
	}
	s.SetFaults(ltitest.Faults{})
	s.LoseKey()
	if _, status, text := s.launch(t, ltitest.Message{User: s.ada.ID, Link: link.ID}); !strings.Contains(text, string(lti.ReasonSignature)) {
		t.Errorf("a lost key: %d %s", status, text)
	}
}

func TestCanvasReadsOurConfiguration(t *testing.T) {
	p := ltitest.New(ltitest.Config{Kind: ltitest.Canvas, Issuer: "https://canvas.test", Host: "http://127.0.0.1:1"})
	base, _ := url.Parse("https://labmark.example.edu")
	tool, err := p.AddCanvasJSON(lti.CanvasConfiguration(lti.Endpoints{Base: base}, "Labmark", "Labs that mark themselves"))
	if err != nil || tool.LoginURL != "https://labmark.example.edu/lti/login" || tool.Custom["canvas_user_id"] == "" {
		t.Errorf("%+v, %v", tool, err)
	}
}

func TestRegistrationAtAPretendPlatformThatIsDown(t *testing.T) {
	s := newSchool(t, ltitest.Moodle)
	s.SetFaults(ltitest.Faults{Down: true})
	_, err := lti.Register(t.Context(), nil, s.tool.Endpoints, lti.RegistrationRequest{ConfigURL: s.ConfigURL(), Name: "Labmark"})
	if refusal, ok := errors.AsType[*lti.Refusal](err); !ok || refusal.Reason != lti.ReasonRegistrationDenied {
		t.Errorf("got %v", err)
	}
}
