package progress

import (
	"math"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// Keep says which attempt at a check counts, of those that could tell.
type Keep string

// AsChecks leaves it to each check: points of a sticky one stay once won, of
// any other the latest attempt counts. The others hold for every check,
// sticky or not: whoever chooses them has chosen for the whole tutorial.
const (
	AsChecks Keep = ""
	Best     Keep = "best"
	Latest   Keep = "latest"
	First    Keep = "first"
)

// Policy is how attempts at one tutorial become a grade. The zero value is
// that of a course which says nothing.
type Policy struct {
	Keep Keep
	// Due is when being late begins; nil is never. After Until nothing counts.
	Due, Until *time.Time
	// Penalty is the share of a score, in [0,1], that each started day (24
	// hours) after Due takes off.
	Penalty float64
	// Weight of the tutorial in its course's grade; nil means its points.
	Weight *float64
}

// PolicyOf puts an instructor's settings over those of the course.
func PolicyOf(c *content.Course, set store.GradeSettings) Policy {
	p := Policy{Keep: Keep(c.Grading.Keep), Penalty: c.Grading.Late, Due: set.Due, Until: set.Until, Weight: set.Weight}
	if set.Keep != "" {
		p.Keep = Keep(set.Keep)
	}
	if set.Penalty != nil {
		p.Penalty = *set.Penalty
	}
	return p
}

const day = 24 * time.Hour

// lateDays is how many days after the due time, with the student's extra time,
// have been started at a moment. The due time itself is not late.
func (p Policy) lateDays(at time.Time, extra time.Duration) int {
	if p.Due == nil {
		return 0
	}
	late := at.Sub(p.Due.Add(extra))
	if late <= 0 {
		return 0
	}
	return int((late-1)/day) + 1
}

// share is what is left of a score after some days.
func (p Policy) share(days int) float64 {
	return min(1, max(0, 1-p.Penalty*float64(days)))
}

// over says whether a moment is after the end, with the student's extra time.
func (p Policy) over(at time.Time, extra time.Duration) bool {
	return p.Until != nil && at.After(p.Until.Add(extra))
}

// keep is what holds for one check.
func (p Policy) keep(c *content.Check) Keep {
	switch {
	case p.Keep != AsChecks:
		return p.Keep
	case c.Sticky:
		return Best
	}
	return Latest
}

// ignores says that an attempt is not one of those of which the first counts: a
// page that saw half of the work done has not used up its student's only try.
func (p Policy) ignores(a *store.Attempt) bool {
	return p.Keep == First && a.Auto && a.Verdict != "pass"
}

// counted is an attempt together with what it is worth.
type counted struct {
	*store.Attempt
	score float64 // after failed answers and the penalty, in [0,1]
	late  int     // days
}

// takes says whether b counts rather than a. The order in which attempts are
// looked at makes no difference.
func (k Keep) takes(a, b counted) bool {
	if a.Attempt == nil {
		return true
	}
	newer := after(b.Attempt, a.Attempt)
	switch {
	case k == First:
		return !newer
	case k == Latest:
		return newer
	case a.score == b.score && a.Score != b.Score:
		return b.Score > a.Score // passed is better than not, be it worth nothing
	case a.score == b.score:
		return !newer // of equally good ones the earlier has won the points
	}
	return b.score > a.score
}

// after orders attempts by when the student has made them. The ID decides
// between two of one moment.
func after(a, b *store.Attempt) bool {
	if a.StartedAt.Equal(b.StartedAt) {
		return a.ID > b.ID
	}
	return a.StartedAt.After(b.StartedAt)
}

// unit keeps a score within [0,1], whatever stands in the database.
func unit(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return min(1, max(0, f))
}
