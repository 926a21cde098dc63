package lti

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Tool verifies logins and launches. It is safe for concurrent use when its
// functions are.
type Tool struct {
	Endpoints Endpoints
	// Platforms returns the registrations of an issuer; with clientID only
	// that one. None is no error.
	Platforms func(ctx context.Context, issuer, clientID string) ([]Platform, error)
	// Once returns true the first time that it is given an id, and false ever
	// after until `until`. It has to outlive a restart.
	Once    func(ctx context.Context, id string, until time.Time) (bool, error)
	Secret  []byte // 32 bytes; keys the HMAC of states
	KeySets *KeySets
	Now     func() time.Time // nil means time.Now
}

func (t *Tool) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// LoginRequest is a third-party-initiated login (Security Framework 1.0,
// section 5.1.1.1), by GET or POST. Texts may be empty.
type LoginRequest struct {
	Issuer, LoginHint, MessageHint, TargetLink, ClientID string
	Deployment                                           string
	Storage                                              string // lti_storage_target
}

// ParseLogin reads the fields of a login. Canvas says deployment_id where the
// specification says lti_deployment_id.
func ParseLogin(form url.Values) LoginRequest {
	r := LoginRequest{
		Issuer: form.Get("iss"), LoginHint: form.Get("login_hint"), MessageHint: form.Get("lti_message_hint"),
		TargetLink: form.Get("target_link_uri"), ClientID: form.Get("client_id"),
		Deployment: form.Get("lti_deployment_id"), Storage: form.Get("lti_storage_target"),
	}
	if r.Deployment == "" {
		r.Deployment = form.Get("deployment_id")
	}
	return r
}

// Values are the fields again, to post the same login from another window.
func (r LoginRequest) Values() url.Values {
	form := url.Values{}
	for name, value := range map[string]string{
		"iss": r.Issuer, "login_hint": r.LoginHint, "lti_message_hint": r.MessageHint, "target_link_uri": r.TargetLink,
		"client_id": r.ClientID, "lti_deployment_id": r.Deployment, "lti_storage_target": r.Storage,
	} {
		if value != "" {
			form.Set(name, value)
		}
	}
	return form
}

// Login is the answer to a LoginRequest.
type Login struct {
	// Redirect is the platform's authorisation endpoint with all parameters.
	Redirect string
	// Cookie binds the launch to this browser. It is named by the state, so
	// that several launches in one browser don't disturb each other.
	Cookie *http.Cookie
	// Store is what to put into platform storage for browsers that keep no
	// cookies; nil if the platform has none.
	Store *Stored
}

// Stored is an entry in a platform's storage for tools (LTI postMessage
// Storage 0.1).
type Stored struct {
	Target     string // name of the frame to talk to, or "_parent"
	Origin     string // of the messages' target
	Key, Value string
}

// Begin answers a login: it finds the platform and makes the authentication
// request (Security Framework 1.0, section 5.1.1.2). Errors are *Refusal.
func (t *Tool) Begin(ctx context.Context, r LoginRequest) (Login, error) {
	if refusal := r.check(); refusal != nil {
		return Login{}, refusal
	}
	p, err := t.choose(ctx, r)
	if err != nil {
		return Login{}, err
	}
	auth, err := SecureURL(p.AuthURL)
	if err != nil {
		return Login{}, refuse(ReasonPlatformAddress, p, "authorisation address %s: %v", quoted(p.AuthURL), err)
	}
	path := ""
	if r.TargetLink != "" {
		var ok bool
		if path, ok = t.Endpoints.below(r.TargetLink); !ok {
			return Login{}, refuse(ReasonTargetElsewhere, p, "target_link_uri %s is not below %s", quoted(r.TargetLink), t.Endpoints.Base)
		}
	}
	secret := random(32)
	s := state{
		ID: random(16), Expires: t.now().Add(stateLife).Unix(), Platform: p.ID, Issuer: p.Issuer, Client: p.ClientID,
		Path: path, Deployment: r.Deployment, Storage: r.Storage, Browser: hashed(secret),
	}
	query := auth.Query()
	for name, value := range map[string]string{
		"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
		"client_id": p.ClientID, "redirect_uri": t.Endpoints.At(LaunchPath), "login_hint": r.LoginHint,
		"state": t.seal(s), "nonce": t.nonce(s),
	} {
		query.Set(name, value)
	}
	if r.MessageHint != "" {
		query.Set("lti_message_hint", r.MessageHint)
	}
	auth.RawQuery = query.Encode()
	login := Login{Redirect: auth.String(), Cookie: t.cookie(s, secret, int(stateLife/time.Second))}
	if r.Storage != "" {
		stored := s.stored(p, secret)
		login.Store = &stored
	}
	return login, nil
}

