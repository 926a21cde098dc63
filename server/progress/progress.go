// Package progress turns attempts into points and grades. It keeps nothing:
// the same attempts give the same points, always.
package progress

import (
	"math"
	"slices"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// Work is all that one student's points in one tutorial are made of.
type Work struct {
	Attempts  []store.Attempt // in any order; those of others must not be in it
	Opened    []store.HintOpening
	Policy    Policy
	Allowance store.Allowance
	Override  *store.Override // the newest; nil if there never was one
}

// Tutorial is where one student stands in one tutorial.
type Tutorial struct {
	Points, Of float64
	Checks     map[string]Check // every check of the tutorial, by ID
	Hints      map[string]Hint  // every hint, by ID

	// Earned are the points that the attempts have won: Points, but for an
	// override.
	Earned    float64
	HintCost  float64 // what opened hints have taken off Earned
	Policy    Policy
	Allowance store.Allowance
	Override  *store.Override // that holds; nil if none does
	// At is when the newest attempt that counts was made; nil if none does.
	At *time.Time
	// Gone was won at checks that the tutorial no longer has.
	Gone []Gone
	// TooLate is how many attempts came after the end, and so do not count.
	TooLate int
}

// Check is where one student stands with one check.
type Check struct {
	Points, Of float64        // Points are what is left after the penalty
	Attempts   int            // that could tell
	Failed     int            // of those
	Last       *store.Attempt // newest of all; nil before the first
	Counts     *store.Attempt // the one that counts; nil if none does
	LateDays   int            // of the one that counts
	Passed     bool           // by the attempt that counts
	// Left is how many answers a question still takes; nil where there is no
	// bound.
	Left *int
	// Fits is Attempt.Fits of the newest attempt that has one.
	Fits uint

	costs map[string]float64 // see Cost
}

// Cost is how many points failed attempts at a question have taken off those
// of an attempt that came after them.
func (c Check) Cost(attempt string) float64 { return c.costs[attempt] }

// worth is what an attempt is worth before the penalty, in [0,1].
func (c Check) worth(a *store.Attempt) float64 {
	score := unit(a.Score)
	if cost := c.costs[a.ID]; cost > 0 {
		score = max(0, score-cost/c.Of)
	}
	return score
}

// Hint is what one student may do with one hint.
type Hint struct {
	Due, Opened bool
	// Failed is how many failed attempts its task has seen.
	Failed int
}

// Of works out a student's standing. Work in other tutorials is ignored.
func Of(course string, t *content.Tutorial, w Work) Tutorial {
	p := Tutorial{Checks: map[string]Check{}, Hints: map[string]Hint{}, Policy: w.Policy, Allowance: w.Allowance}
	of := 0.0
	for _, c := range t.Checks {
		p.Checks[c.ID] = Check{Of: Rounded(c.Points, c.Points)}
		of += c.Points
	}
	p.gone(course, t, w)
	for _, g := range p.Gone {
		p.Earned += g.Points
		of += g.Of
	}
	p.Of = Rounded(of, of)
	best := p.look(course, t, w)
	failed, won := map[string]int{}, map[string]float64{}
	var tasks []string // in order: sums of fractions depend on it
	for _, c := range t.Checks {
		s := p.Checks[c.ID]
		if b := best[c.ID]; b.Attempt != nil {
			s.Counts, s.LateDays, s.Passed = b.Attempt, b.late, b.Score == 1
			points := b.score * c.Points
			won[c.Task] += points
			s.Points = Rounded(points, c.Points)
			if at := made(b.Attempt); p.At == nil || at.After(*p.At) {
				p.At = &at
			}
		}
		if q := c.Question; q != nil && q.MaxAttempts > 0 {
			left := max(0, q.MaxAttempts-s.Attempts)
			s.Left = &left
		}
		p.Checks[c.ID] = s
		failed[c.Task] += s.Failed
		if !slices.Contains(tasks, c.Task) {
			tasks = append(tasks, c.Task)
		}
	}
	cost := p.hints(course, t, failed, w)
	for _, task := range tasks {
		// A hint may cost all that its task has won, never more.
		off := min(cost[task], won[task])
		p.HintCost += off
		p.Earned += won[task] - off
	}
	p.HintCost, p.Earned = Rounded(p.HintCost, p.HintCost), Rounded(p.Earned, of)
	p.Points = p.Earned
	if w.Override != nil && w.Override.Points != nil {
		p.Override, p.Points = w.Override, Rounded(*w.Override.Points, of)
	}
	return p
}

// Rounded takes away what arithmetic with fractions leaves behind: points have
// at most four decimals, wherever they are shown or sent. What is full but for
// that stays full.
func Rounded(points, of float64) float64 {
	if math.Abs(of-points) < 1e-9 {
		points = of
	}
	return math.Round(points*1e4) / 1e4
}

// look goes through the attempts, fills in how many there were, and returns
// those that count, by check.
func (p *Tutorial) look(course string, t *content.Tutorial, w Work) map[string]counted {
	keep, costly := map[string]Keep{}, false
	for _, c := range t.Checks {
		keep[c.ID] = w.Policy.keep(c)
		costly = costly || c.Question != nil && c.Question.Cost > 0
	}
	if costly {
		p.price(course, t, w)
	}
	best, fits := map[string]counted{}, map[string]*store.Attempt{}
	for i := range w.Attempts {
		a := &w.Attempts[i]
		k, known := keep[a.Check]
		if !known || !belongs(a, course, t) {
			continue
		}
		s := p.Checks[a.Check]
		if s.Last == nil || after(a, s.Last) {
			s.Last = a
		}
		if a.Fits != 0 && (fits[a.Check] == nil || after(a, fits[a.Check])) {
			fits[a.Check], s.Fits = a, a.Fits
		}
		if a.Verdict != "unsure" {
			if !a.Auto {
				s.Attempts++
			}
			if missed(a) {
				s.Failed++
			}
			if w.Policy.over(a.StartedAt, w.Allowance.Extra) {
				p.TooLate++
			} else if !w.Policy.ignores(a) {
				late := w.Policy.lateDays(a.StartedAt, w.Allowance.Extra)
				b := counted{a, s.worth(a) * w.Policy.share(late), late}
				if k.takes(best[a.Check], b) {
					best[a.Check] = b
				}
			}
		}
		p.Checks[a.Check] = s
	}
	return best
}

// belongs says whether an attempt is a done one at the tutorial.
func belongs(a *store.Attempt, course string, t *content.Tutorial) bool {
	return a.State == store.Done && a.Course == course && a.Tutorial == t.ID
}

// missed says whether the student has tried and not passed.
func missed(a *store.Attempt) bool { return !a.Auto && a.Verdict != "unsure" && a.Verdict != "pass" }

// price works out what each answer to a question is worth less for the failed
// ones before it.
func (p *Tutorial) price(course string, t *content.Tutorial, w Work) {
	for _, c := range t.Checks {
		if c.Question == nil || c.Question.Cost <= 0 {
			continue
		}
		var list []*store.Attempt
		for i := range w.Attempts {
			if a := &w.Attempts[i]; a.Check == c.ID && belongs(a, course, t) {
				list = append(list, a)
			}
		}
		slices.SortFunc(list, func(a, b *store.Attempt) int {
			if after(a, b) {
				return 1
			}
			return -1
		})
		s, cost := p.Checks[c.ID], 0.0
		s.costs = map[string]float64{}
		for _, a := range list {
			s.costs[a.ID] = cost
			if missed(a) {
				cost = min(cost+c.Question.Cost, c.Points)
			}
		}
		p.Checks[c.ID] = s
	}
}

// made is when an attempt was over.
func made(a *store.Attempt) time.Time {
	if a.EndedAt != nil {
		return *a.EndedAt
	}
	return a.StartedAt
}

// hints fills p.Hints and returns what the opened ones cost, by task. One that
// was read after the end costs nothing: nothing could be won by it.
func (p *Tutorial) hints(course string, t *content.Tutorial, failed map[string]int, w Work) map[string]float64 {
	read := map[string]store.HintOpening{}
	for _, o := range w.Opened {
		if o.Course == course && o.Tutorial == t.ID {
			read[o.Hint] = o
		}
	}
	cost := map[string]float64{}
	for _, h := range t.Hints {
		o, opened := read[h.ID]
		p.Hints[h.ID] = Hint{Opened: opened, Due: opened || failed[h.Task] >= h.After, Failed: failed[h.Task]}
		if opened && !w.Policy.over(o.At, w.Allowance.Extra) {
			cost[h.Task] += h.Cost
		}
	}
	return cost
}

// PassedAll says whether nothing is left to be done.
func (p Tutorial) PassedAll() bool {
	for _, c := range p.Checks {
		if !c.Passed {
			return false
		}
	}
	return len(p.Checks) > 0
}

// Passed is how many checks are passed.
func (p Tutorial) Passed() int {
	n := 0
	for _, c := range p.Checks {
		if c.Passed {
			n++
		}
	}
	return n
}
