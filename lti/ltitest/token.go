package ltitest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
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
		write(w, hugeBody())
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
