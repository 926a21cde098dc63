package web

import (
	"errors"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// registerPage is what a platform opens to register us with itself (Dynamic
// Registration 1.0, section 3.3).
func (s *site) registerPage(c *gin.Context) {
	config := c.Query("openid_configuration")
	// The administrator's platform, whichever it is, shows this in a frame.
	s.policy(c, themes.Policy{Ancestors: []string{lms.Origin(config)}})
	p, err := s.Office.Register(c.Request.Context(), c.Query("invitation"), config, c.Query("registration_token"))
	if err != nil {
		s.Log.Warn("registration failed", "configuration", config, "err", err)
		p := registrationPage(s.words(c), err)
		p.Layout, p.Status = s.layout(c, p.Message), http.StatusForbidden
		s.page(c, p.Status, p)
		return
	}
	s.Log.Info("platform registered", "id", p.ID, "issuer", p.Issuer, "client", p.ClientID)
	l := s.words(c)
	page := themes.LTIClosePage{Layout: s.layout(c, l.Say("Registered")), Heading: l.Say("Labmark and {platform} know each other now.", "platform", p.Name),
		Message: l.Say("What is left to be done:")}
	switch p.Product {
	case "moodle":
		page.Steps = []string{l.Say("In Moodle's list of tools, activate Labmark."), l.Say("In a course, add the activity Labmark and select a tutorial.")}
	case "canvas":
		page.Steps = []string{l.Say("Turn on the key in Canvas's list of developer keys."), l.Say("Add the app Labmark to the account or course, by its client ID.")}
	default:
		page.Steps = []string{l.Say("Allow the tool on the platform, if it asks for that.")}
	}
	s.page(c, http.StatusOK, page)
}

// registrationPage says why nothing was registered.
func registrationPage(l *words.Language, err error) themes.ErrorPage {
	var r *lti.Refusal
	switch {
	case errors.Is(err, lms.ErrNotInvited):
		return themes.ErrorPage{Message: l.Say("This address for registration has been used, or is too old."),
			Mend: l.Say("Draw a new one: on Labmark's page of platforms, or by labmark platform invite.")}
	case errors.As(err, &r):
		return themes.ErrorPage{Message: l.Say(r.Person), Mend: l.Say(r.Mend), Detail: string(r.Reason)}
	}
	return themes.ErrorPage{Message: l.Say("Labmark could not register with the platform."), Mend: err.Error()}
}

// icon is what platforms show beside our name.
func (s *site) icon(c *gin.Context) {
	address, err := s.Theme.AssetURL("icon.svg")
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Redirect(http.StatusFound, address)
}

// canvas is the configuration that Canvas reads.
func (s *site) canvas(c *gin.Context) {
	c.Data(http.StatusOK, "application/json", lti.CanvasConfiguration(s.Office.Endpoints(), lms.Name, lms.Description))
}
