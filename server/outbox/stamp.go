package outbox

import (
	"time"

	"github.com/labmark/labmark/server/store"
)

// stampGap is what Moodle wants between two timestamps of one grade: it looks
// at whole seconds.
const stampGap = time.Second

// soon is how long a grade waits for the clock rather than be stamped with a
// time to come.
const soon = 2 * time.Second

// stamp is the timestamp of a score by the platform's clock, later than all
// before. If the clock is about to reach it, early says in how long.
func (j *job) stamp(want store.Sending, leap time.Duration) (at time.Time, early time.Duration) {
	if !j.reuseAt.IsZero() && want.Same(j.reuse) {
		return j.reuseAt, 0
	}
	now := j.cfg.Now().Add(j.cfg.Client.Clock(j.platform)).UTC().Truncate(time.Millisecond)
	if j.row.LastTimestamp == nil {
		return now.Add(leap), 0
	}
	least := j.row.LastTimestamp.UTC().Truncate(time.Second).Add(stampGap)
	if leap > 0 {
		return later(now, least).Add(leap), 0
	}
	if early := least.Sub(now); early > 0 && early <= soon {
		return least, early
	}
	return later(now, least), 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
