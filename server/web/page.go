package web

import (
	"crypto/rand"
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/freight"
	"github.com/labmark/labmark/themes"
)

const nonceKey = "nonce"

// headers go with every answer.
func headers(c *gin.Context) {
	nonce := rand.Text()
	c.Set(nonceKey, nonce)
	h := c.Writer.Header()
	h.Set("Content-Security-Policy", themes.ContentSecurityPolicy(themes.Policy{Nonce: nonce}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store") // assets say otherwise for themselves
}

// maxBody bounds what a request may bring, in bytes. Files of grades are the
// largest; whatever else is sent as a form would be kept on disk.
const maxBody = maxImport + 1<<20

func bounded(c *gin.Context) {
	limit := int64(maxBody)
	if c.FullPath() == putPath {
		limit = freight.MaxBytes + putSpare // it goes straight on into a machine
	}
	c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, limit)
}

// layout is the frame of a page. Crumbs lead to it; the page itself is added.
func (s *site) layout(c *gin.Context, title string, crumbs ...themes.Crumb) themes.Layout {
	l := themes.Layout{Title: title, Nonce: c.GetString(nonceKey), Base: base(c), Language: s.language(c), Menu: s.menu(c)}
	if st := seat(c); st != nil {
		l.Viewer = &themes.Viewer{Name: st.user.Called()}
		if st.user.Admin {
			l.Admin = at(c, platformsPath)
		}
		s.place(c, st, &l)
		s.author(c, st, &l)
	}
	if len(crumbs) > 0 {
		l.Crumbs = slices.Concat(crumbs, []themes.Crumb{{Title: title}})
	}
	return l
}

// page draws a page. If that fails there is only a plain sentence to show.
func (s *site) page(c *gin.Context, status int, p themes.Page) {
	c.Writer.Header().Set("Content-Type", "text/html; charset=utf-8")
	c.Status(status)
	if err := s.Theme.Render(c.Writer, p); err != nil {
		s.Log.Error("page can't be drawn", "path", c.Request.URL.Path, "err", err)
		c.String(http.StatusInternalServerError, errInside.message+" "+errInside.mend)
	}
}

// logged writes a line for each request that is over.
func (s *site) logged(c *gin.Context) {
	begun := time.Now()
	c.Next()
	s.Log.Debug("request", "method", c.Request.Method, "path", c.Request.URL.Path,
		"status", c.Writer.Status(), "took", time.Since(begun), "from", c.ClientIP())
}

// recovered answers a panic with an error page and keeps its stack.
func (s *site) recovered(c *gin.Context) {
	defer func() {
		if r := recover(); r != nil {
			if err, ok := r.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(r)
			}
			s.Log.Error("panic", "path", c.Request.URL.Path, "panic", r, "stack", string(debug.Stack()))
			s.fail(c, errInside)
		}
	}()
	c.Next()
}

// health tells a supervisor that the server can do its work.
func (s *site) health(c *gin.Context) {
	if err := s.Store.Ping(c.Request.Context()); err != nil {
		c.String(http.StatusServiceUnavailable, "the database does not answer\n")
		return
	}
	c.String(http.StatusOK, "ok\n")
}
