package ltitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

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
