// Package web speaks HTTP: pages, requests of pages, events, terminals. It is
// the only package that knows Gin.
package web

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/attempts"
	"github.com/labmark/labmark/server/audit"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/events"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/login"
	"github.com/labmark/labmark/server/look"
	"github.com/labmark/labmark/server/news"
	"github.com/labmark/labmark/server/outbox"
	"github.com/labmark/labmark/server/preview"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/publish"
	"github.com/labmark/labmark/server/setup"
	"github.com/labmark/labmark/server/sight"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// Config is all that the web layer needs.
type Config struct {
	Store   *store.Store
	Catalog *catalog.Catalog
	Guests  *guests.Manager
	Setup   *setup.Crew
	Grader  *attempts.Grader
	Hub     *events.Hub
	Desk    *news.Desk
	Door    *login.Door
	Theme   *themes.Theme
	Office  *lms.Office
	Outbox  *outbox.Outbox
	// PretendLMS is where the demo's learning platform is; may be empty.
	PretendLMS string
	Secret     []byte // 32 bytes; seals what pages carry between two requests
	// Nodes are those that guests run on; none where there is only a backend.
	Nodes func() []nodes.Status
	// Publisher keeps courses current; nil where they are fixed. HookSecret is
	// what webhooks must know to have a course pulled; empty refuses all.
	Publisher  *publish.Publisher
	HookSecret string
	// Preview, unless nil, makes this the preview of a course for its author, on
	// this machine alone: nobody signs in, and what students never see is shown.
	Preview *preview.Course
	// Demo offers a login without password to browsers on this machine.
	Demo bool
	// Secure marks cookies for HTTPS only.
	Secure bool
	// TrustedProxies may say for whom they speak, as addresses or CIDR ranges.
	TrustedProxies []string
	// SSH is the way in for people's own clients; nil where there is none.
	SSH *SSH
	// Meter counts; MetricsToken lets who knows it read the figures from elsewhere.
	Meter        *sight.Meter
	MetricsToken string
	// Audit notes what people do; AuditDays is how long that is kept, 0 for ever.
	Audit     *audit.Log
	AuditDays int
	// Loads measures guests for administrators.
	Loads *sight.Loads
	Log   *slog.Logger
}

// site has a handler a file; see the route table in New.
type site struct {
	Config
	sessions *scs.SessionManager
	book     progress.Book
	shelf    *look.Shelf
	throttle guests.Throttle
}

// origin is how browsers know this site.
func (s *site) origin() string { return lms.Origin(s.Office.PublicURL.String()) }

// sessionLife is how long a browser stays signed in.
const sessionLife = 30 * 24 * time.Hour

// New returns the handler for everything that Labmark serves.
func New(cfg Config) (http.Handler, error) {
	s := &site{Config: cfg, sessions: scs.New(), book: progress.Book{Store: cfg.Store, Catalog: cfg.Catalog},
		shelf: &look.Shelf{Base: cfg.Theme, Log: cfg.Log}}
	s.sessions.Store = store.Sessions{Store: cfg.Store}
	s.sessions.Lifetime = sessionLife
	s.sessions.HashTokenInStore = true
	s.sessions.Cookie.Name = "labmark"
	s.sessions.Cookie.Secure = cfg.Secure
	s.sessions.Cookie.SameSite = http.SameSiteLaxMode

	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.HandleMethodNotAllowed = true
	if err := r.SetTrustedProxies(cfg.TrustedProxies); err != nil {
		return nil, err
	}
	r.Use(s.measured, s.logged, s.recovered, headers, bounded)
	r.GET("/healthz", s.health)
	r.GET("/metrics", s.metrics)
	r.GET("/assets/*file", gzip.Gzip(gzip.DefaultCompression), gin.WrapH(s.shelf))

	r.NoRoute(func(c *gin.Context) { s.fail(c, errNoPage) })
	r.NoMethod(func(c *gin.Context) { s.fail(c, errMethod) })

	r.GET(lti.LoginPath, s.ltiLogin)
	r.POST(lti.LoginPath, s.ltiLogin)
	r.POST(lti.LaunchPath, s.ltiLaunch)
	r.GET(lti.KeysPath, s.keySet)
	r.GET(lti.CanvasPath, s.canvas)
	r.GET(lti.IconPath, s.icon)
	r.GET(lti.RegisterPath, s.registerPage)
	r.GET("/enter", s.enterByPass)
	r.POST("/hooks/courses/:course", s.hook)

	open := r.Group("/", s.session, s.chooses)
	open.GET("/login", s.loginPage)
	open.POST("/login", s.enter)
	open.POST("/login/demo", s.enterDemo)
	open.POST("/logout", s.leave)

	enter := s.signedIn
	if cfg.Preview != nil {
		enter = s.authorOnly
	}
	in := open.Group("/", enter, s.audited)
	pages := in.Group("/", gzip.Gzip(gzip.DefaultCompression))
	pages.GET("/", s.courses)
	pages.GET("/progress", s.progress)
	pages.GET("/courses/:course", s.course)
	pages.GET("/courses/:course/theme.css", s.style)
	pages.GET("/courses/:course/:tutorial", s.known, s.tutorial)
	pages.GET("/courses/:course/:tutorial/files/*file", s.known, s.file)
	pages.GET("/pick", s.pickPage)
	pages.POST("/pick", s.pick)
	pages.GET("/choose", s.choosePage)
	pages.POST("/choose", s.choose)
	pages.GET("/preview/:course/:tutorial", s.teaches, s.preview)
	pages.GET("/privacy", s.privacy)
	pages.GET("/privacy/export", s.privacyExport)
	pages.GET("/privacy/acts", s.ownAudit)
	pages.GET(auditPath, s.admin, s.auditPage)
	pages.GET(auditPath+"/export", s.admin, s.auditExport)
	s.profileRoutes(pages.Group(profilePath))
	s.filesRoutes(pages, in)
	s.classRoutes(pages.Group(classPath, s.teaches), in.Group("/api"+classPath, s.teaches))
	s.adminRoutes(pages.Group(platformsPath, s.admin))
	s.nodeRoutes(pages.Group(nodesPath, s.admin))
	s.guestRoutes(pages.Group(guestsPath, s.admin))
	s.sourceRoutes(pages.Group(sourcesPath, s.admin))

	api := in.Group("/api/courses/:course/:tutorial", s.known)
	api.GET("/events", s.events)
	api.GET("/terminal", s.terminal)
	api.GET("/desktop", s.desktop)
	api.POST("/guest/:act", s.guest)
	api.POST("/checks/:check", s.check)
	api.POST("/steps/:step", s.step)
	api.POST("/files/:file", s.writeFile)
	api.POST("/hints/:hint", s.hint)
	api.POST("/solutions/:check", s.solution)
	if cfg.Preview != nil {
		s.authorRoutes(in, api)
	}

	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(s.origin()); err != nil {
		return nil, err // a proxy may ask for us by another name
	}
	guard.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "This request came from another site and was refused.", http.StatusForbidden)
	}))
	// Platforms post from their own pages; what they bring is checked by
	// package lti, which binds it to this browser.
	guard.AddInsecureBypassPattern("POST " + lti.LoginPath)
	guard.AddInsecureBypassPattern("POST " + lti.LaunchPath)
	return based(guard.Handler(r)), nil
}
