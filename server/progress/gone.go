package progress

import (
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
)

// Gone is what a student has won at a check that the author has taken out of
// the tutorial since. It stays on both sides, points and of how many: nobody
// loses by a new version of a course.
type Gone struct {
	Check      string
	Points, Of float64
}

// gone finds what was won at checks that are no more, in order of time.
func (p *Tutorial) gone(course string, t *content.Tutorial, w Work) {
	at := map[string]int{}
	for i := range w.Attempts {
		a := &w.Attempts[i]
		if _, there := p.Checks[a.Check]; there || a.State != store.Done || a.Course != course || a.Tutorial != t.ID ||
			unit(a.Score) == 0 || a.Points <= 0 || w.Policy.over(a.StartedAt, w.Allowance.Extra) {
			continue
		}
		share := w.Policy.share(w.Policy.lateDays(a.StartedAt, w.Allowance.Extra))
		g := Gone{Check: a.Check, Points: Rounded(unit(a.Score)*share*a.Points, a.Points), Of: a.Points}
		switch i, known := at[a.Check]; {
		case !known:
			at[a.Check] = len(p.Gone)
			p.Gone = append(p.Gone, g)
		case g.Points > p.Gone[i].Points:
			p.Gone[i] = g
		}
	}
}

// older says that a check decides otherwise now than when the attempt that
// counts was made.
func (c Check) older(check *content.Check) bool {
	return c.Counts != nil && c.Counts.Revision != "" && c.Counts.Revision != lab.Revision(check)
}
