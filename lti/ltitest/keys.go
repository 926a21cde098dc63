package ltitest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

type signingKey struct {
	id      string
	private *rsa.PrivateKey
	hidden  bool // not in the key set
}

func newKey() signingKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("making an RSA key for a pretend platform: %v", err))
	}
	return signingKey{id: randomHex(10), private: private}
}

// RotateKeys signs with a new key from now on, which is in the key set at
// once. The old ones stay in the set where keepOld.
func (p *Platform) RotateKeys(keepOld bool) {
	key := newKey()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !keepOld {
		p.keys = nil
	}
	p.keys = append([]signingKey{key}, p.keys...)
}

// LoseKey signs with a key that the key set does not have, under the id of
// one that it has: as if the platform's private key had been restored from
// the wrong backup.
func (p *Platform) LoseKey() {
	key := newKey()
	key.hidden = true
	p.mu.Lock()
	defer p.mu.Unlock()
	key.id = p.keys[0].id
	p.keys = append([]signingKey{key}, p.keys...)
}

// Forgery is how to sign a token. Sign fills it as an honest platform does,
// and lets options alter it.
type Forgery struct {
	Alg string // RS256, RS512, HS256 (keyed by Secret) or none
	// Header is the whole JOSE header; Alg is not taken from it, so that both
	// can disagree.
	Header map[string]any
	Key    *rsa.PrivateKey
	Secret []byte
}

// SigningKey is the private key that signs now, and its id.
func (p *Platform) SigningKey() (*rsa.PrivateKey, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keys[0].private, p.keys[0].id
}

// Sign makes a compact token of claims: any value that marshals to JSON, also
// json.RawMessage. Without alterations it is signed as the platform does.
func (p *Platform) Sign(claims any, alter ...func(*Forgery)) string {
	key, kid := p.SigningKey()
	f := Forgery{Alg: "RS256", Key: key, Header: map[string]any{"typ": "JWT", "alg": "RS256", "kid": kid}}
	for _, a := range alter {
		a(&f)
	}
	head, err := json.Marshal(f.Header)
	if err != nil {
		panic(fmt.Sprintf("header of a pretend token: %v", err))
	}
	body, err := json.Marshal(claims)
	if err != nil {
		panic(fmt.Sprintf("claims of a pretend token: %v", err))
	}
	signed := encode64(head) + "." + encode64(body)
	return signed + "." + encode64(f.sign([]byte(signed)))
}

func (f Forgery) sign(text []byte) []byte {
	hash, digest := crypto.SHA256, sha256.Sum256(text)
	sum := digest[:]
	switch f.Alg {
	case "none":
		return nil
	case "HS256":
		mac := hmac.New(sha256.New, f.Secret)
		mac.Write(text)
		return mac.Sum(nil)
	case "RS512":
		hash = crypto.SHA512
		h := hash.New()
		h.Write(text)
		sum = h.Sum(nil)
	}
	signature, err := rsa.SignPKCS1v15(rand.Reader, f.Key, hash, sum)
	if err != nil {
		panic(fmt.Sprintf("signing a pretend token: %v", err))
	}
	return signature
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// KeySet is the platform's key set, as JSON.
func (p *Platform) KeySet() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var set jose.JSONWebKeySet
	for _, k := range p.keys {
		if !k.hidden {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: &k.private.PublicKey, KeyID: k.id, Algorithm: "RS256", Use: "sig"})
		}
	}
	if p.faults.KeySet == WrongKid {
		for i := range set.Keys {
			set.Keys[i].KeyID = "another-" + set.Keys[i].KeyID
		}
	}
	text, err := json.Marshal(set)
	if err != nil {
		panic(fmt.Sprintf("key set of a pretend platform: %v", err))
	}
	return text
}

func (p *Platform) serveKeys(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	switch fault := p.Faults().KeySet; fault {
	case EmptyKeys:
		fmt.Fprint(w, `{"keys":[]}`)
	case GarbageKeys:
		fmt.Fprint(w, `<html><body>We are upgrading.</body></html>`)
	case HugeKeys:
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","n":"%s"}]}`, strings.Repeat("A", 16<<20))
	case LoopingKeys:
		// The query keeps a client from noticing the same address.
		http.Redirect(w, r, r.URL.Path+"?again="+randomHex(4), http.StatusFound)
	case MissingKeys:
		http.Error(w, `{"error":"not found"}`, http.StatusNotFound)
	case SlowKeys:
		p.dribble(w, r)
	default:
		write(w, p.KeySet())
	}
}
