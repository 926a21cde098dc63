package guests

import "time"

const (
	// paceOver is how far back what was given out counts.
	paceOver = 30 * time.Minute
	// paceLeast is how many it takes for an estimate: of fewer nobody can tell.
	paceLeast = 3
	// farthest is the longest estimate that is given.
	farthest = 2 * time.Hour
)

// pace is when guests were given to those in the queue, oldest first.
type pace []time.Time

func (p *pace) note(now time.Time) {
	*p = append(p.since(now), now)
}

// since are those that still count.
func (p pace) since(now time.Time) pace {
	for len(p) > 0 && now.Sub(p[0]) > paceOver {
		p = p[1:]
	}
	return p
}

// estimate is the time until the turn of the n-th, in whole minutes; 0 if it
// can't be said. It grows while nothing becomes free.
func (p pace) estimate(n int, now time.Time) time.Duration {
	p = p.since(now)
	if len(p) < paceLeast {
		return 0
	}
	count := time.Duration(len(p))
	each := max(p[count-1].Sub(p[0])/(count-1), now.Sub(p[0])/count)
	wait := (time.Duration(n)*each + time.Minute - 1).Truncate(time.Minute)
	if wait > farthest {
		return 0
	}
	return max(wait, time.Minute)
}
