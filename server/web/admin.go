package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

const platformsPath = "/admin/platforms"

// adminRoutes are the administrator's pages.
func (s *site) adminRoutes(pages *gin.RouterGroup) {
	pages.GET("", s.platforms)
	pages.POST("", s.addPlatform)
	pages.POST("/invite", s.invite)
	one := pages.Group("/:platform", s.platform)
	one.GET("", s.platformPage)
	one.POST("", s.savePlatform)
	one.POST("/test", s.testPlatform)
	one.POST("/activate", s.setPlatformState(store.PlatformActive))
	one.POST("/disable", s.setPlatformState(store.PlatformDisabled))
	one.POST("/remove", s.removePlatform)
}

// admin lets only administrators pass, who have signed in by password.
func (s *site) admin(c *gin.Context) {
	if st := seat(c); !st.user.Admin || st.launch != nil {
		s.fail(c, errNoPage)
	}
}

const platformKey = "platform"

// platform finds the platform that a path names.
func (s *site) platform(c *gin.Context) {
	id, _ := strconv.ParseUint(c.Param("platform"), 10, 32)
	p, err := s.Store.Platform(c.Request.Context(), uint(id))
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Set(platformKey, p)
}

func platformOf(c *gin.Context) store.Platform { return c.MustGet(platformKey).(store.Platform) }

func (s *site) platforms(c *gin.Context) { s.platformList(c, http.StatusOK, themes.PlatformsPage{}) }

// platformList completes a page that already says what is special about it.
func (s *site) platformList(c *gin.Context, status int, page themes.PlatformsPage) {
	all, err := s.Store.Platforms(c.Request.Context(), "")
	if err != nil {
		s.fail(c, err)
		return
	}
	page.Layout = s.layout(c, s.words(c).Say("Learning platforms"), s.coursesCrumb(c))
	page.AddAction, page.RegisterAction = platformsPath, platformsPath+"/invite"
	page.Settings, page.Canvas = s.toolSettings(), s.Office.Endpoints().At(lti.CanvasPath)
	for _, p := range all {
		v, _, err := s.platformView(c, p)
		if err != nil {
			s.fail(c, err)
			return
		}
		page.Platforms = append(page.Platforms, v)
	}
	s.page(c, status, page)
}

func (s *site) toolSettings() []themes.Setting {
	var out []themes.Setting
	for _, v := range s.Office.ManualSettings() {
		out = append(out, themes.Setting{Name: v.Name, Value: v.Value})
	}
	return out
}

// platformView shows a platform and the contexts from which it has launched.
func (s *site) platformView(c *gin.Context, p store.Platform) (themes.PlatformView, []themes.PlatformContext, error) {
	path := platformsPath + "/" + strconv.FormatUint(uint64(p.ID), 10)
	v := themes.PlatformView{Href: path, Name: p.Name, Product: p.Product, State: p.State, Issuer: p.Issuer, ClientID: p.ClientID,
		Deployments: p.Deployments, LastLaunch: p.LastLaunch, TestAction: path + "/test"}
	if p.State == store.PlatformActive {
		v.DisableAction = path + "/disable"
	} else {
		v.ActivateAction = path + "/activate"
	}
	uses, err := s.Store.ContextUses(c.Request.Context(), p.ID)
	if err != nil {
		return v, nil, err
	}
	var contexts []themes.PlatformContext
	for _, u := range uses {
		v.Courses, v.Waiting, v.Refused = v.Courses+1, v.Waiting+u.Waiting, v.Refused+u.Refused
		contexts = append(contexts, themes.PlatformContext{Title: contextName(u.Context), People: u.People,
			LastLaunch: u.LastLaunch, Waiting: u.Waiting, Refused: u.Refused})
	}
	if len(uses) == 0 {
		v.RemoveAction = path + "/remove"
	}
	return v, contexts, nil
}

func (s *site) platformPage(c *gin.Context) {
	s.onePlatform(c, http.StatusOK, platformOf(c), nil, "")
}

func (s *site) onePlatform(c *gin.Context, status int, p store.Platform, test []themes.TestStep, problem string) {
	v, contexts, err := s.platformView(c, p)
	if err != nil {
		s.fail(c, err)
		return
	}
	if test != nil {
		now := time.Now().UTC()
		v.Test, v.TestedAt = test, &now
	}
	s.page(c, status, themes.PlatformPage{Layout: s.layout(c, p.Name, s.coursesCrumb(c), themes.Crumb{Title: s.words(c).Say("Learning platforms"), Href: platformsPath}),
		PlatformView: v, Contexts: contexts, Settings: s.toolSettings(), SaveAction: v.Href, Error: problem,
		Form: themes.PlatformForm{Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, AuthURL: p.AuthURL, TokenURL: p.TokenURL,
			KeysURL: p.KeysURL, Deployments: strings.Join(p.Deployments, " "), FrameOrigins: strings.Join(p.FrameOrigins, " "), Audience: p.Audience}})
}

