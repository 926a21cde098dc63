package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/themes"
)

// privacy says what is kept about the viewer, and gives it out. A platform
// leads here by a data privacy launch.
func (s *site) privacy(c *gin.Context) {
	s.page(c, http.StatusOK, themes.PrivacyPage{Layout: s.layout(c, s.words(c).Say("What is kept about you")), Export: at(c, "/privacy/export")})
}

func (s *site) privacyExport(c *gin.Context) {
	data, err := s.gradebook().ExportUser(c.Request.Context(), viewer(c).ID, false)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Content-Disposition", `attachment; filename="labmark-about-me.json"`)
	c.Data(http.StatusOK, "application/json", data)
}
