package web

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
)

func (s *site) tutorial(c *gin.Context) {
	o := owner(c)
	t, course := s.spoken(c, o)
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
	if grade != nil {
		*grade = views.GradeIn(s.words(c), *grade)
	}
	trouble, err := s.Setup.Trouble(c.Request.Context(), o)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.TutorialPage{
		Layout:  s.layout(c, t.Title, s.coursesCrumb(c), themes.Crumb{Title: course.Title, Href: coursePath(c, course)}),
		Heading: t.Title, Summary: t.Summary, Duration: t.Duration, API: at(c, "/api/courses/"+course.ID+"/"+t.ID),
		Score: views.Score(student.Progress), Guest: views.Guest(s.Guests.Status(o)), Next: s.next(c, course, t),
		Grade: grade, Rules: views.Rules(s.words(c), student.Progress), Trouble: trouble,
	}
	page.Files = at(c, "/courses/"+course.ID+"/"+t.ID+"/machine")
	page.Style = styleOf(c, course)
	page.Spoken = s.languages(c, s.Catalog.Course(o.Course), t.Language)
	for _, g := range t.Guests {
		page.Guests = append(page.Guests, g.Name)
	}
	if g := screen(t, ""); g != nil {
		page.Desktop, page.DesktopGuest = true, g.Name
	}
	for _, step := range t.Steps {
		page.Steps = append(page.Steps, themes.Step{ID: step.ID, Title: student.Values.Fill(step.Title), Body: student.Body(step.Body)})
	}
	s.coursePage(c, course, page)
}

// student gathers what an owner's pages differ by from others'.
func (s *site) student(c *gin.Context, o store.Owner) (views.Student, error) {
	p, err := s.book.Tutorial(c.Request.Context(), o)
	student := s.Desk.Student(o, p)
	student.Tutorial, _ = s.spoken(c, o)
	student.Language = s.words(c)
	return student, err
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
	if l := s.look(c.Param("course")); l != nil {
		err := l.RenderParts(&html, s.language(c), parts)
		if err == nil {
			c.JSON(http.StatusOK, gin.H{"html": html.String()})
			return
		}
		l.Failed(err)
	}
	if err := s.Theme.RenderParts(&html, s.language(c), parts); err != nil {
		s.fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"html": html.String()})
}
