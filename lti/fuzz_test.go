package lti

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
)

// FuzzLaunchClaims reads whatever claims a platform may have signed: it may
// be broken or bad. Signing is left out, since it would take all the time. A
// message that is taken keeps its bounds and can be kept.
func FuzzLaunchClaims(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"aud":[1],"exp":1e300,"nbf":"x"}`))
	s := mustScene(f)
	if _, err := s.begin(); err != nil {
		f.Fatal(err)
	}
	state, refusal := s.tool.open(s.redirect.Get("state"))
	if refusal != nil {
		f.Fatal(refusal)
	}
	state.Deployment = ""
	platform := moodlePlatform
	platform.Deployments = []string{AnyDeployment}
	f.Fuzz(func(t *testing.T, text []byte) {
		// What only a rightful platform could know is put in, where there is
		// room for it, so that the rest is reached.
		var claims map[string]any
		if json.Unmarshal(text, &claims) == nil && claims != nil {
			claims["iss"], claims["aud"], claims["nonce"] = platform.Issuer, platform.ClientID, s.redirect.Get("nonce")
			claims["iat"], claims["exp"] = s.now.Unix(), s.now.Unix()+60
			text, _ = json.Marshal(claims)
		}
		fields, refusal := readClaims(platform, text)
		if refusal != nil || meantFor(platform, fields) != nil || s.tool.timely(platform, state, fields) != nil {
			return
		}
		m, err := s.tool.message(platform, state, fields)
		if err != nil {
			return
		}
		if m.User.Subject == "" || len(m.User.Subject) > 4*longestID || !utf8.ValidString(m.User.Name) || strings.ContainsRune(m.User.Name, 0) {
			t.Errorf("user is %+v", m.User)
		}
		if m.Type == ResourceLinkRequest && (m.Link == nil || m.Link.ID == "") {
			t.Error("a resource link without id")
		}
		if m.Linking != nil && !secure(m.Linking.ReturnURL) || m.Return != "" && !secure(m.Return) {
			t.Errorf("leads back to %+v, %q", m.Linking, m.Return)
		}
		if _, err := json.Marshal(m); err != nil {
			t.Error(err)
		}
	})
}

// FuzzState alters states: only those that this server made are opened.
func FuzzState(f *testing.F) {
	s := mustScene(f)
	if _, err := s.begin(); err != nil {
		f.Fatal(err)
	}
	good := s.redirect.Get("state")
	f.Add(good)
	f.Add(good + "A")
	f.Add("." + s.tool.keyed("lti state", ""))
	f.Add("bnVsbA." + s.tool.keyed("lti state", "bnVsbA")) // null, rightly signed
	f.Fuzz(func(t *testing.T, text string) {
		opened, refusal := s.tool.open(text)
		payload, _, _ := strings.Cut(text, ".")
		if refusal == nil && text != payload+"."+s.tool.keyed("lti state", payload) {
			t.Errorf("opened %q as %+v", text, opened)
		}
	})
}

// FuzzKeySet reads key sets: what is taken can verify and is of a safe size.
func FuzzKeySet(f *testing.F) {
	good, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &platformKey1().PublicKey, KeyID: "one"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"","e":""},{"kty":"RSA","n":"AQ","e":"/////////w"},null,1]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseKeys(body)
		if (err == nil) == (len(keys) == 0) {
			t.Errorf("%d keys, error %v", len(keys), err)
		}
		for _, k := range keys {
			if bits := k.rsa.N.BitLen(); bits < smallestRSA || bits > largestRSA || k.rsa.E < 3 {
				t.Errorf("took a key of %d bits, exponent %d", bits, k.rsa.E)
			}
		}
	})
}
