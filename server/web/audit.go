package web

import (
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/audit"
	"github.com/labmark/labmark/server/store"
)

// acts are what requests are noted as, by method and route. Requests that
// change something and do not stand here are noted as audit.Other, unless they
// are quiet.
var acts = map[string]string{
	"POST /pick":                                audit.Settings,
	"POST /choose":                              audit.Settings,
	"GET /privacy/export":                       audit.Export,
	"POST " + profilePath + "/keys":             audit.Key,
	"POST " + profilePath + "/keys/:key/remove": audit.Key,

	"POST " + classPath + "/students/:user/override":  audit.Decision,
	"POST " + classPath + "/students/:user/revoke":    audit.Decision,
	"POST " + classPath + "/students/:user/allowance": audit.Decision,
	"POST " + classPath + "/outbox":                   audit.Decision,
	"POST " + classPath + "/settings":                 audit.Settings,
	"POST " + classPath + "/import":                   audit.Import,
	"GET " + classPath + "/export/:format":            audit.Export,

	"POST " + platformsPath:                                audit.Platform,
	"POST " + platformsPath + "/invite":                    audit.Platform,
	"POST " + platformsPath + "/:platform":                 audit.Platform,
	"POST " + platformsPath + "/:platform/test":            audit.Platform,
	"POST " + platformsPath + "/:platform/activate":        audit.Platform,
	"POST " + platformsPath + "/:platform/disable":         audit.Platform,
	"POST " + platformsPath + "/:platform/remove":          audit.Platform,
	"POST " + nodesPath + "/:node/drain":                   audit.Node,
	"POST " + nodesPath + "/:node/isolate":                 audit.Node,
	"POST " + nodesPath + "/:node/back":                    audit.Node,
	"POST " + guestsPath + "/:guest/replace":               audit.GuestMoved,
	"POST " + guestsPath + "/:guest/stop":                  audit.GuestStopped,
	"POST " + sourcesPath + "/:course/pull":                audit.Source,
	"GET " + auditPath + "/export":                         audit.Export,
	"POST /api/courses/:course/:tutorial/checks/:check":    audit.Check,
	"POST /api/courses/:course/:tutorial/files/:file":      audit.File,
	"POST /api/courses/:course/:tutorial/hints/:hint":      audit.Hint,
	"POST /api/courses/:course/:tutorial/solutions/:check": audit.Solution,
	"GET /api/courses/:course/:tutorial/terminal":          audit.TerminalOpened,
	"GET /api/courses/:course/:tutorial/desktop":           audit.DesktopOpened,
}

// quiet are requests that change nothing worth a note.
var quiet = map[string]bool{
	"POST /api/courses/:course/:tutorial/steps/:step": true,
}

// closing are the acts that end what lasts as long as a page.
var closing = map[string]string{audit.TerminalOpened: audit.TerminalClosed, audit.DesktopOpened: audit.DesktopClosed}

// audited notes what those who are signed in do, whoever answers it.
func (s *site) audited(c *gin.Context) {
	route := c.Request.Method + " " + c.FullPath()
	act, known := acts[route]
	switch {
	case known || quiet[route]:
	case c.Param("act") != "" && path.Base(path.Dir(c.FullPath())) == "guest":
		act = "guest." + c.Param("act")
	case c.Request.Method != http.MethodGet:
		act = audit.Other
	}
	if act == "" {
		c.Next()
		return
	}
	e := s.entry(c, act)
	end, lasts := closing[act]
	if !lasts {
		c.Next()
		if c.Writer.Status() < http.StatusBadRequest {
			s.about(c, &e)
			s.Audit.Note(e)
		}
		return
	}
	s.about(c, &e)
	s.Audit.Note(e)
	begun := time.Now()
	c.Next()
	e.Act, e.Details = end, time.Since(begun).Round(time.Second).String()
	s.Audit.Note(e)
}

// entry is what is known of an act before it is done.
func (s *site) entry(c *gin.Context, act string) store.AuditEntry {
	e := store.AuditEntry{Act: act, Address: c.ClientIP()}
	if u := viewer(c); u != nil {
		e.UserID = &u.ID
	}
	var names []string
	for _, p := range c.Params {
		switch p.Key {
		case "act":
		case "guest":
			e.Guest = p.Value
		case "user":
			if id, err := strconv.ParseUint(p.Value, 10, 32); err == nil {
				about := uint(id)
				e.About = &about
			}
		default:
			names = append(names, strings.Trim(p.Value, "/"))
		}
	}
	e.Subject = strings.Join(names, "/")
	if word := path.Base(c.FullPath()); act == audit.Other || act == audit.Platform || act == audit.Node || act == audit.Decision {
		e.Details = strings.TrimPrefix(word, ":")
	}
	return e
}

// about adds the guest, or the person, that the request was about.
func (s *site) about(c *gin.Context, e *store.AuditEntry) {
	if user, ok := c.Value(aboutKey).(uint); ok {
		e.About = &user
	}
	o, ok := c.Value(ownerKey).(store.Owner)
	if !ok {
		return
	}
	if m, err := s.Guests.Machine(o, c.Query("guest")); err == nil {
		e.Guest = m.ID
	}
}

// note is for what happens before anybody is signed in.
func (s *site) note(c *gin.Context, act string, u *store.User, subject string) {
	e := store.AuditEntry{Act: act, Address: c.ClientIP(), Subject: subject}
	if u != nil && u.ID != 0 {
		e.UserID = &u.ID
	}
	s.Audit.Note(e)
}
