package look

import (
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/themes"
)

// Shelf holds the themes of the courses that are served. Its methods may be
// called from any goroutine.
type Shelf struct {
	Base *themes.Theme // of all other pages
	Log  *slog.Logger

	mu    sync.Mutex
	looks map[string]*Look // by course
}

// Look draws one version of a course.
type Look struct {
	*themes.Theme
	course *content.Course
	// former is the version before, whose pages are still open.
	former *themes.Theme
	failed sync.Once
	log    *slog.Logger
}

// Of is how a course's pages are drawn; nil for one without templates and
// messages of its own. It is made once for each version.
func (s *Shelf) Of(course *content.Course) *Look {
	if !changes(course) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.looks[course.ID]
	if last != nil && last.course == course {
		return last
	}
	look := &Look{course: course, log: s.Log}
	if last != nil {
		look.former = last.Theme
		if sameFiles(last.course, course) {
			look.Theme, look.former = last.Theme, last.former
		}
	}
	if look.Theme == nil {
		look.Theme = s.make(course)
	}
	if s.looks == nil {
		s.looks = map[string]*Look{}
	}
	s.looks[course.ID] = look
	return look
}

// make lays a course's files over the base. Load has tried them; a course
// that was read otherwise keeps our pages.
func (s *Shelf) make(course *content.Course) *themes.Theme {
	o, findings := own(course)
	if len(findings) == 0 {
		theme, problems := s.Base.Over(o)
		if theme != nil {
			return theme
		}
		for _, p := range problems {
			findings = append(findings, finding(course, p))
		}
	}
	s.Log.Error("a course's theme is left out", "course", course.ID, "findings", findings.String())
	return s.Base
}

func sameFiles(a, b *content.Course) bool {
	return slices.Equal(a.Messages, b.Messages) && slices.Equal(a.Templates, b.Templates)
}

// Failed notes that the theme could not draw a page, once for each version.
func (l *Look) Failed(err error) {
	l.failed.Do(func() {
		l.log.Error("a course's theme can't draw a page, which is drawn as usual", "course", l.course.ID, "err", err)
	})
}

// ServeHTTP serves the files that pages refer to: those of the base, and what
// scripts say in courses' own words.
func (s *Shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	from := s.Base
	for _, l := range s.looks {
		for _, t := range []*themes.Theme{l.Theme, l.former} {
			if t != nil && t.Has(r.URL.Path) {
				from = t
			}
		}
	}
	s.mu.Unlock()
	from.Assets().ServeHTTP(w, r)
}