// typed takes over what a form says of a platform.
func typed(c *gin.Context, p store.Platform) store.Platform {
	field := func(name string) string { return strings.TrimSpace(c.PostForm(name)) }
	p.Name, p.Issuer, p.ClientID = field("name"), field("issuer"), field("client_id")
	p.AuthURL, p.TokenURL, p.KeysURL = field("auth_url"), field("token_url"), field("keys_url")
	p.Audience = field("audience")
	p.Deployments, p.FrameOrigins = several(c, "deployments"), several(c, "frame_origins")
	return p
}

// several are the words of a field, whatever stands between them.
func several(c *gin.Context, field string) []string {
	return strings.FieldsFunc(c.PostForm(field), func(r rune) bool { return unicode.IsSpace(r) || r == ',' })
}

func (s *site) addPlatform(c *gin.Context) {
	p := typed(c, store.Platform{Product: lms.Guess(c.PostForm("auth_url"))})
	added, err := s.Office.Add(c.Request.Context(), p)
	if err != nil {
		s.platformList(c, http.StatusUnprocessableEntity, themes.PlatformsPage{Error: s.refusedPlatform(c, err), Add: themes.PlatformForm{
			Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, AuthURL: p.AuthURL, TokenURL: p.TokenURL,
			KeysURL: p.KeysURL, Deployments: c.PostForm("deployments"), FrameOrigins: c.PostForm("frame_origins"), Audience: p.Audience}})
		return
	}
	c.Redirect(http.StatusSeeOther, platformsPath+"/"+strconv.FormatUint(uint64(added.ID), 10))
}

func (s *site) savePlatform(c *gin.Context) {
	p := typed(c, platformOf(c))
	if len(p.FrameOrigins) == 0 {
		p.FrameOrigins = lms.FrameOrigins(lms.Registration(p))
	}
	err := lms.Check(p)
	if err == nil {
		err = s.savedPlatform(c, p)
	}
	if err != nil {
		s.onePlatform(c, http.StatusUnprocessableEntity, p, nil, s.refusedPlatform(c, err))
		return
	}
	c.Redirect(http.StatusSeeOther, c.Request.URL.Path)
}

// savedPlatform stores a platform and lets grades that have waited for it try
// again at once: what held them up may have been mended.
func (s *site) savedPlatform(c *gin.Context, p store.Platform) error {
	if err := s.Store.SavePlatform(c.Request.Context(), p); err != nil {
		return err
	}
	return s.Outbox.Wake(c.Request.Context(), p.ID)
}

func (s *site) invite(c *gin.Context) {
	address, until, err := s.Office.Invite(c.Request.Context())
	if err != nil {
		s.fail(c, err)
		return
	}
	s.platformList(c, http.StatusOK, themes.PlatformsPage{Register: address, RegisterUntil: &until})
}

func (s *site) testPlatform(c *gin.Context) {
	p := platformOf(c)
	steps, err := s.Office.Test(c.Request.Context(), p)
	if err != nil {
		s.fail(c, err)
		return
	}
	var test []themes.TestStep
	for _, f := range steps {
		state := "fail"
		if f.OK {
			state = "pass"
		}
		test = append(test, themes.TestStep{State: state, Name: s.words(c).Say(f.Step), Says: s.words(c).Translate(f.Found), Mend: s.words(c).Translate(f.Mend)})
	}
	s.onePlatform(c, http.StatusOK, p, test, "")
}

func (s *site) setPlatformState(state string) gin.HandlerFunc {
	return func(c *gin.Context) {
		p := platformOf(c)
		p.State = state
		if err := s.savedPlatform(c, p); err != nil {
			s.fail(c, err)
			return
		}
		c.Redirect(http.StatusSeeOther, platformsPath+"/"+c.Param("platform"))
	}
}

func (s *site) removePlatform(c *gin.Context) {
	p := platformOf(c)
	err := s.Store.RemovePlatform(c.Request.Context(), p.ID)
	if errors.Is(err, store.ErrInUse) {
		s.onePlatform(c, http.StatusConflict, p, nil, s.words(c).Say("People have come from this platform: disable it instead."))
		return
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, platformsPath)
}

// refusedPlatform says what is wrong with a platform's description.
func (s *site) refusedPlatform(c *gin.Context, err error) string {
	wrong, ok := errors.AsType[lms.Wrong](err)
	if !ok {
		return explain(s.words(c), err)
	}
	var all []string
	for _, w := range wrong {
		all = append(all, s.words(c).Translate(w))
	}
	return strings.Join(all, "; ")
}
