package lti

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// registrar is a platform at which one can register.
type registrar struct {
	host     string // of its configuration
	config   map[string]any
	answer   string
	status   int
	get      http.HandlerFunc // instead of the configuration
	post     http.HandlerFunc // instead of the answer
	received map[string]any
	tokens   []string // Authorization headers
}

func moodleRegistrar() *registrar {
	base := "https://moodle.example.edu/mod/lti/"
	return &registrar{
		host: "https://moodle.example.edu", status: 200,
		config: map[string]any{
			"issuer": "https://moodle.example.edu", "token_endpoint": base + "token.php", "jwks_uri": base + "certs.php",
			"authorization_endpoint": base + "auth.php", "registration_endpoint": base + "openid-registration.php",
			"scopes_supported":                      append(slices.Clone(Scopes), "https://purl.imsglobal.org/spec/lti-ts/scope/toolsetting", "openid"),
			"id_token_signing_alg_values_supported": []string{"RS256"},
			claimConfiguration: map[string]any{"product_family_code": "moodle", "version": "5.1", "messages_supported": []map[string]any{
				{"type": "LtiResourceLinkRequest"}, {"type": "LtiDeepLinkingRequest", "placements": []string{"ContentArea"}}}},
		},
		answer: `{"client_id":"ma3pvhYcG9qDuhP","scope":"` + strings.Join(Scopes, " ") + ` https://example.org/more",
			"` + claimToolConfig + `":{"version":"1.3.0","deployment_id":"2","domain":"labmark.example.edu"}}`,
	}
}

func canvasRegistrar() *registrar {
	r := moodleRegistrar()
	r.host, r.status = "https://school.instructure.com", 201
	sso := "https://sso.canvaslms.com/"
	r.config = map[string]any{
		"issuer": "https://canvas.instructure.com", "authorization_endpoint": sso + "api/lti/authorize_redirect",
		"token_endpoint": sso + "login/oauth2/token", "jwks_uri": sso + "api/lti/security/jwks",
		"registration_endpoint": "https://school.instructure.com/api/lti/registrations", "authorization_server": "sso.canvaslms.com",
		"scopes_supported": []string{ScopeLineItem, ScopeResult, ScopeScore, ScopeRoster},
		claimConfiguration: map[string]any{"product_family_code": "canvas", "https://canvas.instructure.com/lti/account_name": "Test University",
			"messages_supported": []map[string]any{{"type": "LtiResourceLinkRequest", "placements": []string{"course_navigation"}},
				{"type": "LtiDeepLinkingRequest", "placements": []string{"assignment_selection", "editor_button", "link_selection"}}}},
	}
	r.answer = `{"client_id":"10000000000001","application_type":"web"}`
	return r
}

func (r *registrar) serve(w http.ResponseWriter, request *http.Request) {
	r.tokens = append(r.tokens, request.Header.Get("Authorization"))
	if request.Header.Get("Authorization") != "Bearer secret-permission" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch {
	case request.Method == http.MethodPost && r.post != nil:
		r.post(w, request)
	case request.Method == http.MethodPost:
		body, _ := io.ReadAll(request.Body)
		_ = json.Unmarshal(body, &r.received)
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.answer)
	case r.get != nil:
		r.get(w, request)
	default:
		_ = json.NewEncoder(w).Encode(r.config)
	}
}

func (r *registrar) register() (*Registration, error) {
	base, _ := url.Parse(testBase)
	return Register(context.Background(), &http.Client{Transport: inside(r.serve)}, Endpoints{Base: base}, RegistrationRequest{
		ConfigURL: r.host + "/openid-configuration", Token: "secret-permission", Name: "Labmark", Description: "Labs that mark themselves"})
}

