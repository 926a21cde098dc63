package lti

import (
	"context"
	"crypto/rsa"
	"errors"
	"net/http"
	"sync"
	"time"
)

// How long a platform's key set is believed, and how often it is asked for.
const (
	keysUnsaid  = time.Hour        // where the platform says nothing
	keysLeast   = time.Minute      // even where it says "no-store"
	keysMost    = 24 * time.Hour   // even where it says a year
	keysStale   = 24 * time.Hour   // longer than that, while the platform is down
	keysPause   = time.Minute      // between two questions for a key that is not there
	keysRetry   = 5 * time.Second  // after a failure, while there are no keys at all
	keysTimeout = 10 * time.Second // for one question
)

// KeySets are the public keys of platforms, by the address of their key set.
// The zero value works. It is safe for concurrent use.
type KeySets struct {
	HTTP *http.Client     // nil means a client of its own
	Now  func() time.Time // nil means time.Now

	mu   sync.Mutex
	sets map[string]*keySet
}

// keySet is what is known of one address. KeySets.mu guards it.
type keySet struct {
	keys    []platformKey
	expires time.Time
	asked   time.Time // when the last question was answered or given up
	failed  error     // of the last question; nil if it was answered
	asking  chan struct{}
}

// platformKey is one usable key.
type platformKey struct {
	id  string // kid; may be empty
	rsa *rsa.PublicKey
}

// Check fetches a key set now, past the cache, and returns how many usable
// keys it has. For tests of a platform by hand.
func (s *KeySets) Check(ctx context.Context, address string) (int, error) {
	keys, _, err := s.fetch(ctx, address)
	return len(keys), err
}

// keys are those that may have made a signature: the ones named kid, or all
// for a token without kid. With anew, keys that have been known for a while
// are fetched first: the platform may have changed them under the same name.
func (s *KeySets) keys(ctx context.Context, address, kid string, anew bool) ([]*rsa.PublicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.set(address)
	if set.asking == nil && s.ask(set, kid, anew) {
		set.asking = make(chan struct{})
		go s.refresh(context.WithoutCancel(ctx), address, set)
	}
	if asking := set.asking; asking != nil {
		s.mu.Unlock()
		select {
		case <-asking:
		case <-ctx.Done():
		}
		s.mu.Lock()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.answer(set, kid)
}

func (s *KeySets) set(address string) *keySet {
	if s.sets == nil {
		s.sets = map[string]*keySet{}
	}
	if s.sets[address] == nil {
		s.sets[address] = &keySet{}
	}
	return s.sets[address]
}

func (s *KeySets) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// ask says whether the platform has to be asked before an answer.
func (s *KeySets) ask(set *keySet, kid string, anew bool) bool {
	now := s.now()
	since := now.Sub(set.asked)
	switch {
	case set.asked.IsZero():
		return true
	case len(set.usable(now)) == 0:
		return since >= keysRetry
	case since < keysPause:
		return false
	}
	return anew || !now.Before(set.expires) || len(set.named(kid)) == 0
}

// usable are the keys, unless they have been stale for too long.
func (set *keySet) usable(now time.Time) []platformKey {
	if now.Sub(set.expires) >= keysStale {
		return nil
	}
	return set.keys
}

func (set *keySet) named(kid string) []*rsa.PublicKey {
	var found []*rsa.PublicKey
	for _, k := range set.keys {
		if kid == "" || k.id == kid {
			found = append(found, k.rsa)
		}
	}
	return found
}

func (s *KeySets) answer(set *keySet, kid string) ([]*rsa.PublicKey, error) {
	if len(set.usable(s.now())) == 0 {
		return nil, set.failed
	}
	if found := set.named(kid); len(found) > 0 {
		return found, nil
	}
	err := errors.New("no key of that name in the set")
	if set.failed != nil {
		err = errors.Join(err, set.failed)
	}
	return nil, &keyError{ReasonKeyUnknown, err}
}

// refresh puts the question, for all who wait. It outlives whoever asked
// first, by keysTimeout at most.
func (s *KeySets) refresh(ctx context.Context, address string, set *keySet) {
	keys, life, err := s.fetch(ctx, address)
	s.mu.Lock()
	defer s.mu.Unlock()
	set.asked, set.failed = s.now(), err
	if err == nil {
		set.keys, set.expires = keys, set.asked.Add(life)
	}
	close(set.asking)
	set.asking = nil
}
