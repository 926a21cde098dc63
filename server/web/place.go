package web

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// place adds to a page's frame where in a learning platform one is.
func (s *site) place(c *gin.Context, st *seated, l *themes.Layout) {
	if st.launch == nil {
		return
	}
	in := st.launch
	l.Place = &themes.Place{Platform: in.platform.Name, Course: contextName(in.context), Return: webOnly(in.Return),
		Embedded: in.Embedded, Origin: lms.Origin(in.Return)}
	if l.Place.Origin == "" {
		l.Place.Origin = lms.Origin(in.platform.AuthURL)
	}
	switch {
	case in.membership.Instructor:
		l.Place.Role, l.Class = s.words(c).Say("instructor"), at(c, classPath)
	case in.membership.Learner:
		l.Place.Role = s.words(c).Say("student")
	}
	if in.Embedded && in.Linking == nil && c.Request.Method == http.MethodGet {
		var err error
		if l.Popout, err = s.popout(st, c.Request.URL.RequestURI()); err != nil {
			s.Log.Error("no link to a window of its own", "err", err)
		}
	}
}

// contextName is what people call a context.
func contextName(c store.Context) string {
	if c.Title != "" {
		return c.Title
	}
	return c.Label
}

// webOnly keeps an address of the web, and nothing that runs scripts.
func webOnly(address string) string {
	if lms.Origin(address) == "" {
		return ""
	}
	return address
}

// frame lets the pages of the launch's own platform show the viewer's pages.
func (s *site) frame(c *gin.Context, st *seated) {
	if st.launch != nil {
		s.policy(c, themes.Policy{Ancestors: st.launch.Origins})
	}
}

// policy replaces the page's Content-Security-Policy.
func (s *site) policy(c *gin.Context, p themes.Policy) {
	p.Nonce = c.GetString(nonceKey)
	c.Header("Content-Security-Policy", themes.ContentSecurityPolicy(p))
	if len(p.Ancestors) > 0 {
		// A platform that opens the page in a window waits for its messages.
		c.Header("Cross-Origin-Opener-Policy", "unsafe-none")
	}
}

// ancestors are the origins of all platforms, for pages that come before it is
// known who one is, and show nothing of anybody.
func (s *site) ancestors(c *gin.Context) []string {
	all, err := s.Store.Platforms(c.Request.Context(), "")
	if err != nil {
		s.Log.Error("can't read the platforms", "err", err)
	}
	var out []string
	for _, p := range all {
		if p.State == store.PlatformActive {
			out = append(out, p.FrameOrigins...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
