package lti

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// hostile is one message that has to be refused for its own reason.
type hostile struct {
	name  string
	want  Reason
	spoil func(*scene)
}

var hostileLogins = []hostile{
	{"no issuer", ReasonLoginIncomplete, func(s *scene) { s.login.Issuer = "" }},
	{"no login hint", ReasonLoginIncomplete, func(s *scene) { s.login.LoginHint = "" }},
	{"endless message hint", ReasonLoginTooLong, func(s *scene) { s.login.MessageHint = strings.Repeat("x", 1<<20) }},
	{"endless storage target", ReasonLoginTooLong, func(s *scene) { s.login.Storage = strings.Repeat("x", 300) }},
	{"unknown platform", ReasonPlatformUnknown, func(s *scene) { s.login.Issuer = "https://evil.example" }},
	{"issuer with another path", ReasonPlatformUnknown, func(s *scene) { s.login.Issuer += "/" }},
	{"unknown client id of a known issuer", ReasonClientUnknown, func(s *scene) { s.login.ClientID = "made-up" }},
	{"several registrations and no client id", ReasonPlatformAmbiguous, func(s *scene) {
		other := moodlePlatform
		other.ID, other.ClientID = 9, "other"
		s.platforms, s.login.ClientID = append(s.platforms, other), ""
	}},
	{"authorisation address without TLS", ReasonPlatformAddress, func(s *scene) { s.platforms[0].AuthURL = "http://moodle.example.edu/auth" }},
	{"authorisation address that runs a script", ReasonPlatformAddress, func(s *scene) { s.platforms[0].AuthURL = "javascript:alert(1)" }},
	{"target on another host", ReasonTargetElsewhere, func(s *scene) { s.login.TargetLink = "https://evil.example/lti/launch" }},
	{"target on a host that begins alike", ReasonTargetElsewhere, func(s *scene) { s.login.TargetLink = testBase + ".evil.example/" }},
	{"target with a user's name", ReasonTargetElsewhere, func(s *scene) { s.login.TargetLink = "https://labmark.example.edu@evil.example/" }},
	{"database down", ReasonLookup, func(s *scene) {
		s.tool.Platforms = func(context.Context, string, string) ([]Platform, error) { return nil, errors.New("database is gone") }
	}},
}

