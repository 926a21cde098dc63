package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/audit"
	"github.com/labmark/labmark/server/login"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

func (s *site) loginPage(c *gin.Context) {
	s.page(c, http.StatusOK, s.loginForm(c, c.Query("next"), "", ""))
}

func (s *site) loginForm(c *gin.Context, next, login, problem string) themes.LoginPage {
	return themes.LoginPage{Layout: s.layout(c, s.words(c).Say("Sign in")), Login: login, Error: problem,
		Next: safeNext(next), Demo: s.demoFor(c), PretendLMS: s.pretendLMS(c)}
}

func (s *site) enter(c *gin.Context) {
	name, next := c.PostForm("login"), c.PostForm("next")
	u, err := s.Door.Enter(c.Request.Context(), name, c.PostForm("password"))
	s.Meter.Login(err == nil)
	if err != nil {
		s.loginFailed(c, name)
	}
	switch {
	case errors.Is(err, login.ErrWrong):
		s.page(c, http.StatusUnauthorized, s.loginForm(c, next, name, "That login and password don't go together."))
		return
	case errors.Is(err, login.ErrTooOften):
		s.page(c, http.StatusTooManyRequests, s.loginForm(c, next, name, "Too many tries. Wait a minute, then try again."))
		return
	case err != nil:
		s.fail(c, err)
		return
	}
	s.welcome(c, u, next)
}

// loginFailed notes whose login it was, if it is anybody's: people type
// passwords into that field, too.
func (s *site) loginFailed(c *gin.Context, name string) {
	if u, err := s.Store.UserByLogin(c.Request.Context(), name); err == nil {
		s.note(c, audit.LoginFailed, &u, "")
		return
	}
	s.note(c, audit.LoginFailed, nil, "")
}

// demoLogin is the account behind the demo button. It has no password.
const demoLogin = "demo"

func (s *site) enterDemo(c *gin.Context) {
	if !s.demoFor(c) {
		s.fail(c, errNoPage)
		return
	}
	ctx := c.Request.Context()
	err := s.Store.AddUser(ctx, &store.User{Login: demoLogin, Name: "Demo student"})
	if err != nil && !errors.Is(err, store.ErrExists) {
		s.fail(c, err)
		return
	}
	u, err := s.Store.UserByLogin(ctx, demoLogin)
	if err != nil {
		s.fail(c, err)
		return
	}
	s.welcome(c, u, c.PostForm("next"))
}

// demoFor says whether this browser may enter without a password: it must run
// on this very machine, and must not have been sent on by a proxy, nor by a
// web page of another name that has taken our address for its own.
func (s *site) demoFor(c *gin.Context) bool { return s.Demo && s.local(c) }

// ourName says whether a request's Host is this machine's or the public one.
func (s *site) ourName(host string) bool {
	if host == s.Office.PublicURL.Host {
		return true
	}
	name := (&url.URL{Host: host}).Hostname()
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// pretendLMS is the demo's learning platform, for those who may use the demo.
func (s *site) pretendLMS(c *gin.Context) string {
	if !s.demoFor(c) {
		return ""
	}
	return s.PretendLMS
}

func (s *site) welcome(c *gin.Context, u store.User, next string) {
	if err := s.signIn(c, u); err != nil {
		s.fail(c, err)
		return
	}
	s.note(c, audit.Login, &u, "")
	c.Redirect(http.StatusSeeOther, safeNext(next))
}

func (s *site) leave(c *gin.Context) {
	ctx := c.Request.Context()
	s.note(c, audit.Logout, &store.User{ID: uint(s.sessions.GetInt(ctx, userKey))}, "")
	if err := s.sessions.Destroy(ctx); err != nil {
		s.fail(c, err)
		return
	}
	http.SetCookie(c.Writer, &http.Cookie{Name: s.sessions.Cookie.Name, Path: "/", MaxAge: -1,
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode})
	c.Redirect(http.StatusSeeOther, "/login")
}

// safeNext lets a login lead to a page of this site only.
func safeNext(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