func TestRegisterAtMoodle(t *testing.T) {
	r := moodleRegistrar()
	done, err := r.register()
	if err != nil {
		t.Fatal(err)
	}
	want := Platform{Name: "moodle.example.edu", Issuer: "https://moodle.example.edu", ClientID: "ma3pvhYcG9qDuhP", Product: "moodle",
		AuthURL: "https://moodle.example.edu/mod/lti/auth.php", TokenURL: "https://moodle.example.edu/mod/lti/token.php",
		KeysURL: "https://moodle.example.edu/mod/lti/certs.php", Deployments: []string{"2"}}
	if !reflect.DeepEqual(done.Platform, want) || !done.Pending || len(done.Missing) > 0 {
		t.Errorf("got %+v", done)
	}
	tool := r.received[claimToolConfig].(map[string]any)
	if tool["domain"] != "labmark.example.edu" || tool["target_link_uri"] != testBase+LaunchPath || tool["custom_parameters"] != nil {
		t.Errorf("asked for %v", tool)
	}
	if got := messagesOf(tool); !reflect.DeepEqual(got, map[string]string{"LtiResourceLinkRequest": "", "LtiDeepLinkingRequest": "ContentArea"}) {
		t.Errorf("messages are %v", got)
	}
	for name, want := range map[string]any{"initiate_login_uri": testBase + LoginPath, "jwks_uri": testBase + KeysPath,
		"token_endpoint_auth_method": "private_key_jwt", "application_type": "web", "scope": strings.Join(Scopes, " ")} {
		if r.received[name] != want {
			t.Errorf("%s is %v", name, r.received[name])
		}
	}
}

func TestRegisterAtCanvas(t *testing.T) {
	r := canvasRegistrar()
	done, err := r.register()
	if err != nil {
		t.Fatal(err)
	}
	p := done.Platform
	if p.ClientID != "10000000000001" || p.Name != "Test University" || p.Audience != "" || !slices.Equal(p.Deployments, []string{AnyDeployment}) || len(done.Missing) > 0 {
		t.Errorf("got %+v", done)
	}
	if len(r.tokens) != 2 {
		t.Errorf("the permission was shown %d times", len(r.tokens))
	}
	tool := r.received[claimToolConfig].(map[string]any)
	if got := messagesOf(tool); !reflect.DeepEqual(got, map[string]string{"LtiDeepLinkingRequest": "assignment_selection link_selection"}) {
		t.Errorf("messages are %v", got)
	}
	if tool["custom_parameters"].(map[string]any)["canvas_user_id"] != "$Canvas.user.id" {
		t.Errorf("custom parameters are %v", tool["custom_parameters"])
	}
	if scope := r.received["scope"].(string); strings.Contains(scope, ScopeLineItemReadOnly) {
		t.Errorf("asked for a scope that Canvas does not know: %s", scope)
	}
}

func TestCanvasMayWriteItsPlacementsInFull(t *testing.T) {
	r := canvasRegistrar()
	r.config[claimConfiguration].(map[string]any)["messages_supported"] = []map[string]any{{"type": "LtiDeepLinkingRequest",
		"placements": []string{canvasExtension + "editor_button", canvasExtension + "link_selection", "ContentArea"}}}
	if _, err := r.register(); err != nil {
		t.Fatal(err)
	}
	if got := messagesOf(r.received[claimToolConfig].(map[string]any)); got["LtiDeepLinkingRequest"] != canvasExtension+"link_selection" {
		t.Errorf("messages are %v", got)
	}
}

func messagesOf(tool map[string]any) map[string]string {
	found := map[string]string{}
	for _, one := range tool["messages"].([]any) {
		message := one.(map[string]any)
		var placements []string
		if list, ok := message["placements"].([]any); ok {
			for _, p := range list {
				placements = append(placements, p.(string))
			}
		}
		found[message["type"].(string)] = strings.Join(placements, " ")
	}
	return found
}

func TestRegistrationTellsWhatIsMissing(t *testing.T) {
	r := moodleRegistrar()
	r.answer = `{"client_id":"x","scope":"` + ScopeScore + `"}`
	done, err := r.register()
	if err != nil || len(done.Missing) != len(Scopes)-1 || slices.Contains(done.Missing, ScopeScore) {
		t.Errorf("missing are %v, error %v", done, err)
	}
}

func TestRegistrationOffersReviewAndPrivacy(t *testing.T) {
	r := moodleRegistrar()
	r.config[claimConfiguration].(map[string]any)["messages_supported"] = []map[string]any{{"type": "LtiResourceLinkRequest"},
		{"type": "LtiDeepLinkingRequest"}, {"type": "LtiSubmissionReviewRequest"}, {"type": "LtiDataPrivacyLaunchRequest"}, {"type": "LtiStartProctoring"}}
	if _, err := r.register(); err != nil {
		t.Fatal(err)
	}
	got := messagesOf(r.received[claimToolConfig].(map[string]any))
	if len(got) != 4 {
		t.Errorf("messages are %v", got)
	}
	if _, ok := got["LtiDataPrivacyLaunchRequest"]; !ok {
		t.Errorf("messages are %v", got)
	}
}

