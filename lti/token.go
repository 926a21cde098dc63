package lti

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	assertionBehind = 5 * time.Second // an iat in a platform's future is refused
	assertionLife   = 4 * time.Minute
	clockSlack      = 3 * time.Second // Date headers are whole seconds, and travel
)

// grant is an access token, shared by all who ask for the same scopes.
type grant struct {
	turn   chan struct{} // one at a time fetches; holds a token while nobody does
	token  string
	scopes []string  // granted; nil where the platform did not say
	until  time.Time // not to be used any more
}

// token returns an access token for one of the sets of scopes, the first that
// the platform grants. It is kept until shortly before it expires.
func (c *Client) token(ctx context.Context, p Platform, sets [][]string) (string, error) {
	var err error
	for _, set := range sets {
		var token string
		if token, _, err = c.grant(ctx, p, set); err == nil {
			return token, nil
		}
		if !errors.Is(err, ErrScope) {
			break
		}
	}
	return "", err
}

// ErrScope is within errors where a platform grants Labmark no such service.
var ErrScope = errors.New("the platform does not grant this scope to Labmark")

// grant returns a token for a set of scopes, from the cache or a fresh one.
func (c *Client) grant(ctx context.Context, p Platform, scopes []string) (string, []string, error) {
	scope := strings.Join(slices.Sorted(slices.Values(scopes)), " ")
	id := strings.Join([]string{p.Issuer, p.ClientID, p.TokenURL, scope}, "\n")
	c.mu.Lock()
	if c.grants == nil {
		c.grants, c.offset = map[string]*grant{}, map[string]time.Duration{}
	}
	g := c.grants[id]
	if g == nil {
		g = &grant{turn: make(chan struct{}, 1)}
		g.turn <- struct{}{}
		c.grants[id] = g
	}
	c.mu.Unlock()

	select {
	case <-g.turn:
		defer func() { g.turn <- struct{}{} }()
	case <-ctx.Done():
		return "", nil, &ServiceError{Op: OpToken, URL: bare(p.TokenURL), Err: ctx.Err()}
	}
	c.mu.Lock()
	token, granted, until := g.token, g.scopes, g.until
	c.mu.Unlock()
	if token != "" && c.now().Before(until) {
		return token, granted, nil
	}
	fresh, err := c.fetchToken(ctx, p, scopes, scope)
	if err != nil {
		return "", nil, err
	}
	c.mu.Lock()
	g.token, g.scopes, g.until = fresh.token, fresh.scopes, fresh.until
	c.mu.Unlock()
	return fresh.token, fresh.scopes, nil
}

// drop forgets a token that a service has refused.
func (c *Client) drop(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.grants {
		if g.token == token {
			g.token = ""
		}
	}
}

// fetchToken asks the token endpoint (Security Framework 1.0, section 4.1). If
// it refuses and its clock is another than ours, it is asked again by its own.
func (c *Client) fetchToken(ctx context.Context, p Platform, scopes []string, scope string) (*grant, error) {
	asked := c.now()
	a, k, err := c.askToken(ctx, p, scope, asked)
	if err != nil {
		return nil, err
	}
	if off, known := c.learn(p, a, asked); known && off != 0 && a.status >= 400 && a.status < 500 && !scopeRefused(a) {
		if a, k, err = c.askToken(ctx, p, scope, asked.Add(off)); err != nil {
			return nil, err
		}
	}
	if scopeRefused(a) {
		e := c.refused(k, a)
		e.Err = ErrScope
		return nil, e
	}
	if a.status < 200 || a.status > 299 {
		return nil, c.refused(k, a)
	}
	g, err := readToken(a.body, asked)
	if err != nil {
		// The answer may hold a token, so it is not shown.
		return nil, &ServiceError{Op: OpToken, URL: bare(k.url), Status: a.status, Err: err}
	}
	if g.scopes != nil && !slices.ContainsFunc(scopes, func(s string) bool { return slices.Contains(g.scopes, s) }) {
		return nil, &ServiceError{Op: OpToken, URL: bare(k.url), Status: a.status, Err: ErrScope}
	}
	return g, nil
}

