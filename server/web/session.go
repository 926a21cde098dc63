package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/store"
)

// Keys of what is kept in a session and in a request.
const (
	userKey    = "user"
	ownerKey   = "owner"
	seatKey    = "seat"
	addressKey = "address" // the KEY of /at/KEY that a session belongs to
	bareKey    = "bare"    // set where the browser keeps no cookie for the session
	launchKey  = "launch"  // what the launch has told, see launched
)

// seated is who sits before the page, and where they came from.
type seated struct {
	user store.User
	// base goes before every path: empty, or "/at/KEY" for a launch. Each
	// launch has a session of its own there, so that two platforms, or two
	// people, in one browser can't mix.
	base   string
	launch *launched // nil for those who signed in by password
}

// contextID is 0 for those who signed in by password.
func (st *seated) contextID() uint {
	if st == nil || st.launch == nil {
		return 0
	}
	return st.launch.Context
}

// seat is who is signed in, or nil.
func seat(c *gin.Context) *seated {
	st, _ := c.Value(seatKey).(*seated)
	return st
}

// viewer is the user who is signed in, or nil.
func viewer(c *gin.Context) *store.User {
	if st := seat(c); st != nil {
		return &st.user
	}
	return nil
}

// at is a path of this site as the viewer's browser must ask for it.
func at(c *gin.Context, path string) string { return base(c) + path }

// baseOf carries the base that based has cut off to the handlers.
type baseOf struct{}

// base is empty or "/at/KEY".
func base(c *gin.Context) string {
	b, _ := c.Request.Context().Value(baseOf{}).(string)
	return b
}

// addressed is what a launch's pages lie below.
var addressed = regexp.MustCompile(`^/at/([A-Za-z0-9_-]{26,64})(/.*)$`)

// based lets handlers see one path for a page, whichever session it is of.
func based(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m := addressed.FindStringSubmatch(r.URL.Path); m != nil {
			r2 := r.WithContext(context.WithValue(r.Context(), baseOf{}, "/at/"+m[1]))
			r2.URL = new(url.URL)
			*r2.URL = *r.URL
			r2.URL.Path, r2.URL.RawPath = m[2], ""
			r = r2
		}
		next.ServeHTTP(w, r)
	})
}

// cookieName is the session's: one for passwords, one for each launch.
func (s *site) cookieName(c *gin.Context) string {
	if key := addressOf(c); key != "" {
		return s.sessions.Cookie.Name + "-" + key[:12]
	}
	return s.sessions.Cookie.Name
}

func addressOf(c *gin.Context) string { return strings.TrimPrefix(base(c), "/at/") }

// session finds the browser's session. Only entering, leaving and a choice of
// language change it, so requests cost the database no write.
func (s *site) session(c *gin.Context) {
	token, _ := c.Cookie(s.cookieName(c)) // none is as good as empty
	key := addressOf(c)
	bare := token == "" && key != ""
	if bare {
		token = key
	}
	ctx, err := s.sessions.Load(c.Request.Context(), token)
	if err != nil {
		s.fail(c, err)
		return
	}
	if key != s.sessions.GetString(ctx, addressKey) || bare != s.sessions.GetBool(ctx, bareKey) || bare && copied(c) {
		// Not this address's session: as good as none.
		if ctx, err = s.sessions.Load(c.Request.Context(), ""); err != nil {
			s.fail(c, err)
			return
		}
	}
	c.Request = c.Request.WithContext(ctx)
}

// copied says whether a whole window has been sent to an address. Where the
// browser keeps no cookies, the address alone is the session, and it is only
// ever shown inside a frame: one that was copied out of it opens nothing.
func copied(c *gin.Context) bool { return c.GetHeader("Sec-Fetch-Dest") == "document" }

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

// signedIn lets only users pass. Others are led to the login page and back,
// or, from a launch's pages, told to launch again.
func (s *site) signedIn(c *gin.Context) {
	ctx := c.Request.Context()
	st := &seated{base: base(c)}
	var err error
	st.user, err = s.Store.User(ctx, uint(s.sessions.GetInt(ctx, userKey)))
	if err == nil && st.base != "" {
		st.launch, err = s.launchOf(ctx)
	}
	switch {
	case err == nil:
		c.Set(seatKey, st)
		s.frame(c, st)
	case !errors.Is(err, store.ErrNotFound):
		s.fail(c, err)
	case st.base != "":
		s.fail(c, errLaunchOver)
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

// known lets a request for a tutorial pass if there is such a tutorial, and
// the viewer's place shows it.
func (s *site) known(c *gin.Context) {
	o := store.Owner{UserID: viewer(c).ID, Context: seat(c).contextID(), Course: c.Param("course"), Tutorial: c.Param("tutorial")}
	t, _ := s.Catalog.Tutorial(o)
	if t == nil {
		s.fail(c, errNoPage)
		return
	}
	if !s.shows(c, o.Course, o.Tutorial) {
		s.fail(c, errNotHere)
		return
	}
	c.Set(ownerKey, o)
}

// owner is what known has found: the viewer's work on the named tutorial.
// Nothing in a request can name another user.
func owner(c *gin.Context) store.Owner { return c.MustGet(ownerKey).(store.Owner) }
