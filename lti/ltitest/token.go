package ltitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Scopes of the services.
const (
	ScopeLineItem         = ags + "scope/lineitem"
	ScopeLineItemReadOnly = ags + "scope/lineitem.readonly"
	ScopeResult           = ags + "scope/result.readonly"
	ScopeScore            = ags + "scope/score"
	ScopeRoster           = nrps + "scope/contextmembership.readonly"
)

var allScopes = []string{ScopeLineItem, ScopeLineItemReadOnly, ScopeResult, ScopeScore, ScopeRoster}

func (t *Tool) grants(scope string) bool {
	return slices.Contains(allScopes, scope) && (t.Scopes == nil || slices.Contains(t.Scopes, scope))
}

func (p *Platform) gradeScopes(t *Tool) []string {
	granted := []string{}
	for _, s := range allScopes {
		if s != ScopeRoster && t.grants(s) {
			granted = append(granted, s)
		}
	}
	return granted
}

type accessToken struct {
	client string
	scopes []string
	ends   time.Time
}

// RevokeTokens makes all tokens given so far fail with 401.
func (p *Platform) RevokeTokens() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.tokens)
}

// serveToken is the token endpoint (Security Framework 1.0, section 4.1).
func (p *Platform) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if p.cfg.Kind == Moodle {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	fault := p.Faults().Token
	switch fault {
	case GarbageToken:
		fmt.Fprint(w, "<html><body>Welcome back!</body></html>")
		return
	case EmptyToken:
		fmt.Fprint(w, `{"token_type":"Bearer","expires_in":3600}`)
		return
	case HugeToken:
		w.Write(hugeBody())
		return
	case InvalidClient, InvalidScope:
		refuseToken(w, string(fault), "a fault was set")
		return
	}
	client, scopes, refusal := p.examine(r)
	if refusal != nil {
		p.cfg.Log.Info("pretend platform refuses a token", "why", refusal)
		refuseToken(w, refusal.code, refusal.description)
		return
	}
	token := randomHex(20)
	if fault == NoScopes {
		scopes = []string{}
	}
	if fault != DeadToken {
		p.keepToken(token, client, scopes)
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": strings.Join(scopes, " "),
	})
}

func (p *Platform) keepToken(token, client string, scopes []string) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	life := p.faults.TokenLife
	if life == 0 {
		life = time.Hour
	}
	for t, a := range p.tokens {
		if now.After(a.ends) {
			delete(p.tokens, t)
		}
	}
	p.tokens[token] = &accessToken{client: client, scopes: scopes, ends: now.Add(life)}
}

func refuseToken(w http.ResponseWriter, code, description string) {
	w.WriteHeader(http.StatusBadRequest)
	writeJSON(w, map[string]string{"error": code, "error_description": description})
}

// examine verifies a token request and gives who asks, and which of the
// scopes asked for are granted. Others are dropped silently.
func (p *Platform) examine(r *http.Request) (client string, scopes []string, refused *authRefusal) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return "", nil, &authRefusal{"invalid_request", "Content-Type must be application/x-www-form-urlencoded"}
	}
	if err := r.ParseForm(); err != nil {
		return "", nil, &authRefusal{"invalid_request", err.Error()}
	}
	f := r.PostForm
	if f.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || f.Get("grant_type") != "client_credentials" {
		return "", nil, &authRefusal{"unsupported_grant_type", "grant_type or client_assertion_type is wrong"}
	}
	client, err := p.assertion(r.Context(), f.Get("client_assertion"))
	if err != nil {
		return "", nil, &authRefusal{"invalid_client", err.Error()}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.tool(client)
	for _, s := range strings.Fields(f.Get("scope")) {
		if t.grants(s) {
			scopes = append(scopes, s)
		}
	}
	if len(scopes) == 0 {
		return "", nil, &authRefusal{"invalid_scope", "none of the scopes is granted"}
	}
	return client, scopes, nil
}

