package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/audit"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// login answers a platform that wants to launch (Security Framework 1.0,
// section 5.1.1.1).
func (s *site) ltiLogin(c *gin.Context) {
	if err := c.Request.ParseForm(); err != nil {
		s.fail(c, errBadInput)
		return
	}
	req := lti.ParseLogin(c.Request.Form)
	login, err := s.Office.Tool.Begin(c.Request.Context(), req)
	if err != nil {
		s.refuse(c, err)
		return
	}
	http.SetCookie(c.Writer, login.Cookie)
	if c.GetHeader("Sec-Fetch-Dest") == "document" {
		// A window of its own keeps cookies: nothing has to be tried.
		c.Redirect(http.StatusFound, login.Redirect)
		return
	}
	s.policy(c, themes.Policy{Ancestors: s.ancestors(c), FormTargets: []string{lms.Origin(login.Redirect)}})
	s.page(c, http.StatusOK, themes.LTIContinuePage{Layout: s.layout(c, s.words(c).Say("Opening the lab")), Redirect: login.Redirect, Cookie: "labmark-probe",
		Retry: req.Values(), RetryTo: lti.LoginPath, Store: stored(login.Store)})
}

func stored(st *lti.Stored) *themes.StoreView {
	if st == nil {
		return nil
	}
	return &themes.StoreView{Target: st.Target, Origin: st.Origin, Key: st.Key, Value: st.Value}
}

// ltiLaunch takes the platform's token (section 5.1.1.3), stores what it
// tells, and leads to what was launched, in a session of its own.
func (s *site) ltiLaunch(c *gin.Context) {
	ctx := c.Request.Context()
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, maxLaunch)
	if err := c.Request.ParseForm(); err != nil {
		s.fail(c, errBadInput)
		return
	}
	form := c.Request.PostForm
	req := lti.LaunchRequest{IDToken: form.Get("id_token"), State: form.Get("state"), Error: form.Get("error"),
		ErrorDescription: form.Get("error_description"), Cookies: c.Request.Cookies(), Stored: form.Get("stored"),
		SameOrigin: c.GetHeader("Sec-Fetch-Site") == "same-origin"}
	m, err := s.Office.Tool.Launch(ctx, req)
	var need *lti.NeedStorage
	if errors.As(err, &need) {
		s.policy(c, themes.Policy{Ancestors: s.ancestors(c)})
		s.page(c, http.StatusOK, themes.LTIStoragePage{Layout: s.layout(c, s.words(c).Say("Opening the lab")), Store: *stored(&need.Stored),
			Action: lti.LaunchPath, IDToken: req.IDToken, State: req.State})
		return
	}
	if err != nil {
		s.refuse(c, err)
		return
	}
	a, err := s.Office.Arrive(ctx, m)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.Meter.Launch(true)
	s.note(c, audit.Launch, &a.User, a.Platform.Name)
	s.Outbox.Kick() // who is back, or to what a link has been turned, may have grades
	l, path := s.landing(m, a)
	l.Embedded = embedded(c, m)
	key, err := s.sit(c, a.User.ID, l, req.Stored != "")
	if err != nil {
		s.fail(c, err)
		return
	}
	http.SetCookie(c.Writer, s.Office.Tool.Forget(req.State))
	c.Redirect(http.StatusSeeOther, key+path)
}

// maxLaunch bounds a launch's body, in bytes.
const maxLaunch = 256 << 10

// landing is what a launch's session keeps, and the page that it leads to.
func (s *site) landing(m *lti.Message, a lms.Arrival) (launched, string) {
	l := launched{Platform: a.Platform.ID, Return: m.Return,
		Storage: m.Storage, Language: m.Locale}
	l.Origins = append(l.Origins, a.Platform.FrameOrigins...)
	if o := lms.Origin(m.Return); o != "" {
		l.Origins = append(l.Origins, o)
	}
	if a.Context != nil {
		l.Context = a.Context.ID
	}
	if a.Link != nil {
		l.Link = a.Link.ID
	}
	switch m.Type {
	case lti.DeepLinkingRequest:
		// The answer needs nothing of the person, and what sessions do not hold
		// need not be erased from them.
		asked := *m
		asked.User, asked.ForUser = lti.User{Subject: m.User.Subject}, nil
		l.Linking = &asked
		if o := lms.Origin(m.Linking.ReturnURL); o != "" {
			l.Origins = append(l.Origins, o)
		}
		return l, "/pick"
	case lti.SubmissionReviewRequest:
		return l, reviewPath(a)
	case lti.DataPrivacyRequest:
		return l, "/privacy"
	}
	return l, s.landingPath(a)
}

