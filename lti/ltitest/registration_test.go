package ltitest

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// toolSays is an honest registration of the stub.
func (l *lms) toolSays() map[string]any {
	at := l.stub.srv.URL
	u, err := url.Parse(at)
	if err != nil {
		panic(err)
	}
	return map[string]any{
		"application_type": "web", "response_types": []string{"id_token"}, "grant_types": []string{"implicit", "client_credentials"},
		"initiate_login_uri": at + "/login", "redirect_uris": []string{at + "/other", at + "/launch"}, "client_name": "Registered",
		"jwks_uri": at + "/keys", "token_endpoint_auth_method": "private_key_jwt", "scope": ScopeScore,
		toolConfiguration: map[string]any{
			"domain": u.Host, "target_link_uri": at + "/launch",
			"messages": []any{map[string]any{"type": DeepLinking}}, "custom_parameters": map[string]string{"who": "$User.username"},
		},
	}
}

func (l *lms) registrationToken(t *testing.T) string {
	t.Helper()
	at, err := l.RegistrationURL(l.stub.srv.URL + "/register?secret=1")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("secret") != "1" || q.Get("openid_configuration") != l.ConfigURL() {
		t.Fatalf("the tool is opened at %s", at)
	}
	return u.Query().Get("registration_token")
}

func TestToolRegistersItself(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		token := l.registrationToken(t)
		status, _, _ := l.call(t, "GET", l.ConfigURL(), "", "", "")
		if refused := status == 401; refused != (l.Kind() == Canvas) {
			t.Errorf("openid-configuration without a token: %d", status)
		}
		status, body, _ := l.call(t, "GET", l.ConfigURL(), token, "", "")
		var config map[string]any
		if err := json.Unmarshal([]byte(body), &config); err != nil || status != 200 || config["issuer"] != l.Issuer() {
			t.Fatalf("openid-configuration: %d %v %s", status, err, body)
		}
		say, _ := json.Marshal(l.toolSays())
		status, body, _ = l.call(t, "POST", config["registration_endpoint"].(string), token, "application/json", string(say))
		var answer map[string]any
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
			t.Fatalf("registration: %d %v %s", status, err, body)
		}
		_, deployed := answer[toolConfiguration].(map[string]any)["deployment_id"]
		if deployed != (l.Kind() == Moodle) {
			t.Errorf("the answer has a deployment: %v", deployed)
		}
		client := answer["client_id"].(string)
		link := l.AddLink(Link{Course: l.course.ID, Client: client, Title: "Registered's"})
		if _, err := l.Claims(Message{User: l.ada.ID, Link: link.ID}, "n"); err == nil {
			t.Error("a pending tool was launched")
		}
		if err := l.Activate(client); err != nil {
			t.Fatal(err)
		}
		c := l.claims(t, Message{User: l.ada.ID, Link: link.ID})
		if c["aud"] != client || c[claim+"target_link_uri"] != l.stub.srv.URL+"/launch" || c[claim+"custom"].(map[string]any)["who"] != "ada" {
			t.Errorf("claims for the registered tool: %v", c)
		}
		if status, _, _ := l.call(t, "POST", config["registration_endpoint"].(string), token, "application/json", string(say)); status != 401 {
			t.Errorf("a registration token was taken twice: %d", status)
		}
	})
}

func TestRegistrationRefuses(t *testing.T) {
	kinds(t, func(t *testing.T, l *lms) {
		for name, alter := range map[string]func(reg, tool map[string]any){
			"domain":      func(_, tool map[string]any) { delete(tool, "domain") },
			"elsewhere":   func(_, tool map[string]any) { tool["domain"] = "elsewhere.test" },
			"target":      func(_, tool map[string]any) { delete(tool, "target_link_uri") },
			"keys":        func(reg, _ map[string]any) { delete(reg, "jwks_uri") },
			"redirects":   func(reg, _ map[string]any) { delete(reg, "redirect_uris") },
			"grants":      func(reg, _ map[string]any) { reg["grant_types"] = []string{"implicit"} },
			"responses":   func(reg, _ map[string]any) { reg["response_types"] = []string{"code"} },
			"auth method": func(reg, _ map[string]any) { reg["token_endpoint_auth_method"] = "client_secret_basic" },
		} {
			reg := l.toolSays()
			alter(reg, reg[toolConfiguration].(map[string]any))
			say, _ := json.Marshal(reg)
			if status, body, _ := l.call(t, "POST", l.registrationURL(), l.registrationToken(t), "application/json", string(say)); status != 400 {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
		if len(l.Tools()) != 1 {
			t.Errorf("%d tools", len(l.Tools()))
		}
	})
}

func TestCanvasJSON(t *testing.T) {
	document := `{"title":"Lab","description":"Labs","oidc_initiation_url":"https://lab.test/login","target_link_uri":"https://lab.test/launch",
		"scopes":["` + ScopeScore + `"],"public_jwk_url":"https://lab.test/keys","custom_fields":{"user":"$Canvas.user.id"},
		"extensions":[{"platform":"canvas.instructure.com","domain":"lab.test","privacy_level":"public",
		"settings":{"placements":[{"placement":"assignment_selection","message_type":"LtiDeepLinkingRequest"}]}}]}`
	l := newLMS(t, Canvas)
	tool, err := l.AddCanvasJSON([]byte(document))
	if err != nil || tool.Pending || len(tool.Deployments) != 1 || tool.LoginURL != "https://lab.test/login" {
		t.Errorf("%+v, %v", tool, err)
	}
	for _, lacks := range []string{"description", "scopes", "extensions", "public_jwk_url"} {
		if _, err := l.AddCanvasJSON([]byte(strings.Replace(document, `"`+lacks+`"`, `"x"`, 1))); err == nil || !strings.Contains(err.Error(), lacks) {
			t.Errorf("a document without %s: %v", lacks, err)
		}
	}
	if _, err := newLMS(t, Moodle).AddCanvasJSON([]byte(document)); err == nil {
		t.Error("Moodle took Canvas's configuration")
	}
}
