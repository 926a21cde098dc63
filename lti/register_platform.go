package lti

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// platformConfiguration is a platform's description of itself (Dynamic
// Registration 1.0, section 3.4).
type platformConfiguration struct {
	Issuer       string   `json:"issuer"`
	Auth         string   `json:"authorization_endpoint"`
	Token        string   `json:"token_endpoint"`
	Keys         string   `json:"jwks_uri"`
	Registration string   `json:"registration_endpoint"`
	Audience     string   `json:"authorization_server"`
	Scopes       []string `json:"scopes_supported"`
	Algorithms   []string `json:"id_token_signing_alg_values_supported"`
	LTI          struct {
		Product  string `json:"product_family_code"`
		Messages []struct {
			Type       string   `json:"type"`
			Placements []string `json:"placements"`
		} `json:"messages_supported"`
		Account string `json:"https://canvas.instructure.com/lti/account_name"`
	} `json:"https://purl.imsglobal.org/spec/lti-platform-configuration"`
}

func (c platformConfiguration) canvas() bool { return c.LTI.Product == "canvas" }

// platform is what a launch will need, still without client id.
func (c platformConfiguration) platform() Platform {
	p := Platform{
		Issuer: c.Issuer, AuthURL: c.Auth, TokenURL: c.Token, KeysURL: c.Keys, Audience: c.Audience,
		Product: clean(c.LTI.Product, longestID), Name: clean(c.LTI.Account, longestLabel),
	}
	if c.canvas() {
		p.Audience = "" // Canvas names a host there, but wants the token endpoint
	}
	if u, err := url.Parse(c.Issuer); err == nil && p.Name == "" {
		p.Name = u.Host
	}
	return p
}

// readPlatformConfiguration checks what a platform says of itself. An issuer
// names whose people these are, so nobody may give themselves another's.
func readPlatformConfiguration(at *url.URL, body []byte) (platformConfiguration, *Refusal) {
	var c platformConfiguration
	if nesting(body) > deepest {
		return c, refuse(ReasonRegistrationMalformed, Platform{}, "the configuration of %s is nested too deep", at.Host)
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return c, refuse(ReasonRegistrationMalformed, Platform{}, "the configuration of %s: %v", at.Host, err)
	}
	for _, endpoint := range []struct{ name, address string }{
		{"authorization_endpoint", c.Auth}, {"token_endpoint", c.Token}, {"jwks_uri", c.Keys}, {"registration_endpoint", c.Registration},
	} {
		u, err := SecureURL(endpoint.address)
		if err != nil {
			return c, refuse(ReasonRegistrationEndpoint, c.platform(), "%s %s: %v", endpoint.name, quoted(endpoint.address), err)
		}
		if loopback(u) && !loopback(at) {
			return c, refuse(ReasonRegistrationEndpoint, c.platform(), "%s %s is on this machine, but the platform is not", endpoint.name, quoted(endpoint.address))
		}
	}
	if !mayIssue(at, c) {
		return c, refuse(ReasonRegistrationIssuer, c.platform(), "the configuration of %s names another host's issuer", at.Host)
	}
	if len(c.Algorithms) > 0 && !slices.Contains(c.Algorithms, string(jose.RS256)) {
		return c, refuse(ReasonRegistrationSigning, c.platform(), "id_token_signing_alg_values_supported are %s", quoted(strings.Join(c.Algorithms, " ")))
	}
	return c, nil
}

// mayIssue says whether a configuration may name its issuer: one on the same
// host (Dynamic Registration 1.0, section 3.4), or, for Canvas in its cloud,
// the one issuer of all its customers while its endpoints are in that cloud.
// Names below .test belong to nobody (RFC 6761), so that platforms on this
// machine may play Canvas with them.
func mayIssue(at *url.URL, c platformConfiguration) bool {
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Hostname() == "" || issuer.RawQuery != "" || issuer.Fragment != "" || len(c.Issuer) > longestURL {
		return false
	}
	switch {
	case originOf(issuer) == originOf(at):
		return true
	case loopback(at):
		return loopback(issuer) || strings.HasSuffix(issuer.Hostname(), ".test")
	case !c.canvas() || issuer.Scheme != "https":
		return false
	}
	for _, raw := range []string{c.Issuer, c.Auth, c.Token, c.Keys} {
		if u, err := url.Parse(raw); err != nil || !canvasCloud(u.Hostname()) {
			return false
		}
	}
	return true
}

func canvasCloud(host string) bool {
	return strings.HasSuffix(host, ".instructure.com") || strings.HasSuffix(host, ".canvaslms.com")
}