// scopeRefused recognises the error code of RFC 6749, section 5.2.
func scopeRefused(a *answer) bool {
	return a.status >= 400 && a.status < 500 && strings.Contains(string(a.body), "invalid_scope")
}

// learn notes how far the platform's clock is ahead of ours.
func (c *Client) learn(p Platform, a *answer, asked time.Time) (time.Duration, bool) {
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return 0, false
	}
	off := date.Sub(asked)
	if off.Abs() <= clockSlack || off.Abs() > 24*time.Hour {
		off = 0
	}
	c.mu.Lock()
	c.offset[p.TokenURL] = off
	c.mu.Unlock()
	return off, true
}

// askToken makes one request for a token, signed as of the given time.
func (c *Client) askToken(ctx context.Context, p Platform, scope string, at time.Time) (*answer, call, error) {
	k := call{op: OpToken, method: http.MethodPost, url: p.TokenURL,
		accept: "application/json", content: "application/x-www-form-urlencoded"}
	assertion, err := c.assertion(ctx, p, at)
	if err != nil {
		return nil, k, &ServiceError{Op: OpToken, URL: bare(k.url), Err: err}
	}
	k.body = []byte(url.Values{
		"grant_type":            {"client_credentials"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
		"scope":                 {scope},
	}.Encode())
	a, err := c.send(ctx, k, "")
	return a, k, err
}

// assertion signs who we are (RFC 7523, section 3).
func (c *Client) assertion(ctx context.Context, p Platform, at time.Time) (string, error) {
	keys, err := c.Keys(ctx)
	if err != nil {
		return "", fmt.Errorf("the tool's own keys: %w", err)
	}
	if len(keys) == 0 {
		return "", errors.New("the tool has no key to sign with")
	}
	// Which key signs goes by our clock, whatever the platform's says.
	key := Signing(keys, c.now())
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256,
		Key: jose.JSONWebKey{Key: key.Private, KeyID: key.ID}}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign an assertion: %w", err)
	}
	audience := p.Audience
	if audience == "" {
		audience = p.TokenURL
	}
	return jwt.Signed(signer).Claims(map[string]any{
		"iss": p.ClientID, "sub": p.ClientID, "aud": audience, "jti": rand.Text(),
		"iat": at.Add(-assertionBehind).Unix(), "exp": at.Add(assertionLife).Unix(),
	}).Serialize()
}

// readToken understands a token endpoint's answer, of whatever media type:
// Moodle says text/html (RFC 6749, section 5.1).
func readToken(body []byte, now time.Time) (*grant, error) {
	var in struct {
		Token   string      `json:"access_token"`
		Type    string      `json:"token_type"`
		Expires json.Number `json:"expires_in"`
		Scope   *string     `json:"scope"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, errors.New("the token endpoint's answer is not the JSON that is due")
	}
	if in.Type != "" && !strings.EqualFold(in.Type, "bearer") {
		return nil, fmt.Errorf("the token is of type %q, not Bearer", excerpt([]byte(in.Type)))
	}
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if in.Token == "" || len(in.Token) > 1<<14 || strings.ContainsFunc(in.Token, odd) {
		return nil, errors.New("the token endpoint's answer has no usable access_token")
	}
	life := 5 * time.Minute // where not said
	if s, err := in.Expires.Float64(); err == nil && s > 0 {
		life = time.Duration(min(s, 86400) * float64(time.Second))
	}
	g := &grant{token: in.Token, until: now.Add(life - min(life/4, time.Minute))}
	if in.Scope != nil && *in.Scope != "" {
		g.scopes = strings.Fields(*in.Scope)
	}
	return g, nil
}
