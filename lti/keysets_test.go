package lti

import (
	"context"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keyServer counts questions for a key set, on the clock of a synctest bubble.
type keyServer struct {
	sets  KeySets
	asked atomic.Int64
	mu    sync.Mutex
	serve http.HandlerFunc
}

const keyAddress = "https://moodle.example.edu/certs"

func newKeyServer(serve http.HandlerFunc) *keyServer {
	k := &keyServer{serve: serve}
	k.sets.HTTP = &http.Client{Transport: inside(func(w http.ResponseWriter, r *http.Request) {
		k.asked.Add(1)
		k.mu.Lock()
		serve := k.serve
		k.mu.Unlock()
		serve(w, r)
	})}
	return k
}

func (k *keyServer) now(serve http.HandlerFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.serve = serve
}

func (k *keyServer) get(kid string) ([]*rsa.PublicKey, error) {
	return k.sets.keys(context.Background(), keyAddress, kid, false)
}

// expect asks for a key and compares whether it is there and how often the
// platform was asked until now.
func (k *keyServer) expect(t *testing.T, kid string, want Reason, asked int64) {
	t.Helper()
	keys, err := k.get(kid)
	if want == "" && (err != nil || len(keys) != 1) {
		t.Errorf("key %s: %d found, error %v", kid, len(keys), err)
	}
	if want != "" && (err == nil || keyReason(err) != want) {
		t.Errorf("key %s: error %v, want %s", kid, err, want)
	}
	if got := k.asked.Load(); got != asked {
		t.Errorf("the platform was asked %d times, want %d", got, asked)
	}
}

func one(kid string) http.HandlerFunc {
	return serveKeys(jose.JSONWebKey{Key: &platformKey1().PublicKey, KeyID: kid})
}

func down(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }

func cached(life string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", life)
		serve(w, r)
	}
}

func TestKeysAreKeptAsLongAsThePlatformSays(t *testing.T) {
	for life, want := range map[string]time.Duration{
		"max-age=600": 10 * time.Minute, "public, MAX-AGE=7200": 2 * time.Hour, "": keysUnsaid, "max-age=0": keysLeast,
		"no-store": keysLeast, "max-age=99999999999999": keysMost, "s-maxage=5": keysUnsaid,
	} {
		synctest.Test(t, func(t *testing.T) {
			k := newKeyServer(cached(life, one("a")))
			k.expect(t, "a", "", 1)
			time.Sleep(want - time.Second)
			k.expect(t, "a", "", 1)
			time.Sleep(time.Second)
			k.expect(t, "a", "", 2)
		})
	}
}

func TestUnknownKeysAreAskedForOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyServer(one("a"))
		k.expect(t, "a", "", 1)
		for i := range 50 {
			k.expect(t, fmt.Sprintf("made up %d", i), ReasonKeyUnknown, 1)
		}
		time.Sleep(keysPause)
		k.expect(t, "b", ReasonKeyUnknown, 2)
		k.expect(t, "c", ReasonKeyUnknown, 2)
		time.Sleep(keysPause)
		k.now(one("b"))
		k.expect(t, "b", "", 3)
	})
}

func TestOldKeysServeWhileThePlatformIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyServer(cached("max-age=600", one("a")))
		k.expect(t, "a", "", 1)
		k.now(down)
		time.Sleep(10 * time.Minute)
		k.expect(t, "a", "", 2)
		k.expect(t, "a", "", 2) // not asked again for each launch
		time.Sleep(23 * time.Hour)
		k.expect(t, "a", "", 3)
		time.Sleep(time.Hour)
		k.expect(t, "a", ReasonKeysUnreachable, 4)
		k.expect(t, "a", ReasonKeysUnreachable, 4)
		k.now(one("a"))
		time.Sleep(keysRetry)
		k.expect(t, "a", "", 5)
	})
}

func TestManyLaunchesShareOneQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := one("a")
		k := newKeyServer(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(3 * time.Second)
			answer(w, r)
		})
		// The first who asks goes away; the others don't notice.
		impatient, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := k.sets.keys(impatient, keyAddress, "a", false); err == nil {
				t.Error("did not stop when told to")
			}
		})
		synctest.Wait()
		for range 200 {
			group.Go(func() {
				if keys, err := k.get("a"); err != nil || len(keys) != 1 {
					t.Errorf("%d keys, error %v", len(keys), err)
				}
			})
		}
		group.Wait()
		if got := k.asked.Load(); got != 1 {
			t.Errorf("asked %d times", got)
		}
	})
}

func TestSlowKeySet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyServer(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		k.expect(t, "a", ReasonKeysSlow, 1)
		if took := time.Since(start); took != keysTimeout {
			t.Errorf("waited %s", took)
		}
		k.expect(t, "a", ReasonKeysSlow, 1) // nobody waits twice in a row
	})
}

// TestDrippingKeySet needs a real connection: headers come at once, the body
// never ends.
func TestDrippingKeySet(t *testing.T) {
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-r.Context().Done():
				return
			default:
			}
			if _, err := w.Write([]byte(strings.Repeat(" ", 1<<16))); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	defer close(stop)
	var sets KeySets
	_, err := sets.Check(context.Background(), server.URL)
	if keyReason(err) != ReasonKeysTooLarge {
		t.Errorf("got %v", err)
	}
}

func TestUsableKeysAreTakenFromAMixedSet(t *testing.T) {
	set := `{"keys":[{"kty":"EC","kid":"ec","crv":"P-256","x":"AA","y":"AA"},{"kty":7},"junk",` +
		`{"kty":"RSA","kid":"even","n":"` + unpadded.EncodeToString(platformKey1().N.Bytes()) + `","e":"Ag"},` +
		`{"kty":"RSA","kid":"good","use":"sig","alg":"RS256","x5c":["junk"],"n":"` + unpadded.EncodeToString(platformKey1().N.Bytes()) + `","e":"AQAB"}]}`
	keys, err := parseKeys([]byte(set))
	if err != nil || len(keys) != 1 || keys[0].id != "good" || !keys[0].rsa.Equal(&platformKey1().PublicKey) {
		t.Errorf("got %v, error %v", keys, err)
	}
}
