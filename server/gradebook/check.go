package gradebook

import (
	"context"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// CheckHistory is one check over a whole class.
type CheckHistory struct {
	Tutorial *content.Tutorial
	Check    *content.Check
	// How many students stand how. Never have not tried; Unsure have tried,
	// and no attempt that counts could tell.
	Passed, Partly, Failed, Unsure, Never int
	Attempts                              []store.Attempt // done, oldest first, without output
	Clusters                              []Cluster       // most students first
	Days                                  []Day           // from the first attempt to the last
	Students                              []Student       // in order of name
}

// Day is the attempts of one day (UTC).
type Day struct {
	Date                   time.Time
	Passed, Failed, Unsure int
}

// Check returns store.ErrNotFound if there is no such check. Attempts of those
// who teach are left out.
func (b Book) Check(ctx context.Context, contextID uint, course, tutorial, check string) (CheckHistory, error) {
	class, err := b.Class(ctx, contextID, course, tutorial)
	if err != nil {
		return CheckHistory{}, err
	}
	out := CheckHistory{Tutorial: class.Tutorial, Students: class.Students}
	for _, c := range class.Tutorial.Checks {
		if c.ID == check {
			out.Check = c
		}
	}
	if out.Check == nil {
		return CheckHistory{}, store.ErrNotFound
	}
	all, err := b.Store.CheckAttempts(ctx, contextID, course, tutorial, check)
	if err != nil {
		return CheckHistory{}, err
	}
	student := map[uint]bool{}
	for _, s := range class.Students {
		student[s.User.ID] = true
		out.count(s)
	}
	for _, a := range all {
		if student[a.UserID] {
			out.Attempts = append(out.Attempts, a)
		}
	}
	out.Clusters, out.Days = cluster(out.Attempts), days(out.Attempts)
	return out, nil
}

func (h *CheckHistory) count(s Student) {
	switch c := s.Standing.Checks[h.Check.ID]; {
	case c.Passed:
		h.Passed++
	case c.Counts != nil && c.Counts.Score > 0:
		h.Partly++
	case c.Counts != nil:
		h.Failed++
	case c.Last != nil:
		h.Unsure++
	default:
		h.Never++
	}
}

// days counts attempts, which are oldest first, by day; days without any are
// there too.
func days(attempts []store.Attempt) []Day {
	var out []Day
	for _, a := range attempts {
		date := a.StartedAt.UTC().Truncate(24 * time.Hour)
		for len(out) == 0 || out[len(out)-1].Date.Before(date) {
			next := date
			if len(out) > 0 {
				next = out[len(out)-1].Date.Add(24 * time.Hour)
			}
			out = append(out, Day{Date: next})
		}
		switch d := &out[len(out)-1]; a.Verdict {
		case "pass":
			d.Passed++
		case "unsure":
			d.Unsure++
		default:
			d.Failed++
		}
	}
	return out
}
