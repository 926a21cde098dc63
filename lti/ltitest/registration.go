package ltitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	toolConfiguration     = "https://purl.imsglobal.org/spec/lti-tool-configuration"
	platformConfiguration = "https://purl.imsglobal.org/spec/lti-platform-configuration"
)

// RegistrationURL is the tool's registration address as the platform opens
// it, with a fresh token that lives for an hour and works once (Dynamic
// Registration 1.0, section 3.3).
func (p *Platform) RegistrationURL(tool string) (string, error) {
	u, err := url.Parse(tool)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("the registration address must be a whole URL, not %q", tool)
	}
	token := randomHex(24)
	now := p.now()
	p.mu.Lock()
	p.regs[token] = now.Add(time.Hour)
	p.mu.Unlock()
	q := u.Query()
	q.Set("openid_configuration", p.ConfigURL())
	q.Set("registration_token", token)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (p *Platform) registrationToken(r *http.Request, use bool) bool {
	token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	ends, known := p.regs[token]
	if !is || !known || now.After(ends) {
		return false
	}
	if use {
		delete(p.regs, token)
	}
	return true
}

// serveConfiguration is the openid-configuration, which Canvas shows only to
// who has a registration token.
func (p *Platform) serveConfiguration(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if p.cfg.Kind == Canvas && !p.registrationToken(r, false) {
		p.fail(w, http.StatusUnauthorized, "a registration token is needed")
		return
	}
	messages := []any{
		map[string]any{"type": ResourceLink},
		map[string]any{"type": DeepLinking, "placements": []string{"ContentArea"}},
	}
	variables := []string{"Context.id", "Context.title", "User.id", "User.username", "Person.name.full", "Person.email.primary", "Person.sourcedId", "Membership.role", "ResourceLink.id", "ResourceLink.title"}
	if p.cfg.Kind == Canvas {
		messages = []any{
			map[string]any{"type": ResourceLink, "placements": []string{"https://canvas.instructure.com/lti/course_navigation", "https://canvas.instructure.com/lti/assignment_view"}},
			map[string]any{"type": DeepLinking, "placements": []string{"https://canvas.instructure.com/lti/assignment_selection", "https://canvas.instructure.com/lti/link_selection", "ContentArea"}},
			map[string]any{"type": SubmissionReview}, map[string]any{"type": DataPrivacy},
		}
		variables = append(variables, "Canvas.user.id", "Canvas.user.loginId", "Canvas.user.sisSourceId", "Canvas.course.id", "ResourceLink.available.startDateTime", "ResourceLink.submission.endDateTime")
	}
	answer(w, http.StatusOK, map[string]any{
		"issuer": p.cfg.Issuer, "authorization_endpoint": p.AuthURL(), "token_endpoint": p.TokenURL(),
		"jwks_uri": p.KeysURL(), "registration_endpoint": p.registrationURL(),
		"token_endpoint_auth_methods_supported":            []string{"private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"RS256"},
		"id_token_signing_alg_values_supported":            []string{"RS256"},
		"response_types_supported":                         []string{"id_token"},
		"subject_types_supported":                          []string{"public", "pairwise"},
		"scopes_supported":                                 append([]string{"openid"}, allScopes...),
		"claims_supported":                                 []string{"sub", "iss", "name", "given_name", "family_name", "email"},
		platformConfiguration: map[string]any{
			"product_family_code": string(p.cfg.Kind), "version": p.installation()["version"],
			"messages_supported": messages, "variables": variables,
		},
	})
}

// registration is what a tool says of itself (Dynamic Registration 1.0,
// section 3.5.1).
type registration struct {
	Application string   `json:"application_type"`
	Responses   []string `json:"response_types"`
	Grants      []string `json:"grant_types"`
	LoginURL    string   `json:"initiate_login_uri"`
	LaunchURLs  []string `json:"redirect_uris"`
	Name        string   `json:"client_name"`
	KeysURL     string   `json:"jwks_uri"`
	AuthMethod  string   `json:"token_endpoint_auth_method"`
	Scope       string   `json:"scope"`
	Tool        struct {
		Domain   string            `json:"domain"`
		Target   string            `json:"target_link_uri"`
		Custom   map[string]string `json:"custom_parameters"`
		Messages []struct {
			Type string `json:"type"`
		} `json:"messages"`
	} `json:"https://purl.imsglobal.org/spec/lti-tool-configuration"`
}

// flaw says what a registration lacks; empty is none.
func (g registration) flaw() string {
	c := g.Tool
	target, err := url.Parse(c.Target)
	switch {
	case g.LoginURL == "" || g.KeysURL == "" || g.Name == "" || len(g.LaunchURLs) == 0:
		return "missing_registration_field: initiate_login_uri, jwks_uri, client_name or redirect_uris"
	case g.Application != "web" || !slices.Contains(g.Responses, "id_token"):
		return "unsupported_response_type: application_type must be web and response_types have id_token"
	case !slices.Contains(g.Grants, "implicit") || !slices.Contains(g.Grants, "client_credentials"):
		return "unsupported_grant_type: grant_types must have implicit and client_credentials"
	case g.AuthMethod != "private_key_jwt":
		return "unsupported_auth_method: token_endpoint_auth_method must be private_key_jwt"
	case c.Domain == "":
		return "missing_domain: domain is required"
	case c.Target == "" || err != nil:
		return "missing_target_link_uri"
	case target.Host != c.Domain && !strings.HasSuffix(target.Host, "."+c.Domain):
		return "domain_targetlinkuri_mismatch"
	}
	return ""
}

func (p *Platform) serveRegistration(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if !p.registrationToken(r, false) {
		p.fail(w, http.StatusUnauthorized, "missing_registration_token")
		return
	}
	var raw map[string]any
	var g registration
	text, err := readBody(r)
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err == nil {
		err = json.Unmarshal(text, &raw)
	}
	flaw := g.flaw()
	if err != nil {
		flaw = "invalid_json: " + err.Error()
	}
	if flaw != "" {
		p.fail(w, http.StatusBadRequest, flaw)
		return
	}
	p.registrationToken(r, true)
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.addTool(Tool{
		Name: g.Name, LoginURL: g.LoginURL, LaunchURLs: launchFirst(g), KeysURL: g.KeysURL,
		Custom: g.Tool.Custom, Scopes: strings.Fields(g.Scope), Pending: true,
	})
	raw["client_id"] = t.ClientID
	if c, is := raw[toolConfiguration].(map[string]any); is && p.cfg.Kind == Moodle {
		c["deployment_id"] = t.Deployments[0]
	}
	// Moodle tells of more scopes than it will ever grant.
	if p.cfg.Kind == Moodle {
		raw["scope"] = strings.Join(append(allScopes[:len(allScopes):len(allScopes)], "https://purl.imsglobal.org/spec/lti-ts/scope/toolsetting"), " ")
	}
	answer(w, http.StatusOK, raw)
}

// launchFirst are the redirect URIs with the target link first, if it is one.
func launchFirst(g registration) []string {
	out := []string{}
	for _, u := range g.LaunchURLs {
		if u == g.Tool.Target {
			out = append([]string{u}, out...)
		} else {
			out = append(out, u)
		}
	}
	return out
}
