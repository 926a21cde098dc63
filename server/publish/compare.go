package publish

import (
	"slices"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
)

// Shape is what a course's version gives points for, in order.
func Shape(c *content.Course) []store.VersionCheck {
	var all []store.VersionCheck
	for _, t := range c.Tutorials {
		for _, check := range t.Checks {
			all = append(all, store.VersionCheck{Tutorial: t.ID, Check: check.ID, Title: check.Title,
				Points: check.Points, Revision: lab.Revision(check)})
		}
	}
	return all
}

// Compare tells what a new version does to points: checks that came, went,
// decide otherwise or are worth something else.
func Compare(former, now []store.VersionCheck) []store.VersionChange {
	var changes []store.VersionChange
	find := func(in []store.VersionCheck, c store.VersionCheck) *store.VersionCheck {
		i := slices.IndexFunc(in, func(o store.VersionCheck) bool { return o.Tutorial == c.Tutorial && o.Check == c.Check })
		if i < 0 {
			return nil
		}
		return &in[i]
	}
	note := func(c store.VersionCheck, kind store.ChangeKind, was float64) {
		changes = append(changes, store.VersionChange{Kind: kind, Tutorial: c.Tutorial, Check: c.Check, Title: c.Title, Points: c.Points, Was: was})
	}
	for _, c := range now {
		old := find(former, c)
		if old == nil {
			note(c, store.CheckAdded, 0)
			continue
		}
		if old.Revision != c.Revision {
			note(c, store.CheckChanged, old.Points)
		}
		if old.Points != c.Points {
			note(c, store.PointsChanged, old.Points)
		}
	}
	for _, c := range former {
		if find(now, c) == nil {
			note(c, store.CheckRemoved, c.Points)
		}
	}
	return changes
}
