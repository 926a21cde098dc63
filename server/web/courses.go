package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
)

// standing is a user's progress in everything, by tutorial.
type standing map[store.Owner]progress.Tutorial

func (st standing) course(user uint, c *content.Course) themes.Score {
	var all []progress.Tutorial
	for _, t := range c.Tutorials {
		all = append(all, st[store.Owner{UserID: user, Course: c.ID, Tutorial: t.ID}])
	}
	return views.Sum(all...)
}

func (s *site) courses(c *gin.Context) {
	user := viewer(c).ID
	st, err := s.book.All(c.Request.Context(), user)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.CoursesPage{Layout: s.layout(c, "Courses")}
	for _, course := range s.Catalog.Courses() {
		page.Courses = append(page.Courses, themes.CourseCard{Href: coursePath(course), Title: course.Title,
			Summary: course.Summary, Tutorials: len(course.Tutorials), Score: standing(st).course(user, course)})
	}
	s.page(c, http.StatusOK, page)
}

func (s *site) course(c *gin.Context) {
	user := viewer(c).ID
	course := s.Catalog.Course(c.Param("course"))
	if course == nil {
		s.fail(c, errNoPage)
		return
	}
	st, err := s.book.All(c.Request.Context(), user)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.CoursePage{Layout: s.layout(c, course.Title, coursesCrumb), Heading: course.Title,
		Summary: course.Summary, Score: standing(st).course(user, course)}
	page.Language = course.Language
	for _, t := range course.Tutorials {
		o := store.Owner{UserID: user, Course: course.ID, Tutorial: t.ID}
		page.Tutorials = append(page.Tutorials, themes.TutorialCard{Href: tutorialPath(course, t), Title: t.Title,
			Summary: t.Summary, Duration: t.Duration, Checks: len(t.Checks), Score: views.Score(st[o]),
			GuestRunning: s.Guests.Status(o).State == guests.Ready})
	}
	s.page(c, http.StatusOK, page)
}

func (s *site) progress(c *gin.Context) {
	user := viewer(c).ID
	st, err := s.book.All(c.Request.Context(), user)
	if err != nil {
		s.fail(c, err)
		return
	}
	recent, err := s.recent(c, user, st)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.ProgressPage{Layout: s.layout(c, "My progress", coursesCrumb), Recent: recent}
	for _, course := range s.Catalog.Courses() {
		cp := themes.CourseProgress{Href: coursePath(course), Title: course.Title, Score: standing(st).course(user, course)}
		for _, t := range course.Tutorials {
			o := store.Owner{UserID: user, Course: course.ID, Tutorial: t.ID}
			p, values := st[o], s.Catalog.Values(o)
			tp := themes.TutorialProgress{Href: tutorialPath(course, t), Title: t.Title, Score: views.Score(p)}
			for _, check := range t.Checks {
				tp.Checks = append(tp.Checks, views.Check(check, values, p.Checks[check.ID]))
			}
			cp.Tutorials = append(cp.Tutorials, tp)
		}
		page.Courses = append(page.Courses, cp)
	}
	s.page(c, http.StatusOK, page)
}

// recentShown is how many attempts "my progress" lists.
const recentShown = 20

// recent lists attempts at what is still served.
func (s *site) recent(c *gin.Context, user uint, st standing) ([]themes.RecentAttempt, error) {
	list, err := s.Store.RecentAttempts(c.Request.Context(), user, recentShown)
	if err != nil {
		return nil, err
	}
	var out []themes.RecentAttempt
	for _, a := range list {
		if t, course := s.Catalog.Tutorial(a.Owner()); t != nil {
			out = append(out, themes.RecentAttempt{Tutorial: t.Title, TutorialHref: tutorialPath(course, t),
				AttemptView: views.Attempt(a, st[a.Owner()].Checks[a.Check])})
		}
	}
	return out, nil
}

var coursesCrumb = themes.Crumb{Title: "Courses", Href: "/"}

func coursePath(c *content.Course) string { return "/courses/" + c.ID }

func tutorialPath(c *content.Course, t *content.Tutorial) string { return coursePath(c) + "/" + t.ID }
