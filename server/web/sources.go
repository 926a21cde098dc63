package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/themes"
)

const sourcesPath = "/admin/courses"

// sourceRoutes are the administrator's page of courses.
func (s *site) sourceRoutes(pages *gin.RouterGroup) {
	pages.GET("", s.sources)
	pages.POST("/:course/pull", s.pull)
}

// versionsShown is how many versions of each course the page lists.
const versionsShown = 5

func (s *site) sources(c *gin.Context) {
	page := themes.SourcesPage{Layout: s.layout(c, s.words(c).Say("Courses’ sources"), s.coursesCrumb(c))}
	if s.Publisher != nil {
		for _, st := range s.Publisher.Statuses() {
			v := themes.SourceView{Course: st.Course.Title, Source: st.Source, Folder: st.Folder, Commit: st.Commit, Tried: st.Tried,
				PullAction: sourcesPath + "/" + st.Course.ID + "/pull"}
			if st.Fault != nil {
				v.Fault = st.Fault.Error()
			}
			versions, err := s.Store.CourseVersions(c.Request.Context(), st.Course.ID, versionsShown)
			if err != nil {
				s.fail(c, err)
				return
			}
			for _, version := range versions {
				changes, err := changeWords(s.words(c), version, "")
				if err != nil {
					s.fail(c, err)
					return
				}
				v.Versions = append(v.Versions, themes.VersionView{At: version.At, Commit: version.Commit, Changes: changes})
			}
			page.Sources = append(page.Sources, v)
		}
	}
	s.page(c, http.StatusOK, page)
}

func (s *site) pull(c *gin.Context) {
	if s.Publisher == nil || !s.Publisher.Pull(c.Param("course")) {
		s.fail(c, errNoPage)
		return
	}
	c.Redirect(http.StatusSeeOther, sourcesPath)
}