var hostileRegistrations = []struct {
	name  string
	want  Reason
	spoil func(*registrar)
}{
	{"without TLS", ReasonRegistrationAddress, func(r *registrar) { r.host = "http://moodle.example.edu" }},
	{"a file", ReasonRegistrationAddress, func(r *registrar) { r.host = "file:///etc" }},
	{"the cloud's own address", ReasonRegistrationAddress, func(r *registrar) { r.host = "https://169.254.169.254" }},
	{"with a password", ReasonRegistrationAddress, func(r *registrar) { r.host = "https://a:b@moodle.example.edu" }},
	{"permission run out", ReasonRegistrationDenied, func(r *registrar) {
		r.get = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }
	}},
	{"moved to another host", ReasonRegistrationRedirect, func(r *registrar) { r.get = moved("https://evil.example/") }},
	{"moved in circles", ReasonRegistrationRedirect, func(r *registrar) {
		r.get = func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/x"+q.URL.Path, http.StatusFound) }
	}},
	{"moved to this machine", ReasonRegistrationRedirect, func(r *registrar) { r.get = moved("http://localhost:22/") }},
	{"registration moved elsewhere", ReasonRegistrationRedirect, func(r *registrar) {
		r.post = func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/other" {
				_, _ = io.WriteString(w, r.answer)
				return
			}
			http.Redirect(w, q, "/other", http.StatusTemporaryRedirect)
		}
	}},
	{"endless configuration", ReasonRegistrationTooLarge, func(r *registrar) { r.get = serve(strings.Repeat(" ", 2<<20)) }},
	{"endless answer", ReasonRegistrationTooLarge, func(r *registrar) { r.post = serve(strings.Repeat(" ", 2<<20)) }},
	{"a page instead", ReasonRegistrationMalformed, func(r *registrar) { r.get = serve("<html>") }},
	{"nested without end", ReasonRegistrationMalformed, func(r *registrar) { r.get = serve(strings.Repeat("[", 9000)) }},
	{"answer is a page", ReasonRegistrationMalformed, func(r *registrar) { r.answer = "<html>" }},
	{"issuer of another host", ReasonRegistrationIssuer, func(r *registrar) { r.config["issuer"] = "https://moodle.other.edu" }},
	{"issuer missing", ReasonRegistrationIssuer, func(r *registrar) { delete(r.config, "issuer") }},
	{"would be Canvas's cloud", ReasonRegistrationIssuer, func(r *registrar) {
		r.config["issuer"] = "https://canvas.instructure.com"
		r.config[claimConfiguration].(map[string]any)["product_family_code"] = "canvas"
	}},
	{"no registration endpoint", ReasonRegistrationEndpoint, func(r *registrar) { delete(r.config, "registration_endpoint") }},
	{"keys without TLS", ReasonRegistrationEndpoint, func(r *registrar) { r.config["jwks_uri"] = "http://moodle.example.edu/certs" }},
	{"tokens from this machine", ReasonRegistrationEndpoint, func(r *registrar) { r.config["token_endpoint"] = "http://127.0.0.1:9/" }},
	{"signs otherwise", ReasonRegistrationSigning, func(r *registrar) {
		r.config["id_token_signing_alg_values_supported"] = []string{"ES256"}
	}},
	{"refused", ReasonRegistrationRefused, func(r *registrar) { r.status, r.answer = 400, `{"errors":"Invalid scopes"}` }},
	{"without client id", ReasonRegistrationNameless, func(r *registrar) { r.answer = `{}` }},
	{"client id is a number", ReasonRegistrationNameless, func(r *registrar) { r.answer = `{"client_id":7}` }},
	{"down", ReasonRegistrationUnreachable, func(r *registrar) {
		r.get = func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }
	}},
}

func TestHostileRegistrations(t *testing.T) {
	for _, h := range hostileRegistrations {
		t.Run(h.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := moodleRegistrar()
				h.spoil(r)
				start := time.Now()
				done, err := r.register()
				refused(t, nil, err, h.want)
				if done != nil || strings.Contains(err.Error(), "secret-permission") {
					t.Errorf("got %v and %v", done, err)
				}
				if took := time.Since(start); took > registrationTimeout {
					t.Errorf("took %s", took)
				}
			})
		})
	}
}

func TestRegistrationOfALocalPlatform(t *testing.T) {
	r := canvasRegistrar()
	r.host = "http://127.0.0.1:8081"
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"} {
		r.config[name] = r.host + "/" + name
	}
	r.config["issuer"] = "https://canvas.test"
	if _, err := r.register(); err != nil {
		t.Error(err)
	}
}
