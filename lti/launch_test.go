package lti

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func signRS256(key *rsa.PrivateKey, text string) []byte {
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return signature
}

func TestBeginAsksThePlatform(t *testing.T) {
	s := mustScene(t)
	login, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(login.Redirect, moodlePlatform.AuthURL+"?") {
		t.Errorf("redirected to %s", login.Redirect)
	}
	if strings.ContainsAny(login.Redirect, `{" `) {
		t.Errorf("the message hint is not encoded: %s", login.Redirect)
	}
	for name, want := range map[string]string{
		"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
		"client_id": moodlePlatform.ClientID, "redirect_uri": testBase + "/lti/launch", "login_hint": "12",
		"lti_message_hint": `{"cmid":4,"launchid":"ltilaunch4_1"}`,
	} {
		if got := s.redirect.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(s.redirect.Get("nonce")) < 20 || len(s.redirect.Get("state")) < 40 {
		t.Error("nonce or state can be guessed")
	}
	line := login.Cookie.String()
	for _, part := range []string{"HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/lti/", "Max-Age=600"} {
		if !strings.Contains(line, part) {
			t.Errorf("the cookie lacks %s: %s", part, line)
		}
	}
	if login.Store != nil {
		t.Errorf("Moodle has no storage, but got %+v", login.Store)
	}
	second, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	if second.Cookie.Name == login.Cookie.Name {
		t.Error("two launches in one browser share a cookie")
	}
}

func TestBeginKeepsTheQueryOfTheAuthorisationAddress(t *testing.T) {
	s := mustScene(t)
	s.platforms[0].AuthURL += "?tenant=4"
	if _, err := s.begin(); err != nil || s.redirect.Get("tenant") != "4" || s.redirect.Get("scope") != "openid" {
		t.Errorf("parameters are %v, error %v", s.redirect, err)
	}
}

func TestParseLogin(t *testing.T) {
	form := url.Values{"iss": {"i"}, "login_hint": {"h"}, "lti_message_hint": {"m"}, "target_link_uri": {"t"}, "client_id": {"c"},
		"deployment_id": {"d"}, "lti_storage_target": {"_parent"}, "canvas_region": {"x"}}
	r := ParseLogin(form)
	want := LoginRequest{Issuer: "i", LoginHint: "h", MessageHint: "m", TargetLink: "t", ClientID: "c", Deployment: "d", Storage: "_parent"}
	if r != want {
		t.Errorf("got %+v", r)
	}
	if again := ParseLogin(r.Values()); again != want {
		t.Errorf("a second initiation is %+v", again)
	}
}

func TestMoodleLaunch(t *testing.T) {
	s := mustScene(t)
	m, err := s.play()
	if err != nil {
		t.Fatal(err)
	}
	want := &Message{
		Platform: moodlePlatform, Type: ResourceLinkRequest, Deployment: "7", TargetLink: testBase + "/lti/launch", IssuedAt: s.now,
		User:    User{Subject: "12", Name: "Ada O'Ansah", Given: "Ada", Family: "O'Ansah", Email: "ada@example.edu", Username: "s1815", SourcedID: "S-1815"},
		Roles:   []Role{"http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"},
		Context: &Context{ID: "31", Label: "OS26", Title: "Operating systems", SourcedID: "OS-2026-A"},
		Link:    &ResourceLink{ID: "4", Title: `Permissions "first part"`, Description: "<p>Who may do what</p>"},
		Custom: map[string]string{"tutorial": "linux/permissions", "context_id_hist": "", "user_username": "s1815", "price": "$5",
			"link_setting_url": "https://moodle.example.edu/mod/lti/services.php/links/{link_id}/custom"},
		Return: "https://moodle.example.edu/mod/lti/return.php?course=31&launch_container=3&instanceid=4&sesskey=Aa0",
		Target: "iframe", Locale: "en", Product: "moodle", Installation: "Example University",
		Grades: &GradeService{Scopes: []string{ScopeLineItem, ScopeLineItemReadOnly, ScopeResult, ScopeScore},
			LineItems: "https://moodle.example.edu/mod/lti/services.php/31/lineitems?type_id=7",
			LineItem:  "https://moodle.example.edu/mod/lti/services.php/31/lineitems/90/lineitem?type_id=7"},
		Roster: &RosterService{Memberships: "https://moodle.example.edu/mod/lti/services.php/CourseSection/31/bindings/7/memberships"},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
	if s.noted != 1 {
		t.Errorf("Once was called %d times", s.noted)
	}
}

func TestMoodleDeepLinkingAndReview(t *testing.T) {
	s := mustScene(t)
	s.as(t, "moodle-deep-linking", moodlePlatform)
	m, err := s.play()
	if err != nil {
		t.Fatal(err)
	}
	want := LinkingSettings{ReturnURL: "https://moodle.example.edu/mod/lti/contentitem_return.php?course=31&id=7&sesskey=Aa0",
		Types: []string{"ltiResourceLink"}, Multiple: true, LineItems: true}
	if m.Link != nil || m.Linking == nil || !reflect.DeepEqual(*m.Linking, want) || !IsInstructor(m.Roles) {
		t.Errorf("deep linking: %+v", m.Linking)
	}
	if m.User.Name != "Tomé Núñez" {
		t.Errorf("name is %q", m.User.Name)
	}
	s.as(t, "moodle-submission-review", moodlePlatform)
	if m, err = s.play(); err != nil {
		t.Fatal(err)
	}
	if m.Type != SubmissionReviewRequest || m.ForUser == nil || m.ForUser.Subject != "12" || m.Link.ID != "4" {
		t.Errorf("review: %+v of %+v", m, m.ForUser)
	}
}

func TestCanvasLaunch(t *testing.T) {
	s := mustScene(t)
	s.as(t, "canvas-resource-link", canvasPlatform)
	login, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	if login.Store == nil || login.Store.Origin != "https://sso.canvaslms.com" || login.Store.Target != "post_message_forwarding" || login.Store.Value == "" {
		t.Fatalf("to be stored: %+v", login.Store)
	}
	m, err := s.play()
	if err != nil {
		t.Fatal(err)
	}
	if m.User.PlatformID != "4711" || m.User.Username != "chen.wei" || m.User.SourcedID != "" || m.Context.SourcedID != "SIS-OS-26" {
		t.Errorf("user %+v, context %+v", m.User, m.Context)
	}
	if want := map[string]string{"canvas_user_id": "4711", "canvas_login_id": "chen.wei", "embedded": "true"}; !reflect.DeepEqual(m.Custom, want) {
		t.Errorf("custom parameters are %v", m.Custom)
	}
	if !IsLearner(m.Roles) || m.Storage != "post_message_forwarding" || !strings.Contains(m.TargetLink, "tutorial=linux%2Fpermissions") {
		t.Errorf("got %+v", m)
	}
}

func TestTeacherCannotNameUsersInALink(t *testing.T) {
	s := mustScene(t)
	s.in(claimLTI + "custom")["canvas_user_id"] = "1"
	s.in(claimLTI + "custom")["canvas_login_id"] = "rector"
	delete(s.claims, claimLTI+"ext")
	m, err := s.play()
	if err != nil {
		t.Fatal(err)
	}
	if m.User.PlatformID != "" || m.User.Username != "" {
		t.Errorf("a Moodle's link said who the user is: %+v", m.User)
	}
}

func TestDataPrivacyLaunch(t *testing.T) {
	for _, name := range []string{"DataPrivacyLaunchRequest", "LtiDataPrivacyLaunchRequest"} {
		s := mustScene(t)
		for _, claim := range []string{"resource_link", "context", "target_link_uri", "ext"} {
			delete(s.claims, claimLTI+claim)
		}
		s.claims[claimLTI+"message_type"] = name
		s.claims[claimLTI+"for_user"] = map[string]any{"id": "99", "name": "Jude"}
		m, err := s.play()
		if err != nil {
			t.Fatal(err)
		}
		if m.Type != DataPrivacyRequest || m.ForUser.Subject != "99" || m.Context != nil || m.TargetLink != testBase+LaunchPath {
			t.Errorf("got %+v", m)
		}
	}
}

func TestMessagesSurviveJSON(t *testing.T) {
	for file, p := range map[string]Platform{"moodle-resource-link": moodlePlatform, "moodle-deep-linking": moodlePlatform,
		"moodle-submission-review": moodlePlatform, "canvas-resource-link": canvasPlatform} {
		s := mustScene(t)
		s.as(t, file, p)
		m, err := s.play()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var again Message
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*m, again) {
			t.Errorf("%s: got %+v\nwant %+v", file, again, *m)
		}
	}
}

func TestPlatformStorageInsteadOfCookies(t *testing.T) {
	s := mustScene(t)
	s.as(t, "canvas-resource-link", canvasPlatform)
	s.request = func(r *LaunchRequest) { r.Cookies = nil }
	var stored Stored
	s.between = func() {} // the page puts stored.Value into the platform's storage
	_, err := s.play()
	need, ok := errors.AsType[*NeedStorage](err)
	if !ok {
		t.Fatalf("got %v, want to be asked for the storage", err)
	}
	stored = need.Stored
	if stored.Value != "" || stored.Origin != "https://sso.canvaslms.com" || stored.Key == "" || stored.Target == "" || need.Platform != 6 {
		t.Errorf("asked for %+v of %d", stored, need.Platform)
	}
	if s.noted != 0 {
		t.Fatal("the launch was noted before it was proved")
	}
	login, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	launch := s.last
	launch.State, launch.Stored, launch.SameOrigin = s.redirect.Get("state"), login.Store.Value, true
	claims, _ := json.Marshal(s.timed())
	launch.IDToken = signToken(s.key, s.header, claims)
	if _, err := s.tool.Launch(context.Background(), launch); err != nil {
		t.Error(err)
	}
	_, err = s.tool.Launch(context.Background(), launch)
	refused(t, s, err, ReasonReplayed)
}

// timed are the claims for the last login.
func (s *scene) timed() map[string]any {
	claims := map[string]any{}
	for name, value := range s.claims {
		claims[name] = value
	}
	claims["nonce"], claims["iat"], claims["exp"] = s.redirect.Get("nonce"), s.now.Unix(), s.now.Unix()+60
	return claims
}

func TestLaunchIsUsedOnce(t *testing.T) {
	s := mustScene(t)
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	_, err := s.tool.Launch(context.Background(), s.last)
	refused(t, s, err, ReasonReplayed)
}

func TestClocksMayDifferALittle(t *testing.T) {
	for _, ahead := range []time.Duration{-Skew + time.Second, Skew - time.Second} {
		s := mustScene(t)
		s.claims["iat"], s.claims["exp"] = s.now.Add(ahead).Unix(), s.now.Add(ahead+time.Minute).Unix()
		if _, err := s.play(); err != nil {
			t.Errorf("a clock %s ahead: %v", ahead, err)
		}
	}
}

func TestSeveralRegistrationsOfOneIssuer(t *testing.T) {
	second := moodlePlatform
	second.ID, second.ClientID, second.Deployments = 8, "second", []string{"9"}
	s := mustScene(t)
	s.platforms = append(s.platforms, second)
	s.login.ClientID, s.login.Deployment = second.ClientID, ""
	s.claims["aud"], s.claims[claimLTI+"deployment_id"] = []string{"second"}, "9"
	m, err := s.play()
	if err != nil || m.Platform.ID != 8 {
		t.Fatalf("by client id: %v, %v", m, err)
	}
	s.login.ClientID, s.login.Deployment = "", "9"
	if m, err = s.play(); err != nil || m.Platform.ID != 8 {
		t.Fatalf("by deployment: %v, %v", m, err)
	}
	s.login.Deployment = ""
	_, err = s.play()
	refused(t, s, err, ReasonPlatformAmbiguous)
}

func TestAudienceLists(t *testing.T) {
	s := mustScene(t)
	s.claims["aud"], s.claims["azp"] = []string{"another", moodlePlatform.ClientID}, moodlePlatform.ClientID
	if _, err := s.play(); err != nil {
		t.Error(err)
	}
}

func TestForget(t *testing.T) {
	s := mustScene(t)
	login, err := s.begin()
	if err != nil {
		t.Fatal(err)
	}
	gone := s.tool.Forget(s.redirect.Get("state"))
	if gone.Name != login.Cookie.Name || gone.MaxAge >= 0 || gone.Path != login.Cookie.Path || !gone.Partitioned {
		t.Errorf("got %s", gone)
	}
	if s.tool.Forget("no state") != nil {
		t.Error("a stranger's state names a cookie")
	}
}

func TestKeyRotationOfAPlatform(t *testing.T) {
	s := mustScene(t)
	if _, err := s.play(); err != nil {
		t.Fatal(err)
	}
	// The platform changes its key without notice.
	s.keySet = serveKeys(jose.JSONWebKey{Key: &platformKey2().PublicKey, KeyID: "two", Algorithm: "RS256", Use: "sig"})
	s.key, s.header["kid"] = platformKey2(), "two"
	s.now = s.now.Add(2 * time.Minute)
	if _, err := s.play(); err != nil {
		t.Fatalf("a new key under a new name: %v", err)
	}
	// And once more, under the same name.
	s.keySet = serveKeys(jose.JSONWebKey{Key: &platformKey1().PublicKey, KeyID: "two"})
	s.key, s.now = platformKey1(), s.now.Add(2*time.Minute)
	if _, err := s.play(); err != nil {
		t.Fatalf("a new key under the old name: %v", err)
	}
	if s.keyAsked != 3 {
		t.Errorf("the platform was asked %d times", s.keyAsked)
	}
}

func TestTokenWithoutKid(t *testing.T) {
	s := mustScene(t)
	delete(s.header, "kid")
	s.keySet = serveKeys(jose.JSONWebKey{Key: &platformKey2().PublicKey, KeyID: "one"}, jose.JSONWebKey{Key: &platformKey1().PublicKey, KeyID: "one"})
	if _, err := s.play(); err != nil {
		t.Error(err)
	}
	s.header["kid"] = "one" // two keys of the same name
	if _, err := s.play(); err != nil {
		t.Error(err)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	s := mustScene(t)
	s.claims["name"] = "Ann\x00\x1b[31m " + strings.Repeat("é", 5000)
	s.claims["email"] = 7
	m, err := s.play()
	if err != nil {
		t.Fatal(err)
	}
	if n := len([]rune(m.User.Name)); n != longestLabel || strings.ContainsAny(m.User.Name, "\x00\x1b") || m.User.Email != "" {
		t.Errorf("name of %d characters, email %q", n, m.User.Email)
	}
}

func TestRefusalsThatHeal(t *testing.T) {
	s := mustScene(t)
	s.keySet = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	_, err := s.play()
	if refusal, _ := errors.AsType[*Refusal](err); refusal == nil || !refusal.Temporary() || refusal.Platform != 5 {
		t.Errorf("got %v", err)
	}
	s.login.Issuer = "https://nobody.example"
	_, err = s.play()
	if refusal, _ := errors.AsType[*Refusal](err); refusal == nil || refusal.Temporary() || refusal.Reason != ReasonPlatformUnknown {
		t.Errorf("got %v", err)
	}
}
