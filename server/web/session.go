package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/store"
)

// Keys of what is kept in a session and in a request.
const (
	userKey  = "user"
	ownerKey = "owner"
)

// session finds the browser's session. Only entering and leaving change it,
// so requests cost the database no write.
func (s *site) session(c *gin.Context) {
	token, _ := c.Cookie(s.sessions.Cookie.Name) // none is as good as empty
	ctx, err := s.sessions.Load(c.Request.Context(), token)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Request = c.Request.WithContext(ctx)
}

// signIn makes the browser's session the user's, under a new token.
func (s *site) signIn(c *gin.Context, u store.User) error {
	ctx := c.Request.Context()
	if err := s.sessions.RenewToken(ctx); err != nil {
		return err
	}
	s.sessions.Put(ctx, userKey, int(u.ID))
	token, expiry, err := s.sessions.Commit(ctx)
	if err != nil {
		return err
	}
	s.sessions.WriteSessionCookie(ctx, c.Writer, token, expiry)
	return nil
}

// signedIn lets only users pass. Others are led to the login page and back.
func (s *site) signedIn(c *gin.Context) {
	id := s.sessions.GetInt(c.Request.Context(), userKey)
	u, err := s.Store.User(c.Request.Context(), uint(id))
	switch {
	case err == nil:
		c.Set(userKey, u)
	case !errors.Is(err, store.ErrNotFound):
		s.fail(c, err)
	case wantsJSON(c):
		s.fail(c, errSignedOut)
	default:
		next := ""
		if c.Request.Method == http.MethodGet && c.Request.URL.Path != "/" {
			next = "?next=" + url.QueryEscape(c.Request.URL.RequestURI())
		}
		c.Redirect(http.StatusSeeOther, "/login"+next)
		c.Abort()
	}
}

// viewer is the user who is signed in, or nil.
func viewer(c *gin.Context) *store.User {
	if u, ok := c.Get(userKey); ok {
		u := u.(store.User)
		return &u
	}
	return nil
}

// known lets a request for a tutorial pass if there is such a tutorial.
func (s *site) known(c *gin.Context) {
	o := store.Owner{UserID: viewer(c).ID, Course: c.Param("course"), Tutorial: c.Param("tutorial")}
	if t, _ := s.Catalog.Tutorial(o); t == nil {
		s.fail(c, errNoPage)
		return
	}
	c.Set(ownerKey, o)
}

// owner is what known has found: the viewer's work on the named tutorial.
// Nothing in a request can name another user.
func owner(c *gin.Context) store.Owner { return c.MustGet(ownerKey).(store.Owner) }
