package lti

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The life of one of the tool's own keys. A new key is published for
// keyAnnounced before it signs, so that whatever a platform keeps of our key
// set has it by then, and stays published for keyKept after the next one has
// taken over, so that what it signed last can still be verified.
const (
	keyBits      = 2048
	keySigns     = 90 * 24 * time.Hour
	keyAnnounced = 3 * 24 * time.Hour
	keyKept      = 3 * 24 * time.Hour
)

// Rotate gives the keys as they should be now, oldest first, and whether that
// is a change. It makes the first key, the next one when the newest has
// signed for 90 days, and removes those whose time is over.
func Rotate(keys []Key, now time.Time) ([]Key, bool) {
	sorted := slices.SortedStableFunc(slices.Values(keys), func(a, b Key) int { return a.Created.Compare(b.Created) })
	changed := false
	if n := len(sorted); n == 0 || !now.Before(sorted[n-1].Created.Add(keySigns)) {
		sorted, changed = append(sorted, newKey(now)), true
	}
	for len(sorted) > 1 && !now.Before(sorted[1].Created.Add(keyAnnounced+keyKept)) {
		sorted, changed = sorted[1:], true
	}
	return sorted, changed
}

// Signing is the key that signs now: the newest that has been published for
// long enough, or the oldest if none has. There has to be one.
func Signing(keys []Key, now time.Time) Key {
	sorted := slices.SortedStableFunc(slices.Values(keys), func(a, b Key) int { return a.Created.Compare(b.Created) })
	for _, k := range slices.Backward(sorted) {
		if !now.Before(k.Created.Add(keyAnnounced)) {
			return k
		}
	}
	return sorted[0]
}

func newKey(now time.Time) Key {
	private, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil { // only if the size were wrong
		panic(err)
	}
	return Key{ID: thumbprint(&private.PublicKey), Private: private, Created: now.UTC().Truncate(time.Second)}
}

// thumbprint names a key by itself (RFC 7638).
func thumbprint(public *rsa.PublicKey) string {
	key := jose.JSONWebKey{Key: public}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil { // only for keys that are none
		panic(err)
	}
	return unpadded.EncodeToString(sum)
}

// JWKS is the tool's key set as platforms fetch it (RFC 7517, section 5).
func JWKS(keys []Key) []byte {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &k.Private.PublicKey, KeyID: k.ID, Algorithm: string(jose.RS256), Use: "sig"})
	}
	text, _ := json.Marshal(set) // RSA keys only
	return text
}

// PEM is the private key in PKCS #8, to be kept where only the server reads.
func (k Key) PEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil { // only for keys that are none
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// ParsePEM reads what PEM wrote. Created is not in it; it decides when the
// key signs.
func ParsePEM(text []byte, created time.Time) (Key, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return Key{}, errors.New("lti: the tool's key is not a PEM block of type PRIVATE KEY")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return Key{}, fmt.Errorf("lti: the tool's key can't be read: %w", err)
	}
	private, ok := parsed.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() < smallestRSA {
		return Key{}, fmt.Errorf("lti: the tool's key has to be RSA of at least %d bits", smallestRSA)
	}
	return Key{ID: thumbprint(&private.PublicKey), Private: private, Created: created}, nil
}
