package guests

import (
	"sync"
	"time"
)

// How often a user may start, stop and reset: so many at once, and then one
// each pause.
const (
	throttleBurst = 6
	throttlePause = 30 * time.Second
)

// Throttle slows those who start, stop or reset without end, and nobody else.
// The zero Throttle is ready for use.
type Throttle struct {
	mu sync.Mutex
	// full is when a user may do as much as ever again; missing is now.
	full map[uint]time.Time
}

// Take counts something that a user does. It returns how long they have to wait
// where it is too much; then it does not count.
func (t *Throttle) Take(user uint) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.full == nil {
		t.full = map[uint]time.Time{}
	}
	for u, at := range t.full {
		if at.Before(now) {
			delete(t.full, u)
		}
	}
	full := latest(now, new(t.full[user])).Add(throttlePause)
	if wait := full.Sub(now) - throttleBurst*throttlePause; wait > 0 {
		return wait
	}
	t.full[user] = full
	return 0
}
