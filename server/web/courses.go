package web

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
)

// offer is a course as the viewer's place shows it.
type offer struct {
	*content.Course
	tutorials []*content.Tutorial
}

// offers are the courses that the viewer's place shows: see shows.
func (s *site) offers(c *gin.Context) []offer {
	var out []offer
	for _, course := range s.Catalog.Courses() {
		course = course.In(s.speaks(c, course))
		o := offer{Course: course}
		for _, t := range course.Tutorials {
			if s.shows(c, course.ID, t.ID) {
				o.tutorials = append(o.tutorials, t)
			}
		}

		if len(o.tutorials) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// shows says whether the viewer's place shows a tutorial: any to those who
// signed in by password; to those from a platform, what is linked in their
// context, and to its instructors everything, so that they can choose.
func (s *site) shows(c *gin.Context, course, tutorial string) bool {
	in := seat(c).launch
	return in == nil || in.membership.Instructor || slices.ContainsFunc(in.links, func(l store.ResourceLink) bool {
		return l.Course == course && (l.Tutorial == tutorial || l.Tutorial == "")
	})
}

// standing is a user's progress in everything, by tutorial.
type standing map[store.Owner]progress.Tutorial

func (s *site) standingOf(c *gin.Context) (standing, error) {
	st := seat(c)
	return s.book.All(c.Request.Context(), st.user.ID, st.contextID())
}

// work is the viewer's own, on one tutorial.
func work(c *gin.Context, course *content.Course, t *content.Tutorial) store.Owner {
	st := seat(c)
	return store.Owner{UserID: st.user.ID, Context: st.contextID(), Course: course.ID, Tutorial: t.ID}
}

func (st standing) course(c *gin.Context, o offer) themes.Score {
	var all []progress.Tutorial
	for _, t := range o.tutorials {
		all = append(all, st[work(c, o.Course, t)])
	}
	return views.Sum(all...)
}

func (s *site) courses(c *gin.Context) {
	st, err := s.standingOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.CoursesPage{Layout: s.layout(c, s.words(c).Say("Courses"))}
	for _, o := range s.offers(c) {
		page.Courses = append(page.Courses, themes.CourseCard{Href: coursePath(c, o.Course), Title: o.Title,
			Summary: o.Summary, Tutorials: len(o.tutorials), Score: st.course(c, o)})
	}
	s.page(c, http.StatusOK, page)
}

func (s *site) course(c *gin.Context) {
	offers := s.offers(c)
	i := slices.IndexFunc(offers, func(o offer) bool { return o.ID == c.Param("course") })
	if i < 0 {
		s.fail(c, errNoPage)
		return
	}
	original := s.Catalog.Course(offers[i].ID)
	st, err := s.standingOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	o := offers[i]
	page := themes.CoursePage{Layout: s.layout(c, o.Title, s.coursesCrumb(c)), Heading: o.Title,
		Summary: o.Summary, Score: st.course(c, o)}
	page.Style = styleOf(c, original)
	page.Spoken = s.languages(c, original, o.Language)
	for _, t := range o.tutorials {
		w := work(c, o.Course, t)
		page.Tutorials = append(page.Tutorials, themes.TutorialCard{Href: tutorialPath(c, o.Course, t), Title: t.Title, Speech: t.Language,
			Summary: t.Summary, Duration: t.Duration, Checks: len(t.Checks), Score: views.Score(st[w]),
			Rules: views.Rules(s.words(c), st[w]), GuestRunning: s.Guests.Status(w).State == guests.Ready})
	}
	s.coursePage(c, original, page)
}

func (s *site) progress(c *gin.Context) {
	st, err := s.standingOf(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	recent, err := s.recent(c, st)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.ProgressPage{Layout: s.layout(c, s.words(c).Say("My progress"), s.coursesCrumb(c)), Recent: recent}
	for _, o := range s.offers(c) {
		cp := themes.CourseProgress{Href: coursePath(c, o.Course), Title: o.Title, Score: st.course(c, o)}
		for _, t := range o.tutorials {
			w := work(c, o.Course, t)
			p, values := st[w], s.Catalog.Values(w)
			tp := themes.TutorialProgress{Href: tutorialPath(c, o.Course, t), Title: t.Title, Score: views.Score(p), Rules: views.Rules(s.words(c), p)}
			if tp.Grade, err = s.Desk.GradeOf(c.Request.Context(), w); err != nil {
				s.fail(c, err)
				return
			}
			for _, check := range t.Checks {
				tp.Checks = append(tp.Checks, views.Check(check, values, p.Checks[check.ID]))
			}
			if tp.Grade != nil {
				*tp.Grade = views.GradeIn(s.words(c), *tp.Grade)
			}
			cp.Tutorials = append(cp.Tutorials, tp)
		}
		page.Courses = append(page.Courses, cp)
	}
	s.page(c, http.StatusOK, page)
}

// titleOf is what people call a check; empty where it is no more.
func titleOf(t *content.Tutorial, check string) string {
	for _, c := range t.Checks {
		if c.ID == check {
			return checkTitle(c)
		}
	}
	return ""
}

// recentShown is how many attempts "my progress" lists.
const recentShown = 20

// recent lists attempts at what is still served.
func (s *site) recent(c *gin.Context, st standing) ([]themes.RecentAttempt, error) {
	list, err := s.Store.RecentAttempts(c.Request.Context(), viewer(c).ID, seat(c).contextID(), recentShown)
	if err != nil {
		return nil, err
	}
	var out []themes.RecentAttempt
	for _, a := range list {
		if t, course := s.spoken(c, a.Owner()); t != nil {
			out = append(out, themes.RecentAttempt{Tutorial: t.Title, TutorialHref: tutorialPath(c, course, t),
				Title:       titleOf(t, a.Check),
				AttemptView: views.AttemptIn(s.words(c), a, st[a.Owner()].Checks[a.Check])})
		}
	}
	return out, nil
}

func (s *site) coursesCrumb(c *gin.Context) themes.Crumb {
	return themes.Crumb{Title: s.words(c).Say("Courses"), Href: at(c, "/")}
}

func coursePath(c *gin.Context, course *content.Course) string { return at(c, "/courses/"+course.ID) }

func tutorialPath(c *gin.Context, course *content.Course, t *content.Tutorial) string {
	return coursePath(c, course) + "/" + t.ID
}