// assertion verifies a client assertion (RFC 7523, section 3).
func (p *Platform) assertion(ctx context.Context, text string) (client string, err error) {
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", fmt.Errorf("client_assertion is no RS256 token: %w", err)
	}
	var unverified jwt.Claims
	if err := token.UnsafeClaimsWithoutVerification(&unverified); err != nil {
		return "", err
	}
	c, err := p.verified(ctx, token, unverified.Subject)
	if err != nil {
		return "", err
	}
	now := p.now()
	// Moodle allows no skew at all, Canvas some.
	skew := time.Duration(0)
	if p.cfg.Kind == Canvas {
		skew = 30 * time.Second
	}
	switch {
	case c.Issuer != c.Subject:
		return "", fmt.Errorf("iss %q and sub %q differ", c.Issuer, c.Subject)
	case !slices.Contains([]string(c.Audience), p.TokenURL()):
		return "", fmt.Errorf("aud %q is not the token URL %s", c.Audience, p.TokenURL())
	case c.IssuedAt == nil || c.Expiry == nil:
		return "", errors.New("iat or exp is missing")
	case c.IssuedAt.Time().After(now.Add(skew)):
		return "", fmt.Errorf("iat is %s in the future", c.IssuedAt.Time().Sub(now))
	case !now.Before(c.Expiry.Time().Add(skew)):
		return "", errors.New("expired")
	case c.ID == "" || !p.first("jti "+c.ID):
		return "", errors.New("jti is missing or was used before")
	}
	return c.Subject, nil
}

// verified gives the claims of a token that the tool of a client has signed.
func (p *Platform) verified(ctx context.Context, token *jwt.JSONWebToken, client string) (jwt.Claims, error) {
	set, err := p.toolKeys(ctx, client)
	if err != nil {
		return jwt.Claims{}, err
	}
	kid := token.Headers[0].KeyID
	for _, key := range set.Keys {
		var c jwt.Claims
		if key.KeyID == kid && token.Claims(key, &c) == nil {
			return c, nil
		}
	}
	return jwt.Claims{}, fmt.Errorf("none of the tool's keys with kid %q verifies the signature", kid)
}

// toolKeys reads a tool's key set.
func (p *Platform) toolKeys(ctx context.Context, client string) (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	p.mu.Lock()
	t := p.tool(client)
	var text []byte
	var from string
	pending := t != nil && t.Pending
	if t != nil {
		text, from = t.KeySet, t.KeysURL
	}
	p.mu.Unlock()
	if t == nil {
		return set, fmt.Errorf("no tool has the client id %q", client)
	}
	if pending {
		return set, fmt.Errorf("the tool %q waits for an administrator to activate it", client)
	}
	if text == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
		if err != nil {
			return set, fmt.Errorf("the tool's key set: %w", err)
		}
		response, err := p.http.Do(r)
		if err != nil {
			return set, fmt.Errorf("the tool's key set: %w", err)
		}
		defer response.Body.Close()
		if text, err = io.ReadAll(io.LimitReader(response.Body, 1<<20)); err != nil {
			return set, fmt.Errorf("the tool's key set: %w", err)
		}
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return set, fmt.Errorf("the tool's key set: %w", err)
	}
	return set, nil
}

// first tells whether an id is seen for the first time.
func (p *Platform) first(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[id] {
		return false
	}
	p.seen[id] = true
	return true
}

// bearer finds the tool whose token a request has, if the token allows one of
// the scopes.
func (p *Platform) bearer(r *http.Request, scopes ...string) (*Tool, bool) {
	token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.tokens[token]
	if !is || a == nil || !now.Before(a.ends) {
		return nil, false
	}
	return p.tool(a.client), slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(a.scopes, s) })
}

func answer(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	writeJSON(w, v)
}

func writeJSON(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		fmt.Fprintf(w, `{"error":%q}`, err)
	}
}

func readBody(r *http.Request) ([]byte, error) { return io.ReadAll(io.LimitReader(r.Body, 1<<20)) }
