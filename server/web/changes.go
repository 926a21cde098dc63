package web

import (
	"cmp"
	"fmt"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes/words"
)

// changesFor is how long those who teach are told of a change.
const changesFor = 30 * 24 * time.Hour

// recentChanges says in sentences what authors have changed in a tutorial's
// checks lately, the newest first.
func (s *site) recentChanges(c *gin.Context, course, tutorial string) ([]string, error) {
	versions, err := s.Store.CourseVersions(c.Request.Context(), course, 50)
	if err != nil {
		return nil, err
	}
	var out []string
	l := s.words(c)
	for _, v := range versions {
		if time.Since(v.At) > changesFor {
			break
		}
		said, err := changeWords(l, v, tutorial)
		if err != nil {
			return nil, err
		}
		for _, w := range said {
			out = append(out, l.Say("{time}: {what}##change", "time", l.Day(v.At)+v.At.Format(", 15:04 MST"), "what", w))
		}
	}
	return out, nil
}

// changeWords says what a version changed, in one tutorial or (empty) in all.
func changeWords(l *words.Language, v store.CourseVersion, tutorial string) ([]string, error) {
	changes, err := v.Differences()
	if err != nil {
		return nil, fmt.Errorf("changes of course %s: %w", v.Course, err)
	}
	var out []string
	for _, c := range changes {
		if tutorial != "" && c.Tutorial != tutorial {
			continue
		}
		name := l.Say("“{title}”", "title", cmp.Or(c.Title, c.Check))
		if c.Title != "" {
			name += " (" + c.Check + ")"
		}
		if tutorial == "" {
			name = c.Tutorial + ": " + name
		}
		switch c.Kind {
		case store.CheckAdded:
			out = append(out, l.Say("{check} is new, worth {points}.", "check", name, "points", l.Number(c.Points)))
		case store.CheckRemoved:
			out = append(out, l.Say("{check}, worth {points}, was taken out. Who had won points there keeps them.", "check", name, "points", l.Number(c.Was)))
		case store.CheckChanged:
			out = append(out, l.Say("{check} looks at other things now. Who had passed keeps the points.", "check", name))
		case store.PointsChanged:
			out = append(out, l.Say("{check} is worth {points} now, before {was}; the share that was won stays.", "check", name, "points", l.Number(c.Points), "was", l.Number(c.Was)))
		}
	}
	return out, nil
}
