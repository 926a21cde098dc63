package lti

import (
	"context"
	"net/http"
	"strings"
)

// LaunchRequest is what came to LaunchPath: an authentication response
// (Security Framework 1.0, section 5.1.1.3).
type LaunchRequest struct {
	IDToken, State string
	// Error and ErrorDescription stand there instead of a token when the
	// platform broke off (OpenID Connect Core 1.0, section 3.1.2.6).
	Error, ErrorDescription string
	Cookies                 []*http.Cookie
	// Stored is the value that a page has read back from platform storage.
	Stored string
	// SameOrigin says that a page of this very site sent the request
	// (Sec-Fetch-Site: same-origin, or an Origin that is ours). Without it
	// Stored proves nothing: somebody could post their own launch, with their
	// own value, from another site into a person's browser.
	SameOrigin bool
}

// Launch verifies an authentication response and tells what it says. Errors
// are *Refusal, or *NeedStorage where a page has to read platform storage
// first. Once is asked last, so nothing is stored for a message that is
// refused.
func (t *Tool) Launch(ctx context.Context, r LaunchRequest) (*Message, error) {
	if r.Error != "" {
		return nil, t.brokenOff(r)
	}
	s, refusal := t.open(r.State)
	if refusal != nil {
		return nil, refusal
	}
	p, err := t.registered(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := s.bound(p, r); err != nil {
		return nil, err
	}
	fields, err := t.verify(ctx, p, s, r.IDToken)
	if err != nil {
		return nil, err
	}
	m, err := t.message(p, s, fields)
	if err != nil {
		return nil, err
	}
	if err := t.once(ctx, s, p); err != nil {
		return nil, err
	}
	return m, nil
}

// brokenOff tells why the platform sent an error instead of a token.
func (t *Tool) brokenOff(r LaunchRequest) *Refusal {
	s, _ := t.open(r.State) // only to name the platform
	reason := ReasonPlatformError
	switch strings.ToLower(r.Error) {
	case "login_required", "interaction_required", "account_selection_required", "consent_required":
		reason = ReasonLoginRequired
	case "launch_no_longer_valid":
		reason = ReasonLaunchOutdated
	}
	return refuse(reason, s.platform(), "the platform says %s: %s", quoted(r.Error), quoted(r.ErrorDescription))
}
