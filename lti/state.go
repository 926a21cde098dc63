package lti

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// A state lives for stateLife: long enough to sign in at the platform on the way.
const stateLife = 10 * time.Minute

// longestState bounds what comes back as a state, in bytes.
const longestState = 8 << 10

var unpadded = base64.RawURLEncoding.Strict()

// state is what a login has to remember until its launch. It travels with the
// browser, signed, so that nothing is kept here for whoever merely knocks.
type state struct {
	ID         string `json:"i"`           // 128 random bits; names cookie and storage key
	Expires    int64  `json:"e"`           // Unix seconds
	Platform   uint   `json:"p"`           // Platform.ID
	Issuer     string `json:"s"`           // Platform.Issuer
	Client     string `json:"c"`           // Platform.ClientID
	Path       string `json:"t,omitempty"` // path of the login's target_link_uri
	Deployment string `json:"d,omitempty"` // lti_deployment_id of the login
	Storage    string `json:"g,omitempty"` // lti_storage_target of the login
	Browser    string `json:"b"`           // hash of the secret that the browser keeps
}

// random is n random bytes as text for addresses.
func random(n int) string {
	bytes := make([]byte, n)
	rand.Read(bytes) // never fails
	return unpadded.EncodeToString(bytes)
}

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return unpadded.EncodeToString(sum[:])
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// keyed is an HMAC for one purpose. A tool without a secret would believe
// everybody, so it does not run.
func (t *Tool) keyed(purpose, text string) string {
	if len(t.Secret) < 32 {
		panic("lti: Tool.Secret needs 32 bytes")
	}
	mac := hmac.New(sha256.New, t.Secret)
	mac.Write([]byte(purpose + "\x00" + text))
	return unpadded.EncodeToString(mac.Sum(nil))
}

// nonce belongs to one state and can't be known from it.
func (t *Tool) nonce(s state) string { return t.keyed("lti nonce", s.ID) }

func (t *Tool) seal(s state) string {
	payload, _ := json.Marshal(s) // a struct of texts and numbers
	text := unpadded.EncodeToString(payload)
	return text + "." + t.keyed("lti state", text)
}

// open checks a state's signature and age.
func (t *Tool) open(sealed string) (state, *Refusal) {
	var s state
	if sealed == "" {
		return s, refuse(ReasonStateMissing, Platform{}, "the launch has no state")
	}
	text, mac, found := strings.Cut(sealed, ".")
	if !found || len(sealed) > longestState {
		return s, refuse(ReasonStateMalformed, Platform{}, "a state of %d bytes is not one of ours", len(sealed))
	}
	if !same(mac, t.keyed("lti state", text)) {
		return s, refuse(ReasonStateForged, Platform{}, "the state's signature is wrong: it was altered, or made with another secret")
	}
	payload, err := unpadded.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(payload, &s)
	}
	if err != nil {
		return s, refuse(ReasonStateMalformed, Platform{}, "the state can't be read: %v", err)
	}
	if expires := time.Unix(s.Expires, 0); !t.now().Before(expires) {
		return s, refuse(ReasonStateExpired, s.platform(), "the login is %s older than a login may be", t.now().Sub(expires).Round(time.Second))
	}
	return s, nil
}

// platform is as much of it as the state knows, for refusals.
func (s state) platform() Platform {
	return Platform{ID: s.Platform, Issuer: s.Issuer, ClientID: s.Client}
}

// begun is when the login was.
func (s state) begun() time.Time { return time.Unix(s.Expires, 0).Add(-stateLife) }

// name of the cookie, and of the entry in platform storage.
func (s state) name() string { return "labmark-lti-" + s.ID }

func (t *Tool) cookie(s state, secret string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: s.name(), Value: secret, Path: t.Endpoints.path() + "/lti/", MaxAge: seconds,
		HttpOnly: true, Secure: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
	}
}

// Forget is the cookie that removes a launch's cookie from the browser; nil
// for a state that isn't ours.
func (t *Tool) Forget(sealed string) *http.Cookie {
	s, refusal := t.open(sealed)
	if refusal != nil {
		return nil
	}
	return t.cookie(s, "", -1)
}

// bound checks that the launch came back to the browser that began it.
func (s state) bound(p Platform, r LaunchRequest) error {
	for _, c := range r.Cookies {
		if c.Name != s.name() {
			continue
		}
		if !same(hashed(c.Value), s.Browser) {
			return refuse(ReasonOtherBrowser, p, "cookie %s has another value than the login gave", s.name())
		}
		return nil
	}
	switch {
	case s.Storage == "":
		return refuse(ReasonCookieMissing, p, "the browser did not send cookie %s, and the platform has no storage for tools", s.name())
	case r.Stored == "":
		return &NeedStorage{Platform: p.ID, Stored: s.stored(p, "")}
	case !r.SameOrigin:
		return refuse(ReasonStorageForeign, p, "a value from the platform's storage came with a request of another site")
	case !same(hashed(r.Stored), s.Browser):
		return refuse(ReasonStorageWrong, p, "the platform's storage gave another value than the login put there")
	}
	return nil
}

// stored is the entry in platform storage. Its messages go to the origin of
// the authorisation endpoint (LTI OIDC Login with Client Side postMessages,
// section 2).
func (s state) stored(p Platform, secret string) Stored {
	stored := Stored{Target: s.Storage, Key: s.name(), Value: secret}
	if u, err := SecureURL(p.AuthURL); err == nil {
		stored.Origin = originOf(u)
	}
	return stored
}
