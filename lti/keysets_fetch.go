package lti

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// Bounds of a platform's key set.
const (
	largestKeys  = 1 << 20 // bytes
	mostKeys     = 64
	smallestRSA  = 2048 // bits (Security Framework 1.0, section 6.1)
	largestRSA   = 8192 // bits; larger ones only cost time
	keysRedirect = 3
)

// keyError is a key set that can't be used, and the reason of the refusal
// that follows.
type keyError struct {
	reason Reason
	err    error
}

func (e *keyError) Error() string { return e.err.Error() }
func (e *keyError) Unwrap() error { return e.err }

func keyReason(err error) Reason {
	if known, ok := errors.AsType[*keyError](err); ok {
		return known.reason
	}
	return ReasonKeysUnreachable
}

// fetch asks for a key set (RFC 7517, section 5). Life is how long it may be kept.
func (s *KeySets) fetch(ctx context.Context, address string) (keys []platformKey, life time.Duration, err error) {
	if _, err := SecureURL(address); err != nil {
		return nil, 0, &keyError{ReasonKeysAddress, err}
	}
	ctx, cancel := context.WithTimeout(ctx, keysTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, &keyError{ReasonKeysAddress, err}
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	got, err := exchange(s.HTTP, request, largestKeys, keysRedirect, false)
	switch {
	case errors.Is(err, errRedirect):
		return nil, 0, &keyError{ReasonKeysRedirect, err}
	case errors.Is(err, errTooLarge):
		return nil, 0, &keyError{ReasonKeysTooLarge, err}
	case errors.Is(err, context.DeadlineExceeded):
		return nil, 0, &keyError{ReasonKeysSlow, fmt.Errorf("no answer within %s", keysTimeout)}
	case err != nil:
		return nil, 0, &keyError{ReasonKeysUnreachable, err}
	case got.status != http.StatusOK:
		return nil, 0, &keyError{ReasonKeysUnreachable, fmt.Errorf("the platform answers with status %d", got.status)}
	}
	keys, err = parseKeys(got.body)
	return keys, keyLife(got.header), err
}

// parseKeys takes what can verify RS256 and leaves the rest.
func parseKeys(body []byte) ([]platformKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if nesting(body) > deepest {
		return nil, &keyError{ReasonKeysMalformed, errors.New("nested too deep")}
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, &keyError{ReasonKeysMalformed, fmt.Errorf("not a JSON Web Key Set: %w", err)}
	}
	switch {
	case len(set.Keys) == 0:
		return nil, &keyError{ReasonKeysEmpty, errors.New("the set has no keys")}
	case len(set.Keys) > mostKeys:
		return nil, &keyError{ReasonKeysTooMany, fmt.Errorf("the set has %d keys; at most %d are taken", len(set.Keys), mostKeys)}
	}
	var keys []platformKey
	var left []string
	for _, raw := range set.Keys {
		key, err := parseKey(raw)
		if err != nil {
			left = append(left, err.Error())
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, &keyError{ReasonKeysUnusable, fmt.Errorf("no key for RS256: %s", strings.Join(left, "; "))}
	}
	return keys, nil
}

func parseKey(raw []byte) (platformKey, error) {
	// Certificates are not looked at, so they can't spoil a key either.
	var fields struct {
		Kty string `json:"kty"`
		Kid string `json:"kid"`
		Use string `json:"use"`
		Alg string `json:"alg"`
		N   string `json:"n"`
		E   string `json:"e"`
		D   string `json:"d"`
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return platformKey{}, errors.New("one can't be read")
	}
	named := "key " + quoted(fields.Kid)
	switch {
	case fields.Kty != "RSA":
		return platformKey{}, fmt.Errorf("%s is of type %s", named, quoted(fields.Kty))
	case fields.Use != "" && fields.Use != "sig":
		return platformKey{}, fmt.Errorf("%s is for %s, not for signatures", named, quoted(fields.Use))
	case fields.Alg != "" && fields.Alg != string(jose.RS256):
		return platformKey{}, fmt.Errorf("%s is for %s", named, quoted(fields.Alg))
	case fields.D != "":
		return platformKey{}, fmt.Errorf("%s is a private key that everybody can read", named)
	case len(fields.Kid) > longestID:
		return platformKey{}, fmt.Errorf("%s has too long a name", named)
	}
	bare, _ := json.Marshal(map[string]string{"kty": "RSA", "n": fields.N, "e": fields.E})
	var key jose.JSONWebKey
	if err := json.Unmarshal(bare, &key); err != nil {
		return platformKey{}, fmt.Errorf("%s can't be read", named)
	}
	public, ok := key.Key.(*rsa.PublicKey)
	switch {
	case !ok || public.E < 3 || public.E%2 == 0:
		return platformKey{}, fmt.Errorf("%s is no RSA key", named)
	case public.N.BitLen() < smallestRSA || public.N.BitLen() > largestRSA:
		return platformKey{}, fmt.Errorf("%s has %d bits", named, public.N.BitLen())
	}
	return platformKey{id: fields.Kid, rsa: public}, nil
}

var maxAge = regexp.MustCompile(`(?i)(?:^|[\s,])max-age\s*=\s*"?([0-9]{1,10})`)

// keyLife is how long a platform lets its keys be kept (RFC 9111, section
// 5.2.2), within bounds.
func keyLife(header http.Header) time.Duration {
	said := strings.ToLower(strings.Join(header.Values("Cache-Control"), ", "))
	if strings.Contains(said, "no-store") || strings.Contains(said, "no-cache") {
		return keysLeast
	}
	found := maxAge.FindStringSubmatch(said)
	if found == nil {
		return keysUnsaid
	}
	seconds, _ := strconv.Atoi(found[1])
	seconds = min(seconds, int(keysMost/time.Second))
	return max(time.Duration(seconds)*time.Second, keysLeast)
}
