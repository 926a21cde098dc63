package lti

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TestRotation lives through two years, an hour at a time: whatever signs was
// published for long enough, and what signed stays published long enough.
func TestRotation(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := now.AddDate(2, 0, 0)
	var keys []Key
	published, signed := map[string]time.Time{}, map[string]time.Time{}
	for first := true; now.Before(end); now = now.Add(time.Hour) {
		var changed bool
		before := len(keys)
		keys, changed = Rotate(keys, now)
		if again, more := Rotate(keys, now); more || len(again) != len(keys) {
			t.Fatalf("%s: a second look changes keys", now)
		}
		if !changed && before != len(keys) {
			t.Fatalf("%s: a change was not told", now)
		}
		for _, k := range keys {
			if published[k.ID].IsZero() {
				published[k.ID] = now
			}
		}
		signing := Signing(keys, now)
		if !first && signed[signing.ID].IsZero() && now.Sub(published[signing.ID]) < keyAnnounced {
			t.Errorf("%s: a key signs %s after it was published", now, now.Sub(published[signing.ID]))
		}
		first = first && now.Sub(published[keys[0].ID]) < keyAnnounced
		signed[signing.ID] = now
		for id, last := range signed {
			if now.Sub(last) < keyKept && !strings.Contains(string(JWKS(keys)), id) {
				t.Fatalf("%s: a key that signed at %s is not published any more", now, last)
			}
		}
		if len(keys) > 2 {
			t.Fatalf("%s: %d keys", now, len(keys))
		}
	}
	if len(published) < 8 {
		t.Errorf("only %d keys in two years", len(published))
	}
}

func TestRotationAfterALongSleep(t *testing.T) {
	old := Key{ID: "old", Private: platformKey1(), Created: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
	now := old.Created.AddDate(5, 0, 0)
	keys, changed := Rotate([]Key{old}, now)
	if !changed || len(keys) != 2 || Signing(keys, now).ID != "old" {
		t.Errorf("%d keys, signing with %s", len(keys), Signing(keys, now).ID)
	}
}

func TestJWKS(t *testing.T) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(JWKS([]Key{toolKey()}), &set); err != nil {
		t.Fatal(err)
	}
	key := set.Keys[0]
	if len(set.Keys) != 1 || !key.IsPublic() || key.Use != "sig" || key.Algorithm != "RS256" || key.KeyID != toolKey().ID {
		t.Errorf("got %+v", set)
	}
	if got := string(JWKS(nil)); got != `{"keys":[]}` {
		t.Errorf("without keys: %s", got)
	}
}

func TestPEM(t *testing.T) {
	created := time.Unix(1795320403, 0).UTC()
	again, err := ParsePEM(toolKey().PEM(), created)
	if err != nil || !again.Private.Equal(toolKey().Private) || again.ID != toolKey().ID || !again.Created.Equal(created) {
		t.Errorf("got %v, error %v", again.ID, err)
	}
	for name, text := range map[string][]byte{"nothing": nil, "junk": []byte("junk"),
		"public": bytes.ReplaceAll(toolKey().PEM(), []byte("PRIVATE"), []byte("PUBLIC")),
		"cut":    []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
		"small":  Key{Private: smallKey()}.PEM()} {
		if _, err := ParsePEM(text, created); err == nil {
			t.Errorf("%s was taken for a key", name)
		}
	}
}
