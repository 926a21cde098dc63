package lti

import (
	"context"
	"crypto/rsa"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Bounds of a token.
const (
	// Skew is by how much the clocks of a platform and of this server may differ.
	Skew = 5 * time.Minute

	longestToken = 64 << 10 // bytes
	deepest      = 16       // objects and lists within each other
	longestID    = 255      // characters (LTI Core 1.3, sections 5.3.3 to 5.3.6)
	mostParties  = 16       // entries of aud
)

// verify checks a token (Security Framework 1.0, section 5.1.3) and returns
// its claims. What only leads to a refusal is looked at before the signature,
// so that a stranger's token does not make us ask anybody for keys.
func (t *Tool) verify(ctx context.Context, p Platform, s state, token string) (object, error) {
	kid, refusal := readHeader(p, token)
	if refusal != nil {
		return object{}, refusal
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return object{}, refuse(ReasonTokenMalformed, p, "%v", err)
	}
	fields, refusal := readClaims(p, jws.UnsafePayloadWithoutVerification())
	if refusal != nil {
		return object{}, refusal
	}
	if refusal := meantFor(p, fields); refusal != nil {
		return object{}, refusal
	}
	if err := t.signed(ctx, p, jws, kid); err != nil {
		return object{}, err
	}
	if refusal := t.timely(p, s, fields); refusal != nil {
		return object{}, refusal
	}
	return fields, nil
}

// readHeader looks at what a token says of its own signature, and believes
// none of it but the key's name.
func readHeader(p Platform, token string) (kid string, _ *Refusal) {
	switch {
	case token == "":
		return "", refuse(ReasonTokenMissing, p, "the launch has no id_token")
	case len(token) > longestToken:
		return "", refuse(ReasonTokenTooLarge, p, "id_token of %d bytes; at most %d are taken", len(token), longestToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", refuse(ReasonTokenMalformed, p, "id_token has %d parts instead of 3", len(parts))
	}
	raw, err := unpadded.DecodeString(parts[0])
	var h object
	if err == nil {
		h, err = decode(raw)
	}
	if err != nil || nesting(raw) > deepest {
		return "", refuse(ReasonTokenMalformed, p, "the header of the id_token can't be read: %v", err)
	}
	alg := h.text("alg")
	switch {
	case strings.EqualFold(alg, "none") || parts[2] == "":
		return "", refuse(ReasonTokenUnsigned, p, "alg %s, signature of %d characters", quoted(alg), len(parts[2]))
	case alg != string(jose.RS256):
		return "", refuse(ReasonTokenAlgorithm, p, "alg %s; only RS256 is taken", quoted(alg))
	}
	for _, name := range []string{"jwk", "jku", "x5u", "x5c"} {
		if _, there := h.fields[name]; there {
			return "", refuse(ReasonTokenBringsKey, p, "the header of the id_token brings a key of its own in %q", name)
		}
	}
	if _, there := h.fields["crit"]; there {
		return "", refuse(ReasonTokenCritical, p, "the header of the id_token has critical entries, and none are known")
	}
	if h.has("kid") {
		kid = h.id("kid")
	}
	return kid, h.refusal(p)
}

// readClaims takes the payload apart without looking into it.
func readClaims(p Platform, payload []byte) (object, *Refusal) {
	if deep := nesting(payload); deep > deepest {
		return object{}, refuse(ReasonTokenTooDeep, p, "claims are nested %d deep; at most %d is taken", deep, deepest)
	}
	fields, err := decode(payload)
	if err != nil {
		return object{}, refuse(ReasonTokenMalformed, p, "the claims can't be read: %v", err)
	}
	return fields, nil
}

// nesting is how deep a JSON text is nested, in lists and objects.
func nesting(text []byte) int {
	deep, most, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			deep++
			most = max(most, deep)
		case c == ']' || c == '}':
			deep--
		}
	}
	return most
}

// meantFor checks who wrote the token and for whom.
func meantFor(p Platform, fields object) *Refusal {
	if issuer := fields.text("iss"); issuer != p.Issuer {
		return refuse(ReasonIssuer, p, "the token's iss is %s", quoted(issuer))
	}
	var parties []string
	if _, several := fields.fields["aud"].([]any); several {
		parties = fields.list("aud")
	} else if fields.has("aud") {
		parties = []string{fields.text("aud")}
	}
	if len(parties) > mostParties || !slices.Contains(parties, p.ClientID) {
		return refuse(ReasonAudience, p, "the token's aud is %s", quoted(strings.Join(parties, " ")))
	}
	switch azp := fields.text("azp"); {
	case azp == "" && len(parties) > 1:
		return refuse(ReasonPartyMissing, p, "the token has %d audiences and no azp", len(parties))
	case azp != "" && azp != p.ClientID:
		return refuse(ReasonParty, p, "the token's azp is %s", quoted(azp))
	}
	return fields.refusal(p)
}

// signed checks the signature with the platform's keys; if none fits, once
// more with its keys as they are now, should those be known for a while.
func (t *Tool) signed(ctx context.Context, p Platform, jws *jose.JSONWebSignature, kid string) error {
	for _, anew := range []bool{false, true} {
		keys, err := t.KeySets.keys(ctx, p.KeysURL, kid, anew)
		if err != nil {
			return refuse(keyReason(err), p, "kid %s, key set %s: %v", quoted(kid), quoted(p.KeysURL), err)
		}
		if slices.ContainsFunc(keys, func(k *rsa.PublicKey) bool { _, err := jws.Verify(k); return err == nil }) {
			return nil
		}
	}
	return refuse(ReasonSignature, p, "no key of %s fits the token's signature; kid %s", quoted(p.KeysURL), quoted(kid))
}

// timely checks exp, iat, nbf and nonce. A token that is older than its own
// login can't have been made for it.
func (t *Tool) timely(p Platform, s state, fields object) *Refusal {
	if !fields.has("exp") || !fields.has("iat") {
		return refuse(ReasonTokenTimeless, p, "the token lacks exp or iat")
	}
	now := t.now()
	expires, issued := fields.time("exp"), fields.time("iat")
	if refusal := fields.refusal(p); refusal != nil {
		return refusal
	}
	switch {
	case issued.After(now.Add(Skew)):
		return refuse(ReasonTokenFuture, p, "the token's iat is %s ahead of this server's clock", issued.Sub(now).Round(time.Second))
	case !expires.Add(Skew).After(now) || expires.Before(issued):
		return refuse(ReasonTokenExpired, p, "the token ran out %s ago; its life was %s", now.Sub(expires).Round(time.Second), expires.Sub(issued))
	case issued.Before(s.begun().Add(-Skew)):
		return refuse(ReasonTokenStale, p, "the token's iat is %s before the login", s.begun().Sub(issued).Round(time.Second))
	case fields.has("nbf") && fields.time("nbf").After(now.Add(Skew)):
		return refuse(ReasonTokenEarly, p, "the token's nbf is %s ahead of this server's clock", fields.time("nbf").Sub(now).Round(time.Second))
	}
	if nonce := fields.text("nonce"); !same(nonce, t.nonce(s)) {
		return refuse(ReasonNonce, p, "the token's nonce (%d bytes) is not the login's", len(nonce))
	}
	return fields.refusal(p)
}

// unixTime reads a NumericDate (RFC 7519, section 2) of the years 1970 to 9999.
func unixTime(seconds float64) (time.Time, bool) {
	if math.IsNaN(seconds) || seconds < 0 || seconds > 253402300799 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0).UTC(), true
}