var hostileLaunches = []hostile{
	// What is not a token at all.
	{"signed out at the platform", ReasonLoginRequired, func(s *scene) { s.request = func(r *LaunchRequest) { r.Error = "login_required" } }},
	{"hint used before at the platform", ReasonLaunchOutdated, func(s *scene) {
		s.request = func(r *LaunchRequest) {
			r.Error, r.ErrorDescription = "launch_no_longer_valid", "gone\nforged log line"
		}
	}},
	{"the platform's own trouble", ReasonPlatformError, func(s *scene) {
		s.request = func(r *LaunchRequest) { r.Error, r.State = strings.Repeat("server_error", 5000), "" }
	}},
	{"no state", ReasonStateMissing, func(s *scene) { s.request = func(r *LaunchRequest) { r.State = "" } }},
	{"state of another tool", ReasonStateMalformed, func(s *scene) { s.request = func(r *LaunchRequest) { r.State = "f81d4fae-7dec-11d0" } }},
	{"endless state", ReasonStateMalformed, func(s *scene) { s.request = func(r *LaunchRequest) { r.State = strings.Repeat("a.", 1<<20) } }},
	{"altered state", ReasonStateForged, func(s *scene) {
		s.request = func(r *LaunchRequest) {
			payload, mac, _ := strings.Cut(r.State, ".")
			text, _ := unpadded.DecodeString(payload)
			r.State = unpadded.EncodeToString([]byte(strings.Replace(string(text), `"p":5`, `"p":6`, 1))) + "." + mac
		}
	}},
	{"state without signature", ReasonStateForged, func(s *scene) {
		s.request = func(r *LaunchRequest) { r.State, _, _ = strings.Cut(r.State, "."); r.State += "." }
	}},
	{"state made with another secret", ReasonStateForged, func(s *scene) { s.between = func() { s.tool.Secret = []byte("fedcba9876543210fedcba9876543210") } }},
	{"state of eleven minutes ago", ReasonStateExpired, func(s *scene) { s.between = func() { s.now = s.now.Add(11 * time.Minute) } }},
	{"platform removed meanwhile", ReasonPlatformGone, func(s *scene) { s.between = func() { s.platforms = nil } }},
	{"no cookie", ReasonCookieMissing, func(s *scene) { s.request = func(r *LaunchRequest) { r.Cookies = nil } }},
	{"no cookie, and storage that the platform never had", ReasonCookieMissing, func(s *scene) {
		s.request = func(r *LaunchRequest) { r.Cookies, r.Stored = nil, "made up" }
	}},
	{"cookie of another browser", ReasonOtherBrowser, func(s *scene) {
		s.request = func(r *LaunchRequest) { r.Cookies[1].Value = random(32) }
	}},
	{"cookie of another launch", ReasonCookieMissing, func(s *scene) {
		s.request = func(r *LaunchRequest) { r.Cookies[1].Name = "labmark-lti-other" }
	}},
	{"wrong value from storage", ReasonStorageWrong, func(s *scene) {
		s.login.Storage = "_parent"
		s.request = func(r *LaunchRequest) { r.Cookies, r.Stored, r.SameOrigin = nil, random(32), true }
	}},
	{"right value from storage, posted by another site", ReasonStorageForeign, func(s *scene) {
		s.login.Storage = "_parent" // somebody's own launch, pushed into another person's browser
		s.request = func(r *LaunchRequest) { r.Stored, r.Cookies = r.Cookies[1].Value, nil }
	}},

	// Tokens whose form or signature is wrong.
	{"no token", ReasonTokenMissing, func(s *scene) { s.token = func(string) string { return "" } }},
	{"token of a megabyte", ReasonTokenTooLarge, func(s *scene) { s.claims["filler"] = strings.Repeat("x", 1<<20) }},
	{"no token but a word", ReasonTokenMalformed, func(s *scene) { s.token = func(string) string { return "token" } }},
	{"encrypted token", ReasonTokenMalformed, func(s *scene) { s.token = func(t string) string { return t + ".AA.AA" } }},
	{"header that is no JSON", ReasonTokenMalformed, func(s *scene) {
		s.token = func(t string) string { return "e30x" + t }
	}},
	{"token as JSON", ReasonTokenMalformed, func(s *scene) { s.token = func(string) string { return `{"payload":"","signatures":[]}` } }},
	{"claims that are a list", ReasonTokenMalformed, func(s *scene) { s.token = payload(s, `["iss"]`) }},
	{"claims that are null", ReasonTokenMalformed, func(s *scene) { s.token = payload(s, `null`) }},
	{"one claim twice", ReasonTokenMalformed, func(s *scene) { s.token = payload(s, `{"iss":"a","iss":"b"}`) }},
	{"claims nested without end", ReasonTokenTooDeep, func(s *scene) {
		s.token = payload(s, `{"a":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)+`}`)
	}},
	{"alg none", ReasonTokenUnsigned, func(s *scene) {
		s.header["alg"] = "none"
		s.token = func(t string) string { return t[:strings.LastIndex(t, ".")+1] }
	}},
	{"alg nOnE with a signature", ReasonTokenUnsigned, func(s *scene) { s.header["alg"] = "nOnE" }},
	{"RS256 with an empty signature", ReasonTokenUnsigned, func(s *scene) {
		s.token = func(t string) string { return t[:strings.LastIndex(t, ".")+1] }
	}},
	{"HS256 with the public key as secret", ReasonTokenAlgorithm, func(s *scene) {
		s.header["alg"] = "HS256"
		s.token = func(t string) string {
			text := t[:strings.LastIndex(t, ".")]
			mac := hmac.New(sha256.New, platformKey1().N.Bytes())
			mac.Write([]byte(text))
			return text + "." + unpadded.EncodeToString(mac.Sum(nil))
		}
	}},
	{"RS512", ReasonTokenAlgorithm, func(s *scene) { s.header["alg"] = "RS512" }},
	{"no alg", ReasonTokenAlgorithm, func(s *scene) { delete(s.header, "alg") }},
	{"key embedded in the token", ReasonTokenBringsKey, func(s *scene) {
		s.key = platformKey2()
		s.header["jwk"] = jose.JSONWebKey{Key: &platformKey2().PublicKey}
	}},
	{"key set named by the token", ReasonTokenBringsKey, func(s *scene) { s.header["jku"] = "https://evil.example/keys" }},
	{"certificate named by the token", ReasonTokenBringsKey, func(s *scene) { s.header["x5u"] = "https://evil.example/cert" }},
	{"critical header", ReasonTokenCritical, func(s *scene) { s.header["crit"] = []string{"b64"} }},
	{"endless kid", ReasonClaimTooLong, func(s *scene) { s.header["kid"] = strings.Repeat("k", 5000) }},
	{"kid that is a path", ReasonKeyUnknown, func(s *scene) { s.header["kid"] = "../../dev/null" }},
	{"signed by another key under a known name", ReasonSignature, func(s *scene) { s.key = platformKey2() }},
	{"signature cut off", ReasonSignature, func(s *scene) { s.token = func(t string) string { return t[:len(t)-8] } }},
	{"claims altered after signing", ReasonSignature, func(s *scene) {
		s.token = func(t string) string {
			parts := strings.Split(t, ".")
			text, _ := unpadded.DecodeString(parts[1])
			return parts[0] + "." + unpadded.EncodeToString([]byte(strings.Replace(string(text), `"sub":"12"`, `"sub":"13"`, 1))) + "." + parts[2]
		}
	}},

	// Tokens for somebody else or another time.
	{"issuer of another platform", ReasonIssuer, func(s *scene) { s.claims["iss"] = canvasPlatform.Issuer }},
	{"no issuer claim", ReasonIssuer, func(s *scene) { delete(s.claims, "iss") }},
	{"Canvas's token in Moodle's launch", ReasonIssuer, func(s *scene) {
		login := s.login
		s.as(inTable{}, "canvas-resource-link", canvasPlatform)
		s.login = login
	}},
	{"for another tool", ReasonAudience, func(s *scene) { s.claims["aud"] = "another" }},
	{"for nobody", ReasonAudience, func(s *scene) { delete(s.claims, "aud") }},
	{"for a number", ReasonAudience, func(s *scene) { s.claims["aud"] = 7 }},
	{"for everybody", ReasonAudience, func(s *scene) {
		all := []string{moodlePlatform.ClientID}
		for len(all) < 500 {
			all = append(all, "x"+strconv.Itoa(len(all)))
		}
		s.claims["aud"], s.claims["azp"] = all, moodlePlatform.ClientID
	}},
	{"several audiences, no azp", ReasonPartyMissing, func(s *scene) { s.claims["aud"] = []string{moodlePlatform.ClientID, "other"} }},
	{"azp of another tool", ReasonParty, func(s *scene) { s.claims["azp"] = "other" }},
	{"no exp", ReasonTokenTimeless, func(s *scene) { delete(s.claims, "exp") }},
	{"no iat", ReasonTokenTimeless, func(s *scene) { s.claims["iat"] = nil }},
	{"exp as text", ReasonClaimMalformed, func(s *scene) { s.claims["exp"] = "tomorrow" }},
	{"exp in the year 300000", ReasonClaimMalformed, func(s *scene) { s.claims["exp"] = 1e13 }},
	{"run out six minutes ago", ReasonTokenExpired, func(s *scene) {
		s.claims["exp"] = s.now.Add(-6 * time.Minute).Unix()
	}},
	{"exp before iat", ReasonTokenExpired, func(s *scene) { s.claims["exp"] = s.now.Unix() - 1 }},
	{"written in six minutes", ReasonTokenFuture, func(s *scene) { s.claims["iat"] = s.now.Add(6 * time.Minute).Unix() }},
	{"written before its own login", ReasonTokenStale, func(s *scene) { s.claims["iat"] = s.now.Add(-time.Hour).Unix() }},
	{"not valid yet", ReasonTokenEarly, func(s *scene) { s.claims["nbf"] = s.now.Add(time.Hour).Unix() }},
	{"no nonce", ReasonNonce, func(s *scene) { s.claims["nonce"] = nil }},
	{"nonce of another launch", ReasonNonce, func(s *scene) { s.claims["nonce"] = "another launch's nonce" }},

	// Messages that say too little, too much or nonsense.
	{"LTI 1.1", ReasonVersion, func(s *scene) { s.claims[claimLTI+"version"] = "LTI-1p0" }},
	{"no version", ReasonVersion, func(s *scene) { delete(s.claims, claimLTI+"version") }},
	{"unknown message", ReasonMessageUnknown, func(s *scene) { s.claims[claimLTI+"message_type"] = "LtiStartProctoring" }},
	{"our own answer sent back", ReasonMessageUnknown, func(s *scene) { s.claims[claimLTI+"message_type"] = "LtiDeepLinkingResponse" }},
	{"no deployment", ReasonDeploymentMissing, func(s *scene) { delete(s.claims, claimLTI+"deployment_id") }},
	{"deployment as number", ReasonClaimMalformed, func(s *scene) { s.claims[claimLTI+"deployment_id"] = 7 }},
	{"unknown deployment", ReasonDeploymentUnknown, func(s *scene) { s.claims[claimLTI+"deployment_id"], s.login.Deployment = "8", "" }},
	{"deployment named *", ReasonDeploymentUnknown, func(s *scene) { s.claims[claimLTI+"deployment_id"], s.login.Deployment = "*", "" }},
	{"another deployment than at the login", ReasonDeploymentChanged, func(s *scene) {
		s.platforms[0].Deployments = []string{"7", "8"}
		s.claims[claimLTI+"deployment_id"] = "8"
	}},
	{"anonymous", ReasonAnonymous, func(s *scene) { delete(s.claims, "sub") }},
	{"blank sub", ReasonAnonymous, func(s *scene) { s.claims["sub"] = "  " }},
	{"endless sub", ReasonClaimTooLong, func(s *scene) { s.claims["sub"] = strings.Repeat("1", 256) }},
	{"sub with a zero byte", ReasonClaimMalformed, func(s *scene) { s.claims["sub"] = "12\x00" }},
	{"sub that is an object", ReasonClaimMalformed, func(s *scene) { s.claims["sub"] = map[string]any{"$ne": ""} }},
	{"no target", ReasonTargetMissing, func(s *scene) { delete(s.claims, claimLTI+"target_link_uri") }},
	{"target of another tool", ReasonTargetElsewhere, func(s *scene) { s.claims[claimLTI+"target_link_uri"] = "https://evil.example/lti/launch" }},
	{"target without TLS", ReasonTargetElsewhere, func(s *scene) { s.claims[claimLTI+"target_link_uri"] = "http://labmark.example.edu/lti/launch" }},
	{"another target than at the login", ReasonTargetChanged, func(s *scene) { s.claims[claimLTI+"target_link_uri"] = testBase + "/lti/launch/../../logout" }},
	{"no resource link", ReasonLinkMissing, func(s *scene) { delete(s.claims, claimLTI+"resource_link") }},
	{"resource link without id", ReasonLinkMissing, func(s *scene) { delete(s.in(claimLTI+"resource_link"), "id") }},
	{"endless resource link id", ReasonClaimTooLong, func(s *scene) { s.in(claimLTI + "resource_link")["id"] = strings.Repeat("9", 300) }},
	{"context without id", ReasonContextNameless, func(s *scene) { delete(s.in(claimLTI+"context"), "id") }},
	{"context that is a text", ReasonClaimMalformed, func(s *scene) { s.claims[claimLTI+"context"] = "31" }},
	{"roles that are a text", ReasonClaimMalformed, func(s *scene) { s.claims[claimLTI+"roles"] = "Learner" }},
	{"a thousand roles", ReasonClaimTooLong, func(s *scene) { s.claims[claimLTI+"roles"] = make([]string, 1000) }},
	{"role without end", ReasonClaimTooLong, func(s *scene) { s.claims[claimLTI+"roles"] = []string{strings.Repeat("r", 1000)} }},
	{"a thousand custom parameters", ReasonClaimTooLong, func(s *scene) {
		for i := range 1000 {
			s.in(claimLTI + "custom")["p"+strconv.Itoa(i)] = ""
		}
	}},
	{"custom parameter without end", ReasonClaimTooLong, func(s *scene) { s.in(claimLTI + "custom")["tutorial"] = strings.Repeat("x", 20000) }},
	{"custom parameters that are a list", ReasonClaimMalformed, func(s *scene) { s.claims[claimLTI+"custom"] = []int{1} }},
	{"grades without TLS", ReasonServiceAddress, func(s *scene) { s.in(claimAGS + "endpoint")["lineitem"] = "http://moodle.example.edu/grades" }},
	{"members on the cloud's own address", ReasonServiceAddress, func(s *scene) {
		s.in(claimNRPS + "namesroleservice")["context_memberships_url"] = "https://169.254.169.254/latest/"
	}},
	{"review of nobody", ReasonForUserMissing, func(s *scene) {
		s.as(inTable{}, "moodle-submission-review", moodlePlatform)
		delete(s.claims, claimLTI+"for_user")
	}},
	{"deep linking without settings", ReasonLinkingMissing, func(s *scene) {
		s.as(inTable{}, "moodle-deep-linking", moodlePlatform)
		delete(s.claims, claimDL+"deep_linking_settings")
	}},
	{"deep linking back to a script", ReasonLinkingReturn, linking("deep_link_return_url", "javascript:alert(1)")},
	{"deep linking back without TLS", ReasonLinkingReturn, linking("deep_link_return_url", "http://moodle.example.edu/return")},
	{"deep linking for files", ReasonLinkingTypes, linking("accept_types", []string{"file", "html"})},
	{"deep linking with endless data", ReasonClaimTooLong, linking("data", strings.Repeat("d", 17000))},

	// Key sets.
	{"platform down", ReasonKeysUnreachable, servesKeys(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })},
	{"key set behind a sign-in page", ReasonKeysMalformed, servesKeys(serve("<!doctype html><title>Sign in</title>"))},
	{"key set of two megabytes", ReasonKeysTooLarge, servesKeys(serve(`{"keys":[` + strings.Repeat(" ", 2<<20) + `]}`))},
	{"key set nested without end", ReasonKeysMalformed, servesKeys(serve(`{"keys":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`))},
	{"empty key set", ReasonKeysEmpty, servesKeys(serve(`{"keys":[]}`))},
	{"key set without keys", ReasonKeysEmpty, servesKeys(serve(`{}`))},
	{"key set of a thousand keys", ReasonKeysTooMany, servesKeys(serve(`{"keys":[{}` + strings.Repeat(",{}", 999) + `]}`))},
	{"key set with small keys", ReasonKeysUnusable, func(s *scene) {
		s.keySet = serveKeys(jose.JSONWebKey{Key: &smallKey().PublicKey, KeyID: "one"})
		s.key = smallKey()
	}},
	{"key set for encryption", ReasonKeysUnusable, func(s *scene) {
		s.keySet = serveKeys(jose.JSONWebKey{Key: &platformKey1().PublicKey, KeyID: "one", Use: "enc"})
	}},
	{"key set with a private key", ReasonKeysUnusable, func(s *scene) { s.keySet = serveKeys(jose.JSONWebKey{Key: platformKey1(), KeyID: "one"}) }},
	{"key set with a shared secret", ReasonKeysUnusable, servesKeys(serve(`{"keys":[{"kty":"oct","kid":"one","k":"c2VjcmV0"}]}`))},
	{"key set that goes round in circles", ReasonKeysRedirect, servesKeys(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/again"+r.URL.Path, http.StatusFound)
	})},
	{"key set moved to an address without TLS", ReasonKeysRedirect, servesKeys(moved("http://moodle.example.edu/keys"))},
	{"key set moved to this machine", ReasonKeysRedirect, func(s *scene) {
		there := s.keySet // it would even be the right one
		s.keySet = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Hostname() == "127.0.0.1" {
				there(w, r)
				return
			}
			http.Redirect(w, r, "http://127.0.0.1:6060/keys", http.StatusFound)
		}
	}},
	{"key set without TLS", ReasonKeysAddress, func(s *scene) { s.platforms[0].KeysURL = "http://moodle.example.edu/keys" }},
	{"key set in a file", ReasonKeysAddress, func(s *scene) { s.platforms[0].KeysURL = "file:///etc/passwd" }},
	{"without our key", ReasonKeyUnknown, func(s *scene) {
		s.keySet = serveKeys(jose.JSONWebKey{Key: &platformKey1().PublicKey, KeyID: "another"})
	}},
}

// inTable stands for the test where a fixture is loaded from a table.
type inTable struct{ testing.TB }

func (inTable) Helper()           {}
func (inTable) Fatal(args ...any) { panic(args) }

func servesKeys(h http.HandlerFunc) func(*scene) { return func(s *scene) { s.keySet = h } }

func moved(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func linking(name string, value any) func(*scene) {
	return func(s *scene) {
		s.as(inTable{}, "moodle-deep-linking", moodlePlatform)
		s.in(claimDL + "deep_linking_settings")[name] = value
	}
}

// payload signs other claims than the scene's.
func payload(s *scene, claims string) func(string) string {
	return func(string) string { return signToken(s.key, s.header, []byte(claims)) }
}

func TestHostileLogins(t *testing.T) {
	for _, h := range hostileLogins {
		t.Run(h.name, func(t *testing.T) {
			s := mustScene(t)
			h.spoil(s)
			_, err := s.begin()
			refused(t, s, err, h.want)
			if s.noted != 0 || s.keyAsked != 0 {
				t.Error("something was stored or asked for")
			}
		})
	}
}

func TestHostileLaunches(t *testing.T) {
	for _, h := range hostileLaunches {
		t.Run(h.name, func(t *testing.T) {
			s := mustScene(t)
			h.spoil(s)
			_, err := s.play()
			refused(t, s, err, h.want)
			if s.noted != 0 {
				t.Error("a refused message was noted")
			}
		})
	}
}

func TestStrangersCannotMakeUsAskForKeys(t *testing.T) {
	s := mustScene(t)
	s.claims["iss"], s.header["kid"] = "https://evil.example", "made up"
	if _, err := s.play(); err == nil || s.keyAsked != 0 {
		t.Errorf("asked %d times for keys; error %v", s.keyAsked, err)
	}
}

func TestOnceThatFails(t *testing.T) {
	s := mustScene(t)
	s.tool.Once = func(context.Context, string, time.Time) (bool, error) { return true, errors.New("disk is full") }
	m, err := s.play()
	refused(t, s, err, ReasonOnce)
	if m != nil {
		t.Error("the launch went on")
	}
}

// TestEveryReasonIsTried holds the tables and the list of reasons together.
func TestEveryReasonIsTried(t *testing.T) {
	tried := map[Reason]bool{ReasonReplayed: true, ReasonOnce: true, ReasonKeysSlow: true} // in tests of their own
	for _, table := range [][]hostile{hostileLogins, hostileLaunches} {
		for _, h := range table {
			tried[h.want] = true
		}
	}
	for _, h := range hostileRegistrations {
		tried[h.want] = true
	}
	for name := range listed(t) {
		reason := Reason(name)
		if !tried[reason] {
			t.Errorf("no message is refused for %s", reason)
		}
		if said := sayings[reason]; said.person == "" || said.mend == "" {
			t.Errorf("nothing is said of %s", reason)
		}
		delete(tried, reason)
	}
	for reason := range tried {
		t.Errorf("%s is not in reasons.go", reason)
	}
}
