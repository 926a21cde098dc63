package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
)

// choosePage asks an instructor what a link shows that was made by hand.
func (s *site) choosePage(c *gin.Context) {
	if link := s.unchosen(c); link != 0 {
		s.page(c, http.StatusOK, themes.PickPage{Layout: s.layout(c, s.words(c).Say("Choose a tutorial")), Action: at(c, "/choose"), Courses: s.pickable(c)})
	}
}

// unchosen is the session's link, or 0 after an error page.
func (s *site) unchosen(c *gin.Context) uint {
	in := seat(c).launch
	switch {
	case in == nil || in.Link == 0:
		s.fail(c, errNoPage)
	case !in.membership.Instructor:
		s.fail(c, errUnchosen)
	default:
		return in.Link
	}
	return 0
}

func (s *site) choose(c *gin.Context) {
	link := s.unchosen(c)
	if link == 0 {
		return
	}
	course, tutorial := s.Office.Target(c.PostForm("pick"))
	if course == "" {
		s.fail(c, errBadInput)
		return
	}
	if err := s.Store.SetLinkTarget(c.Request.Context(), link, course, tutorial); err != nil {
		s.fail(c, err)
		return
	}
	s.Outbox.Kick()
	path := "/courses/" + course
	if tutorial != "" {
		path += "/" + tutorial
	}
	c.Redirect(http.StatusSeeOther, at(c, path))
}

// allHints is the standing of nobody, with every hint open.
func allHints(course *content.Course, t *content.Tutorial) progress.Tutorial {
	p := progress.Of(course.ID, t, progress.Work{})
	for id, h := range p.Hints {
		h.Due, h.Opened = true, true
		p.Hints[id] = h
	}
	return p
}

// preview shows a tutorial as students read it, with all hints.
func (s *site) preview(c *gin.Context) {
	course := s.Catalog.Course(c.Param("course"))
	if course == nil {
		s.fail(c, errNoPage)
		return
	}
	course = course.In(s.speaks(c, course))
	for _, t := range course.Tutorials {
		if t.ID != c.Param("tutorial") {
			continue
		}
		student := views.Student{Tutorial: t, Values: s.Catalog.Values(work(c, course, t)), Progress: allHints(course, t)}
		page := themes.PreviewPage{Layout: s.layout(c, t.Title), Heading: t.Title, Summary: t.Summary, Duration: t.Duration,
			Checks: len(t.Checks), Points: points(t)}
		page.Speech = t.Language
		page.Style = styleOf(c, course)
		for _, step := range t.Steps {
			page.Steps = append(page.Steps, themes.Step{ID: step.ID, Title: student.Values.Fill(step.Title), Body: student.Body(step.Body)})
		}
		s.coursePage(c, course, page)
		return
	}
	s.fail(c, errNoPage)
}
