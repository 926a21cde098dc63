package web

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/labmark/labmark/server/store"
)

// changesFor is how long those who teach are told of a change.
const changesFor = 30 * 24 * time.Hour

// recentChanges says in sentences what authors have changed in a tutorial's
// checks lately, the newest first.
func (s *site) recentChanges(ctx context.Context, course, tutorial string) ([]string, error) {
	versions, err := s.Store.CourseVersions(ctx, course, 50)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, v := range versions {
		if time.Since(v.At) > changesFor {
			break
		}
		words, err := changeWords(v, tutorial)
		if err != nil {
			return nil, err
		}
		for _, w := range words {
			out = append(out, v.At.Format("2 Jan, 15:04 MST")+": "+w)
		}
	}
	return out, nil
}

// changeWords says what a version changed, in one tutorial or (empty) in all.
func changeWords(v store.CourseVersion, tutorial string) ([]string, error) {
	changes, err := v.Differences()
	if err != nil {
		return nil, fmt.Errorf("changes of course %s: %w", v.Course, err)
	}
	var out []string
	for _, c := range changes {
		if tutorial != "" && c.Tutorial != tutorial {
			continue
		}
		name := fmt.Sprintf("“%s”", cmp.Or(c.Title, c.Check))
		if c.Title != "" {
			name += " (" + c.Check + ")"
		}
		if tutorial == "" {
			name = c.Tutorial + ": " + name
		}
		switch c.Kind {
		case store.CheckAdded:
			out = append(out, fmt.Sprintf("%s is new, worth %g.", name, c.Points))
		case store.CheckRemoved:
			out = append(out, fmt.Sprintf("%s, worth %g, was taken out. Who had won points there keeps them.", name, c.Was))
		case store.CheckChanged:
			out = append(out, fmt.Sprintf("%s looks at other things now. Who had passed keeps the points.", name))
		case store.PointsChanged:
			out = append(out, fmt.Sprintf("%s is worth %g now, before %g; the share that was won stays.", name, c.Points, c.Was))
		}
	}
	return out, nil
}