// embedded says whether the launch stands in a frame. The browser knows best;
// platforms don't say it of every message.
func embedded(c *gin.Context, m *lti.Message) bool {
	switch c.GetHeader("Sec-Fetch-Dest") {
	case "iframe", "frame":
		return true
	case "document":
		return false
	}
	return m.Target == "iframe" || m.Target == "frame"
}

// landingPath is the page that a resource link shows. What is not served any
// more has to be chosen again.
func (s *site) landingPath(a lms.Arrival) string {
	if a.Link == nil {
		return "/"
	}
	name := a.Link.Course
	if a.Link.Tutorial != "" {
		name += "/" + a.Link.Tutorial
	}
	if course, _ := s.Office.Target(name); course == "" {
		return "/choose"
	}
	return "/courses/" + name
}

// reviewPath is the page on which a grader sees one student's work. A student
// who asks for a review sees their own.
func reviewPath(a lms.Arrival) string {
	if !a.Membership.Instructor {
		return "/progress"
	}
	if a.Link == nil || a.Link.Course == "" || a.ForUser == nil {
		return "/class"
	}
	path := "/class/students/" + strconv.FormatUint(uint64(a.ForUser.ID), 10)
	return path + "?tutorial=" + url.QueryEscape(a.Link.Course+"/"+a.Link.Tutorial)
}

// launched is what a launch's session keeps.
type launched struct {
	Platform, Context, Link uint
	Return                  string // URL back to the platform
	Embedded                bool
	Storage                 string // lti_storage_target
	Language                string
	Origins                 []string     // may show the pages in a frame
	Linking                 *lti.Message // a deep linking request that waits for its answer

	membership store.Membership
	context    store.Context
	platform   store.Platform
	links      []store.ResourceLink
}

// launchOf reads what the session's launch has told, and what is known of its
// place by now. store.ErrNotFound if there is none, or the platform or the
// membership is no more.
func (s *site) launchOf(ctx context.Context) (*launched, error) {
	l := &launched{}
	if err := json.Unmarshal(s.sessions.GetBytes(ctx, launchKey), l); err != nil {
		return nil, store.ErrNotFound
	}
	var err error
	if l.platform, err = s.Store.Platform(ctx, l.Platform); err != nil {
		return nil, err
	}
	if l.platform.State != store.PlatformActive {
		return nil, store.ErrNotFound
	}
	if l.Context == 0 {
		return l, nil
	}
	uid := uint(s.sessions.GetInt(ctx, userKey))
	if l.membership, err = s.Store.Membership(ctx, l.Context, uid); err != nil {
		return nil, err
	}
	if !l.membership.Active {
		return nil, store.ErrNotFound
	}
	if l.context, err = s.Store.Context(ctx, l.Context); err != nil {
		return nil, err
	}
	l.links, err = s.Store.Links(ctx, l.Context)
	return l, err
}

// refuse answers a launch that was refused: a page for the person, and a line
// for the administrator.
func (s *site) refuse(c *gin.Context, err error) {
	var r *lti.Refusal
	if !errors.As(err, &r) {
		s.fail(c, err)
		return
	}
	s.Meter.Launch(false)
	s.note(c, audit.LaunchRefused, nil, string(r.Reason))
	s.Log.Warn("launch refused", "reason", string(r.Reason), "platform", r.Platform, "detail", r.Detail, "from", c.ClientIP())
	s.policy(c, themes.Policy{Ancestors: s.ancestors(c)})
	l := s.words(c)
	s.page(c, http.StatusForbidden, themes.ErrorPage{Layout: s.layout(c, l.Say(r.Person)), Status: http.StatusForbidden,
		Message: l.Say(r.Person), Mend: l.Say(r.Mend), Detail: string(r.Reason)})
}

// keySet publishes the tool's own keys.
func (s *site) keySet(c *gin.Context) {
	keys, err := s.Office.Keys(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Header("Cache-Control", "public, max-age=300")
	c.Header("Cross-Origin-Resource-Policy", "cross-origin")
	c.Data(http.StatusOK, "application/json", lti.JWKS(keys))
}