// check bounds what anybody may send.
func (r LoginRequest) check() *Refusal {
	if r.Issuer == "" || r.LoginHint == "" {
		return refuse(ReasonLoginIncomplete, Platform{}, "iss %s, login_hint of %d bytes: both are needed", quoted(r.Issuer), len(r.LoginHint))
	}
	for _, field := range []struct {
		name, value string
		most        int // bytes
	}{
		{"iss", r.Issuer, 1 << 10}, {"login_hint", r.LoginHint, 8 << 10}, {"lti_message_hint", r.MessageHint, 16 << 10},
		{"target_link_uri", r.TargetLink, longestURL}, {"client_id", r.ClientID, longestID},
		{"lti_deployment_id", r.Deployment, longestID}, {"lti_storage_target", r.Storage, longestID},
	} {
		if len(field.value) > field.most {
			return refuse(ReasonLoginTooLong, Platform{}, "%s has %d bytes; at most %d are taken", field.name, len(field.value), field.most)
		}
	}
	return nil
}

// choose finds the registration that a login means.
func (t *Tool) choose(ctx context.Context, r LoginRequest) (Platform, error) {
	said := Platform{Issuer: r.Issuer, ClientID: r.ClientID}
	found, err := t.Platforms(ctx, r.Issuer, r.ClientID)
	if err != nil {
		return Platform{}, refuse(ReasonLookup, said, "%v", err)
	}
	if len(found) == 0 && r.ClientID != "" {
		others, err := t.Platforms(ctx, r.Issuer, "")
		if err != nil {
			return Platform{}, refuse(ReasonLookup, said, "%v", err)
		}
		if len(others) > 0 {
			return Platform{}, refuse(ReasonClientUnknown, said, "%d other client ids of the issuer are registered", len(others))
		}
	}
	if len(found) > 1 && r.Deployment != "" {
		found = deploying(found, r.Deployment)
	}
	switch len(found) {
	case 0:
		return Platform{}, refuse(ReasonPlatformUnknown, said, "no such registration")
	case 1:
		return found[0], nil
	}
	return Platform{}, refuse(ReasonPlatformAmbiguous, said, "%d registrations fit, and the login names no client id; deployment %s", len(found), quoted(r.Deployment))
}

// deploying narrows registrations down to those that list a deployment by its
// id, if there are any; otherwise nothing is known by it.
func deploying(all []Platform, deployment string) []Platform {
	var named []Platform
	for _, p := range all {
		if p.lists(deployment) {
			named = append(named, p)
		}
	}
	if len(named) == 0 {
		return all
	}
	return named
}

// registered is the platform of a state as it stands now.
func (t *Tool) registered(ctx context.Context, s state) (Platform, error) {
	found, err := t.Platforms(ctx, s.Issuer, s.Client)
	if err != nil {
		return Platform{}, refuse(ReasonLookup, s.platform(), "%v", err)
	}
	for _, p := range found {
		if p.ID == s.Platform && p.Issuer == s.Issuer && p.ClientID == s.Client {
			return p, nil
		}
	}
	return Platform{}, refuse(ReasonPlatformGone, s.platform(), "platform %d has gone or changed since the login", s.Platform)
}

// once notes that a state has been used.
func (t *Tool) once(ctx context.Context, s state, p Platform) error {
	first, err := t.Once(ctx, fmt.Sprintf("lti %s", s.ID), time.Unix(s.Expires, 0))
	if err != nil {
		return refuse(ReasonOnce, p, "%v", err)
	}
	if !first {
		return refuse(ReasonReplayed, p, "state %s was used before", s.ID)
	}
	return nil
}
