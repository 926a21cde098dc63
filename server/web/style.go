package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/look"
	"github.com/labmark/labmark/themes"
)

// look is a course's own, nil where it has none.
func (s *site) look(course string) *look.Look { return s.shelf.Of(s.Catalog.Course(course)) }

// coursePage draws a page of a course, by the course's own theme if it can.
func (s *site) coursePage(c *gin.Context, course *content.Course, p themes.Page) {
	if l := s.look(course.ID); l != nil {
		c.Writer.Header().Set("Content-Type", "text/html; charset=utf-8")
		c.Status(http.StatusOK)
		err := l.Render(c.Writer, p)
		if err == nil {
			return
		}
		l.Failed(err)
	}
	s.page(c, http.StatusOK, p)
}

// styleOf is the address of a course's own style sheet, another one for each
// version of the course; empty where it has none.
func styleOf(c *gin.Context, course *content.Course) string {
	if course.Style == "" {
		return ""
	}
	return coursePath(c, course) + "/theme.css?v=" + course.Revision[:16]
}

// style serves a course's own style sheet.
func (s *site) style(c *gin.Context) {
	course := s.Catalog.Course(c.Param("course"))
	if course == nil || course.Style == "" {
		s.fail(c, errNoPage)
		return
	}
	c.Header("Cache-Control", "private, max-age=31536000, immutable")
	// A platform may sandbox its frames; see Theme.Assets.
	c.Header("Cross-Origin-Resource-Policy", "cross-origin")
	c.Data(http.StatusOK, "text/css; charset=utf-8", []byte(course.Style))
}
