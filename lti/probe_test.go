package lti

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// healthy makes all of a platform's answers good ones.
func (s *services) healthy() {
	n := base64.RawURLEncoding.EncodeToString(serviceKey().Private.N.Bytes())
	s.on("/keys", says(200, fmt.Sprintf(`{"keys":[{"kty":"RSA","use":"sig","n":%q,"e":"AQAB"},{"kty":"EC"}]}`, n)))
	s.on("/token", s.token)
	s.on("/items", says(200, "[]"))
}

func TestProbe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wrong  func(*services)
		step   string // the one that fails; empty if none does
		found  string
		mended string
	}{
		{"all is well", func(*services) {}, "", "", ""},
		{"no key set", func(s *services) { s.on("/keys", nil) }, "key set", "404", "key set (JWKS) address"},
		{"a page instead of keys", func(s *services) { s.on("/keys", says(200, "<html>")) }, "key set", "<html>", "JWKS"},
		{"weak keys", func(s *services) { s.on("/keys", says(200, `{"keys":[{"kty":"RSA","n":"AQAB"}]}`)) }, "key set", "0 of them", "JWKS"},
		{"nobody there", func(s *services) { s.p.KeysURL = "https://127.0.0.1:1/keys" }, "key set", "refused", "firewall"},
		{"keys in the clear", func(s *services) { s.p.KeysURL = "http://p.test/keys" }, "key set", "not an https", "https://"},
		{"wrong client id", func(s *services) { s.on("/token", says(400, `{"error":"invalid_client"}`)) }, "token", "invalid_client", "client id"},
		{"no token endpoint", func(s *services) { s.on("/token", says(200, "<html>")) }, "token", "not the JSON", "token address"},
		{"platform in trouble", func(s *services) { s.on("/token", says(503, "")) }, "token", "503", "Try again later"},
		{"nothing granted", func(s *services) { s.on("/token", says(400, `{"error":"invalid_scope"}`)) }, "token", "invalid_scope", "services of the tool"},
		{"no roster granted", func(s *services) {
			s.on("/token", func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.FormValue("scope"), ScopeRoster) {
					says(400, `{"error":"invalid_scope"}`)(w, r)
					return
				}
				s.token(w, r)
			})
		}, "scopes", "may not read the roster", "Names and Role"},
		{"clock behind", func(s *services) { s.client.Now = func() time.Time { return time.Now().Add(-4 * time.Minute) } },
			"clock", "ahead of this one", "time server"},
		{"line items forbidden", func(s *services) { s.on("/items", says(401, "")) }, "line items", "401", "tool is active"},
		{"course closed", func(s *services) { s.on("/items", nil) }, "line items", "404", "course is gone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := mustServices(t)
			s.healthy()
			tt.wrong(s)
			var failed []string
			for _, f := range s.client.Probe(t.Context(), s.p, s.URL+"/items") {
				if f.OK {
					continue
				}
				failed = append(failed, f.Step)
				if f.Step == tt.step && (!strings.Contains(f.Found, tt.found) || !strings.Contains(f.Mend, tt.mended)) {
					t.Errorf("found %q, mend %q; want %q and %q in them", f.Found, f.Mend, tt.found, tt.mended)
				}
				if f.Found == "" || f.Mend == "" {
					t.Errorf("%s failed and does not tell what or how to mend it: %+v", f.Step, f)
				}
			}
			if want := tt.step; len(failed) == 0 && want != "" || len(failed) > 0 && failed[0] != want {
				t.Errorf("failed: %q, want %q first", failed, want)
			}
		})
	}
}

func TestProbeBeforeTheFirstLaunch(t *testing.T) {
	s := mustServices(t)
	s.healthy()
	all := s.client.Probe(t.Context(), s.p, "")
	last := all[len(all)-1]
	if !last.OK || !strings.Contains(last.Found, "not tried") || last.Mend == "" {
		t.Errorf("line items: %+v", last)
	}
}
