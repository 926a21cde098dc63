package web

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
)

func (s *site) tutorial(c *gin.Context) {
	o := owner(c)
	t, course := s.Catalog.Tutorial(o)
	student, err := s.student(c, o)
	if err != nil {
		s.fail(c, err)
		return
	}
	grade, err := s.Desk.GradeOf(c.Request.Context(), o)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.TutorialPage{
		Layout:  s.layout(c, t.Title, coursesCrumb(c), themes.Crumb{Title: course.Title, Href: coursePath(c, course)}),
		Heading: t.Title, Summary: t.Summary, Duration: t.Duration, API: at(c, "/api/courses/"+course.ID+"/"+t.ID),
		Score: views.Score(student.Progress), Guest: views.Guest(s.Guests.Status(o)), Next: s.next(c, course, t),
		Grade: grade, Rules: views.Rules(student.Progress),
	}
	page.Language = course.Language
	for _, g := range t.Guests {
		page.Guests = append(page.Guests, g.Name)
		page.Desktop = page.Desktop || g.Desktop // there is one guest
	}
	for _, step := range t.Steps {
		page.Steps = append(page.Steps, themes.Step{ID: step.ID, Title: student.Values.Fill(step.Title), Body: student.Body(step.Body)})
	}
	s.page(c, http.StatusOK, page)
}

// student gathers what an owner's pages differ by from others'.
func (s *site) student(c *gin.Context, o store.Owner) (views.Student, error) {
	t, _ := s.Catalog.Tutorial(o)
	p, err := s.book.Tutorial(c.Request.Context(), o)
	return views.Student{Tutorial: t, Values: s.Catalog.Values(o), Progress: p}, err
}

// next is the tutorial that follows in the viewer's place, or nil.
func (s *site) next(c *gin.Context, course *content.Course, t *content.Tutorial) *themes.Crumb {
	i := slices.Index(course.Tutorials, t)
	for _, n := range course.Tutorials[i+1:] {
		if s.shows(c, course.ID, n.ID) {
			return &themes.Crumb{Title: n.Title, Href: tutorialPath(c, course, n)}
		}
	}
	return nil
}

// guest starts, resets or stops the student's machine.
func (s *site) guest(c *gin.Context) {
	o := owner(c)
	var status guests.Status
	switch act := c.Param("act"); act {
	case "start", "reset":
		kind, err := s.kind(o)
		if err != nil {
			s.fail(c, err)
			return
		}
		do := s.Guests.Start
		if act == "reset" {
			do = s.Guests.Reset
		}
		status = do(o, kind)
	case "stop":
		status = s.Guests.Stop(o)
	default:
		s.fail(c, errNoPage)
		return
	}
	c.JSON(http.StatusAccepted, views.Guest(status))
}

// kind is the machine that a tutorial asks for.
func (s *site) kind(o store.Owner) (guests.Kind, error) {
	t, _ := s.Catalog.Tutorial(o)
	digest, err := s.Image(t.Guests[0].Image)
	return guests.KindOf(t.Guests[0], digest), err
}

// check begins an attempt.
func (s *site) check(c *gin.Context) {
	var in struct {
		Attempt string `json:"attempt"`
	}
	if err := c.ShouldBindJSON(&in); err != nil {
		s.fail(c, errBadInput)
		return
	}
	o := owner(c)
	t, _ := s.Catalog.Tutorial(o)
	a, err := s.Grader.Submit(c.Request.Context(), o, t, c.Param("check"), in.Attempt)
	if err != nil {
		s.fail(c, err)
		return
	}
	p, err := s.book.Tutorial(c.Request.Context(), o)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusAccepted, views.Attempt(a, p.Checks[a.Check]))
}

// hint opens a hint, once enough has been tried, and takes its cost.
func (s *site) hint(c *gin.Context) {
	o := owner(c)
	student, err := s.student(c, o)
	if err != nil {
		s.fail(c, err)
		return
	}
	for _, h := range student.Tutorial.Hints {
		if h.ID != c.Param("hint") {
			continue
		}
		if !student.Progress.Hints[h.ID].Due {
			s.fail(c, errNotDue)
			return
		}
		if err := s.Store.OpenHint(c.Request.Context(), o, h.ID); err != nil {
			s.fail(c, err)
			return
		}
		p, err := s.book.Tutorial(c.Request.Context(), o)
		if err != nil {
			s.fail(c, err)
			return
		}
		s.Desk.Score(o, p)
		s.fragment(c, student.Body(h.Body))
		return
	}
	s.fail(c, errNoPage)
}

// solution shows the solutions that the author lets students read, to one who
// has passed their check.
func (s *site) solution(c *gin.Context) {
	student, err := s.student(c, owner(c))
	if err != nil {
		s.fail(c, err)
		return
	}
	parts := student.Solutions(c.Param("check"))
	if len(parts) == 0 {
		s.fail(c, errNotPassed)
		return
	}
	s.fragment(c, parts)
}

// fragment answers with a piece of a page.
func (s *site) fragment(c *gin.Context, parts []themes.Part) {
	var html bytes.Buffer
	if err := s.Theme.RenderParts(&html, parts); err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"html": html.String()})
}
