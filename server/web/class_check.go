package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/themes"
)

// checkPage shows one check over the whole class.
func (s *site) checkPage(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	h, err := s.gradebook().Check(c.Request.Context(), b.context, b.course.ID, b.tutorial.ID, c.Param("check"))
	if err != nil {
		s.fail(c, err)
		return
	}
	title := checkTitle(h.Check)
	page := themes.CheckPage{Layout: s.layout(c, title, themes.Crumb{Title: s.words(c).Say("Class"), Href: teachPath(c, "", b)}),
		TeachLinks: s.teachLinks(c, b, ""), Heading: title, Tutorial: b.tutorial.Title, Points: h.Check.Points,
		Passed: h.Passed, Partly: h.Partly, Failed: h.Failed, Unsure: h.Unsure, Never: h.Never, Attempts: len(h.Attempts)}
	for _, cl := range h.Clusters {
		page.Clusters = append(page.Clusters, clusterView(c, b, h, cl))
	}
	for _, d := range h.Days {
		page.History = append(page.History, themes.Bar{Label: s.words(c).Day(d.Date), Passed: d.Passed, Failed: d.Failed, Unsure: d.Unsure})
	}
	for _, other := range b.tutorial.Checks {
		page.Following = append(page.Following, themes.Link{Title: checkTitle(other), Href: teachPath(c, "/checks/"+other.ID, b),
			Current: other == h.Check})
	}
	s.page(c, http.StatusOK, page)
}

func clusterView(c *gin.Context, b *subject, h gradebook.CheckHistory, cl gradebook.Cluster) themes.Cluster {
	v := themes.Cluster{State: cl.Verdict, Message: cl.Message, Example: cl.Example.Message, Count: cl.Attempts}
	if cl.Part {
		v.State = "part"
	}
	names := map[uint]string{}
	for _, st := range h.Students {
		names[st.User.ID] = st.User.Called()
	}
	for _, id := range cl.Students {
		v.Students = append(v.Students, themes.Crumb{Title: names[id], Href: teachPath(c, "/students/"+userName(id), b)})
	}
	return v
}
