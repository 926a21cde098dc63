package ltitest

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// The addresses are those of the real platforms, below Config.Host.

// AuthURL is the OIDC authorisation endpoint.
func (p *Platform) AuthURL() string {
	return p.at("/mod/lti/auth.php", "/api/lti/authorize_redirect")
}

// TokenURL is the OAuth 2 token endpoint.
func (p *Platform) TokenURL() string { return p.at("/mod/lti/token.php", "/login/oauth2/token") }

// KeysURL is the platform's key set.
func (p *Platform) KeysURL() string { return p.at("/mod/lti/certs.php", "/api/lti/security/jwks") }

// ConfigURL is the openid-configuration, for dynamic registration.
func (p *Platform) ConfigURL() string {
	return p.at("/mod/lti/openid-configuration.php", "/api/lti/security/openid-configuration")
}

func (p *Platform) registrationURL() string {
	return p.at("/mod/lti/openid-registration.php", "/api/lti/registrations")
}

// Issuer is the iss of the platform's tokens.
func (p *Platform) Issuer() string { return p.cfg.Issuer }

// Host is where the platform is served.
func (p *Platform) Host() string { return p.cfg.Host }

// Kind is whose ways the platform has.
func (p *Platform) Kind() Kind { return p.cfg.Kind }

func (p *Platform) at(moodle, canvas string) string {
	if p.cfg.Kind == Canvas {
		return p.cfg.Host + canvas
	}
	return p.cfg.Host + moodle
}

func (p *Platform) lineItemsURL(c *Course, t *Tool) string {
	return p.at(fmt.Sprintf("/mod/lti/services.php/%d/lineitems?type_id=%d", c.Number, t.Number),
		fmt.Sprintf("/api/lti/courses/%d/line_items", c.Number))
}

func (p *Platform) lineItemURL(c *Course, t *Tool, i *lineItem) string {
	return p.at(fmt.Sprintf("/mod/lti/services.php/%d/lineitems/%d/lineitem?type_id=%d", c.Number, i.number, t.Number),
		fmt.Sprintf("/api/lti/courses/%d/line_items/%d", c.Number, i.number))
}

func (p *Platform) resultURL(c *Course, t *Tool, i *lineItem, u *User) string {
	return p.at(fmt.Sprintf("/mod/lti/services.php/%d/lineitems/%d/lineitem/results?type_id=%d&user_id=%s", c.Number, i.number, t.Number, url.QueryEscape(u.ID)),
		fmt.Sprintf("/api/lti/courses/%d/line_items/%d/results/%d", c.Number, i.number, u.Number))
}

func (p *Platform) membersURL(c *Course, t *Tool) string {
	return p.at(fmt.Sprintf("/mod/lti/services.php/CourseSection/%d/bindings/%d/memberships", c.Number, t.Number),
		fmt.Sprintf("/api/lti/courses/%d/names_and_roles", c.Number))
}

func (p *Platform) courseURL(c *Course) string {
	return p.cfg.Host + "/courses/" + strconv.Itoa(c.Number)
}

// routes are the endpoints that machines and browsers on their way use, and
// the pages for people.
func (p *Platform) routes() *http.ServeMux {
	mux := http.NewServeMux()
	type route struct {
		method, moodle, canvas string
		serve                  http.HandlerFunc
	}
	for _, e := range []route{
		{"GET", "/mod/lti/certs.php", "/api/lti/security/jwks", p.serveKeys},
		{"POST", "/mod/lti/token.php", "/login/oauth2/token", p.serveToken},
		{"GET", "/mod/lti/auth.php", "/api/lti/authorize_redirect", p.serveAuth},
		{"POST", "/mod/lti/auth.php", "/api/lti/authorize_redirect", p.serveAuth},
		{"GET", "/mod/lti/openid-configuration.php", "/api/lti/security/openid-configuration", p.serveConfiguration},
		{"POST", "/mod/lti/openid-registration.php", "/api/lti/registrations", p.serveRegistration},
		{"GET", "/mod/lti/services.php/{course}/lineitems", "/api/lti/courses/{course}/line_items", p.serveLineItems},
		{"POST", "/mod/lti/services.php/{course}/lineitems", "/api/lti/courses/{course}/line_items", p.addLineItem},
		{"GET", "/mod/lti/services.php/{course}/lineitems/{item}/lineitem", "/api/lti/courses/{course}/line_items/{item}", p.serveLineItem},
		{"PUT", "/mod/lti/services.php/{course}/lineitems/{item}/lineitem", "/api/lti/courses/{course}/line_items/{item}", p.changeLineItem},
		{"DELETE", "/mod/lti/services.php/{course}/lineitems/{item}/lineitem", "/api/lti/courses/{course}/line_items/{item}", p.deleteLineItem},
		{"POST", "/mod/lti/services.php/{course}/lineitems/{item}/lineitem/scores", "/api/lti/courses/{course}/line_items/{item}/scores", p.takeScore},
		{"GET", "/mod/lti/services.php/{course}/lineitems/{item}/lineitem/results", "/api/lti/courses/{course}/line_items/{item}/results", p.serveResults},
		{"GET", "/mod/lti/services.php/CourseSection/{course}/bindings/{type}/memberships", "/api/lti/courses/{course}/names_and_roles", p.serveMembers},
	} {
		path := e.moodle
		if p.cfg.Kind == Canvas {
			path = e.canvas
		}
		mux.HandleFunc(e.method+" "+path, p.faulty(e.serve))
	}
	p.pageRoutes(mux)
	return mux
}
