package mirror

import (
	"context"
	"sync"
	"time"
)

// guestRequests is how many requests of one guest are answered at a time.
const guestRequests = 4

// shares are what each guest may take.
type shares struct {
	burst, rate int64

	mu     sync.Mutex
	guests map[string]*share
	swept  time.Time
}

// share is one guest's.
type share struct {
	rate  int64
	burst int64
	turns chan struct{}

	mu     sync.Mutex
	bytes  int64     // that may still be taken; below zero they are owed
	at     time.Time // when bytes was true
	logged time.Time
	left   int // out of the log since
}

// of returns a guest's share. Shares that have filled up again are forgotten:
// a new one is as good.
func (s *shares) of(guest string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.swept) > time.Minute {
		s.swept = now
		for name, other := range s.guests {
			if other.idle(now) {
				delete(s.guests, name)
			}
		}
	}
	mine := s.guests[guest]
	if mine == nil {
		mine = &share{rate: s.rate, burst: s.burst, turns: make(chan struct{}, guestRequests), bytes: s.burst, at: now}
		s.guests[guest] = mine
	}
	return mine
}

// enter waits for the guest's turn.
func (s *share) enter(ctx context.Context) (leave func(), err error) {
	select {
	case s.turns <- struct{}{}:
		return func() { <-s.turns }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// pay takes n bytes from the share and waits until they are earned.
func (s *share) pay(ctx context.Context, n int64) error {
	s.mu.Lock()
	s.earn(time.Now())
	s.bytes -= n
	wait := time.Duration(float64(-s.bytes) / float64(s.rate) * float64(time.Second))
	s.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// earn adds what the time since the last look is worth.
func (s *share) earn(now time.Time) {
	s.bytes = min(s.burst, s.bytes+int64(now.Sub(s.at).Seconds()*float64(s.rate)))
	s.at = now
}

func (s *share) idle(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.earn(now)
	return len(s.turns) == 0 && s.bytes == s.burst
}

// mayLog says whether a line may be written, and how many were left out.
func (s *share) mayLog() (left int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.logged) < time.Second {
		s.left++
		return 0, false
	}
	left, s.left, s.logged = s.left, 0, now
	return left, true
}
