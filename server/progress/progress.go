// Package progress turns attempts into points. It keeps nothing: the same
// attempts give the same points, always.
package progress

import (
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// Tutorial is where one student stands in one tutorial.
type Tutorial struct {
	Points, Of float64
	Checks     map[string]Check // every check of the tutorial, by ID
	Hints      map[string]Hint  // every hint, by ID
}

// Check is where one student stands with one check.
type Check struct {
	Points, Of float64
	Attempts   int            // that could tell
	Last       *store.Attempt // newest of all; nil before the first
	Passed     bool           // by the attempt that counts
}

// Hint is what one student may do with one hint.
type Hint struct {
	Due, Opened bool
	// Failed is how many failed attempts its task has seen.
	Failed int
}

// Of works out a student's standing from all their attempts and opened hints;
// those of other tutorials are ignored.
func Of(course string, t *content.Tutorial, attempts []store.Summary, opened []store.HintOpening) Tutorial {
	p := Tutorial{Checks: map[string]Check{}, Hints: map[string]Hint{}}
	by := map[string]store.Summary{}
	for _, s := range attempts {
		if s.Course == course && s.Tutorial == t.ID {
			by[s.Check] = s
		}
	}
	failed, won := map[string]int{}, map[string]float64{}
	for _, c := range t.Checks {
		s := by[c.ID]
		score := s.Best
		if !c.Sticky {
			score = s.Latest
		}
		p.Checks[c.ID] = Check{Points: score * c.Points, Of: c.Points, Attempts: s.Attempts, Last: s.Last, Passed: score == 1}
		p.Of += c.Points
		failed[c.Task] += s.Failed
		won[c.Task] += score * c.Points
	}
	for task, cost := range p.hints(course, t, failed, opened) {
		// A hint may cost all that its task has won, never more.
		won[task] = max(won[task]-cost, 0)
	}
	for _, points := range won {
		p.Points += points
	}
	return p
}

// hints fills p.Hints and returns what the opened ones cost, by task.
func (p Tutorial) hints(course string, t *content.Tutorial, failed map[string]int, opened []store.HintOpening) map[string]float64 {
	read := map[string]bool{}
	for _, o := range opened {
		if o.Course == course && o.Tutorial == t.ID {
			read[o.Hint] = true
		}
	}
	cost := map[string]float64{}
	for _, h := range t.Hints {
		p.Hints[h.ID] = Hint{Opened: read[h.ID], Due: read[h.ID] || failed[h.Task] >= h.After, Failed: failed[h.Task]}
		if read[h.ID] {
			cost[h.Task] += h.Cost
		}
	}
	return cost
}
