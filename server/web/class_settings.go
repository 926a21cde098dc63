package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// settingsPage says how a tutorial is graded in the context.
func (s *site) settingsPage(c *gin.Context) {
	if b := s.subject(c); b != nil {
		s.showSettings(c, http.StatusOK, b, themes.SettingsPage{Layout: themes.Layout{Flash: s.flash(c)}})
	}
}

// showSettings completes a page that already says what is special about it.
func (s *site) showSettings(c *gin.Context, status int, b *subject, page themes.SettingsPage) {
	all, err := s.Store.GradeSettings(c.Request.Context(), b.context)
	if err != nil {
		s.fail(c, err)
		return
	}
	p := progress.Settings(store.Work{Settings: all}, b.course, b.tutorial)
	said := page.Flash
	page.Layout = s.layout(c, s.words(c).Say("How it is graded"), themes.Crumb{Title: s.words(c).Say("Class"), Href: teachPath(c, "", b)})
	page.Flash = said
	page.TeachLinks, page.Heading = s.teachLinks(c, b, "/settings"), b.tutorial.Title
	page.Action, page.Import = teachPath(c, "/settings", b), teachPath(c, "/import", b)
	page.Keep, page.Due, page.Until = string(p.Keep), p.Due, p.Until
	page.Penalty, page.Weight = 100*p.Penalty, points(b.tutorial)
	if p.Weight != nil {
		page.Weight = *p.Weight
	}
	page.Defaults = s.words(c).Say("Where nothing is set, what the course's author has written holds.")
	s.page(c, status, page)
}

func (s *site) saveSettings(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	g, err := typedSettings(c, b.tutorial)
	if err == nil {
		g.ContextID, g.Course, g.Tutorial, g.By = b.context, b.course.ID, b.tutorial.ID, viewer(c).ID
		err = s.Store.SetGradeSettings(c.Request.Context(), g)
	}
	if err != nil {
		s.showSettings(c, http.StatusUnprocessableEntity, b, themes.SettingsPage{Error: explain(s.words(c), err)})
		return
	}
	s.Outbox.Kick()
	s.Desk.Regraded(b.context, b.course.ID, b.tutorial.ID)
	c.Redirect(http.StatusSeeOther, teachPath(c, "/settings", b)+"&said=saved")
}

// typedSettings reads the form of themes.SettingsPage.
func typedSettings(c *gin.Context, t *content.Tutorial) (g store.GradeSettings, err error) {
	g.Keep = c.PostForm("keep")
	if g.Due, err = localTime(c, "due"); err != nil {
		return g, sayError("Due: {why}", "why", err)
	}
	if g.Until, err = localTime(c, "until"); err != nil {
		return g, sayError("Until: {why}", "why", err)
	}
	if g.Penalty, err = number(c, "penalty", "The penalty “{text}” is no number."); err != nil {
		return g, err
	}
	if g.Penalty != nil {
		*g.Penalty /= 100
	}
	if g.Weight, err = number(c, "weight", "The weight “{text}” is no number."); g.Weight != nil && *g.Weight == points(t) {
		g.Weight = nil // as many as there are points, also when the author adds some
	}
	return g, err
}

// number reads a decimal; nil if the field is empty. Refusal is what it says
// where there is none.
func number(c *gin.Context, field, refusal string) (*float64, error) {
	text := strings.TrimSpace(strings.ReplaceAll(c.PostForm(field), ",", "."))
	if text == "" {
		return nil, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, sayError(refusal, "text", text)
	}
	return &f, nil
}

// flashes are what pages say after a form was taken, by the "said" of their
// address.
var flashes = map[string]string{
	"saved":   "Saved. Grades that change are on their way.",
	"decided": "Saved. The grade is on its way if it changes.",
	"trying":  "Trying again.",
}

func (s *site) flash(c *gin.Context) string { return s.words(c).Say(flashes[c.Query("said")]) }

// maxImport bounds an uploaded file, in bytes.
const maxImport = 4 << 20
