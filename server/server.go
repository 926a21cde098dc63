// Package server puts the rooms of the gateway together and runs them.
package server

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/attempts"
	"github.com/labmark/labmark/server/audit"
	"github.com/labmark/labmark/server/bastion"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/events"
	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/login"
	"github.com/labmark/labmark/server/mirror"
	"github.com/labmark/labmark/server/news"
	"github.com/labmark/labmark/server/outbox"
	"github.com/labmark/labmark/server/preview"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/publish"
	"github.com/labmark/labmark/server/setup"
	"github.com/labmark/labmark/server/sight"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/web"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// Config says what to serve and how.
type Config struct {
	// DataDir is of one gateway at a time. It holds the database, unless
	// Database is the URL of one of PostgreSQL's.
	DataDir, Database string
	Courses           []*content.Course
	// Publisher, unless nil, keeps Courses current while Serve runs.
	// HookSecret is what webhooks must know; empty refuses all.
	Publisher  *publish.Publisher
	HookSecret string
	// Preview, unless nil, is the one course, for its author: it is loaded anew
	// at each save, and nobody signs in. Only for addresses of this machine.
	Preview *preview.Course
	// Backend runs guests. Without one they run on the nodes in the database,
	// whose backends OpenNode opens.
	Backend  vmbackend.Backend
	OpenNode func(nodes.Node) (vmbackend.Backend, error)
	// Image turns an image's name into its digest; an error wraps
	// vmbackend.ErrNoImage.
	Image func(name string) (string, error)
	// Mirrors are what guests may reach whose course opens a package mirror.
	Mirrors []mirror.Target
	// Pool is how many guests of each kind wait ready.
	Pool int
	// MaxRunning, PerUser, PerCourse and Hold are guests.Config's.
	MaxRunning, PerUser, PerCourse int
	Hold                           time.Duration
	// Rest says when guests that nobody uses are suspended; New sets what is
	// asked of courses and told to pages.
	Rest guests.Rest
	// PublicURL is where browsers and learning platforms reach this server,
	// without a path.
	PublicURL *url.URL
	// Demo offers a login without password to browsers on this machine.
	Demo bool
	// PretendLMS is the address of the demo's learning platform; may be empty.
	PretendLMS     string
	Secure         bool     // cookies for HTTPS only
	TrustedProxies []string // addresses or CIDR ranges
	// SSH, unless nil, is where people's own SSH clients come in; Serve closes it.
	SSH net.Listener
	// Version is this program's, as /metrics tells it. MetricsToken lets who
	// knows it read /metrics from elsewhere than this machine; empty lets nobody.
	Version, MetricsToken string
	// AuditDays is how long it is kept who did what; 0 is for ever.
	AuditDays int
	Log       *slog.Logger
}

// Server is a gateway that is ready to serve.
type Server struct {
	cfg     Config
	store   *store.Store
	catalog *catalog.Catalog
	guests  *guests.Manager
	setup   *setup.Crew
	grader  *attempts.Grader
	office  *lms.Office
	outbox  *outbox.Outbox
	mirror  *mirror.Proxy
	bastion *bastion.Bastion
	audit   *audit.Log
	hub     *events.Hub
	handler http.Handler
}

// New opens the database, takes over guests and attempts that a former run
// has left, and returns a Server. Close it after Serve has returned.
func New(ctx context.Context, cfg Config) (*Server, error) {
	db, err := store.Open(store.In(cfg.DataDir, cfg.Database))
	if err != nil {
		return nil, err
	}
	meter := sight.New(cfg.Version, cfg.Log)
	if err := db.Observe(meter.Statement); err != nil {
		db.Close()
		return nil, err
	}
	given := cfg.Backend != nil
	if !given {
		all, err := cluster(ctx, cfg, db)
		if err != nil {
			db.Close()
			return nil, err
		}
		cfg.Backend = all
	}
	s, err := assemble(ctx, cfg, db, meter)
	if err != nil {
		if !given {
			cfg.Backend.Close()
		}
		db.Close()
		return nil, err
	}
	return s, nil
}

func assemble(ctx context.Context, cfg Config, db *store.Store, meter *sight.Meter) (*Server, error) {
	id, err := identify(ctx, db)
	if err != nil {
		return nil, err
	}
	courses, err := catalog.New(id.seed, cfg.Courses...)
	if err != nil {
		return nil, err
	}
	if err := noteVersions(ctx, db, courses.Courses(), cfg.Publisher); err != nil {
		return nil, err
	}
	theme, err := themes.New()
	if err != nil {
		return nil, err
	}
	office, err := Office(ctx, db, courses, cfg.PublicURL, cfg.Log)
	if err != nil {
		return nil, err
	}
	if err := db.Remember(ctx, PublicURL, []byte(cfg.PublicURL.String())); err != nil {
		return nil, err
	}
	proxy, err := mirror.New(mirror.Config{Targets: cfg.Mirrors, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	notes := audit.New(db, time.Duration(cfg.AuditDays)*24*time.Hour, cfg.Log)
	hub := &events.Hub{}
	book := progress.Book{Store: db, Catalog: courses}
	desk := &news.Desk{Hub: hub, Book: book, Store: db, Draw: drawer(theme), Log: cfg.Log}
	post := outbox.New(outbox.Config{
		Store: db, Client: office.Client, Grade: book.Grade, Platform: office.PlatformOf,
		Now: time.Now, Log: cfg.Log, Changed: desk.Grade,
	})
	desk.Kick = post.Kick
	parallel, states := runtime.NumCPU(), func() []nodes.Status { return nil }
	if all, ok := cfg.Backend.(*nodes.Cluster); ok {
		// Each node's backend bounds by itself how many boot there at once.
		parallel, states = bootsOnNodes, all.Statuses
	}
	machines := labs{courses, cfg.Image, id.gateway}
	tutorial := func(o store.Owner) *content.Tutorial { t, _ := courses.Tutorial(o); return t }
	cfg.Rest.Limits, cfg.Rest.Tell = machines.limits, desk.Notice
	var crew *setup.Crew
	manager := guests.New(guests.Config{
		Backend: cfg.Backend, Table: audit.Guests{Store: db, Log: notes}, Signer: id.signer, Gateway: id.gateway, Plans: machines.plans,
		Prepare:    func(ctx context.Context, o store.Owner, h []guests.Handle) bool { return crew.Prepare(ctx, o, h) },
		Rest:       cfg.Rest,
		MaxRunning: cfg.MaxRunning, PerUser: cfg.PerUser, PerCourse: cfg.PerCourse, Hold: cfg.Hold,
		Pool: pool(cfg, courses.Courses()), Parallel: parallel, Notify: also(meter.Guest, desk.Guest), Log: cfg.Log,
	})
	crew = setup.New(setup.Config{
		Store: db, Tutorial: tutorial, Values: courses.Values, Cards: machines.cards, Handles: manager.Handles,
		Tell: desk.Setup, Log: cfg.Log,
	})
	grader := attempts.New(attempts.Config{
		Store: db, Guests: manager, Values: courses.Values, Excuse: crew.Excuse, Best: book.Best,
		Fits:    gradebook.Book{Store: db, Catalog: courses}.Fits,
		Changed: func(a store.Attempt) { meter.Attempt(a); desk.Attempt(a) }, Seen: desk.Seen, Parallel: 32 * runtime.NumCPU(), Log: cfg.Log,
	})
	meter.From(sources(db, manager, states, notes))
	gate, hostKey, err := openBastion(ctx, cfg, db, courses, manager)
	if err != nil {
		return nil, err
	}
	handler, err := web.New(web.Config{
		SSH: sshWay(cfg, gate, hostKey), Store: db, Catalog: courses, Guests: manager, Setup: crew, Grader: grader, Hub: hub, Desk: desk,
		Door: login.NewDoor(db), Theme: theme, Office: office, Outbox: post, PretendLMS: cfg.PretendLMS, Secret: office.Secret,
		Publisher: cfg.Publisher, HookSecret: cfg.HookSecret, Preview: cfg.Preview, Demo: cfg.Demo, Secure: cfg.Secure,
		TrustedProxies: cfg.TrustedProxies, Nodes: states, Meter: meter, MetricsToken: cfg.MetricsToken,
		Audit: notes, AuditDays: cfg.AuditDays, Loads: &sight.Loads{Stats: cfg.Backend.Stats}, Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	if err := manager.Recover(ctx); err != nil {
		return nil, err
	}
	if err := grader.Recover(ctx, tutorial); err != nil {
		return nil, err
	}
	return &Server{cfg: cfg, store: db, catalog: courses, guests: manager, setup: crew, grader: grader, office: office, outbox: post, mirror: proxy, bastion: gate, audit: notes, hub: hub, handler: handler}, nil
}

// drawer makes HTML of parts of a page.
func drawer(theme *themes.Theme) func(string, []themes.Part) (template.HTML, error) {
	return func(language string, parts []themes.Part) (template.HTML, error) {
		var b strings.Builder
		err := theme.RenderParts(&b, language, parts)
		return template.HTML(b.String()), err // the theme has escaped what must be
	}
}

// bootsOnNodes is how many guests may boot at the same time on all nodes.
const bootsOnNodes = 64

// PublicURL names what the database keeps of where the last gateway was
// reached, for commands beside it.
const PublicURL = "public-url"

// Office opens what deals with learning platforms over a database, for a
// server that is reached at public.
func Office(ctx context.Context, db *store.Store, courses *catalog.Catalog, public *url.URL, log *slog.Logger) (*lms.Office, error) {
	secret, err := db.Secret(ctx, "lti-secret", 32)
	if err != nil {
		return nil, fmt.Errorf("keep the secret for launches: %w", err)
	}
	return lms.New(lms.Config{Store: db, Catalog: courses, PublicURL: public, Secret: secret,
		HTTP: &http.Client{Timeout: 30 * time.Second}, Now: time.Now, Log: log}), nil
}

// identity is what an installation keeps for ever.
type identity struct {
	signer  ssh.Signer // lets the gateway into guests
	gateway string     // marks its guests
	seed    []byte     // students' variables are drawn from it
}

func identify(ctx context.Context, db *store.Store) (identity, error) {
	key, err := db.Secret(ctx, "gateway-key", ed25519.SeedSize)
	if err != nil {
		return identity{}, fmt.Errorf("keep the gateway's key: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(key))
	if err != nil {
		return identity{}, err
	}
	name, err := db.Secret(ctx, "gateway-name", 8)
	if err != nil {
		return identity{}, fmt.Errorf("keep the gateway's name: %w", err)
	}
	seed, err := db.Secret(ctx, "vars-seed", 32)
	if err != nil {
		return identity{}, fmt.Errorf("keep the seed of variables: %w", err)
	}
	return identity{signer, hex.EncodeToString(name), seed}, nil
}

// Handler serves everything, for tests and for servers of other make.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on l until ctx ends, then lets requests that are under way
// finish for a few seconds.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	base, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	packages, err := mirror.Listen(mirror.Socket(s.cfg.DataDir))
	if err != nil {
		return err
	}
	var loops sync.WaitGroup
	running, stop := context.WithCancel(ctx)
	defer func() { stop(); loops.Wait() }()
	loops.Go(func() { s.guests.Run(running) })
	loops.Go(func() { s.dropExpired(running) })
	loops.Go(func() { s.audit.Run(running) })
	loops.Go(func() { s.office.Run(running) })
	loops.Go(func() { s.outbox.Run(running) })
	if s.cfg.Publisher != nil {
		loops.Go(func() { s.cfg.Publisher.Run(running, s.catalog, s.store, s.coursesChanged) })
	}
	if s.cfg.Preview != nil {
		loops.Go(func() { s.cfg.Preview.Run(running, s.previewed) })
	}
	if s.cfg.SSH != nil {
		loops.Go(func() {
			if err := s.bastion.Serve(running, s.cfg.SSH); err != nil {
				s.cfg.Log.Error("no SSH client comes in any more", "err", err)
			}
		})
	}
	loops.Go(func() {
		if err := s.mirror.Serve(running, packages); err != nil {
			s.cfg.Log.Error("guests reach no packages", "err", err)
		}
	})
	loops.Go(func() {
		<-running.Done()
		drop() // ends event streams and terminals, which would never finish
		wait, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := srv.Shutdown(wait); err != nil {
			s.cfg.Log.Warn("some requests were cut off", "err", err)
		}
	})
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// dropExpired removes sessions that are over, once an hour.
func (s *Server) dropExpired(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := (store.Sessions{Store: s.store}).DropExpired(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.Error("can't remove old sessions", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close lets go of guests and attempts. Guests go on running; attempts that
// were under way are run again by the next gateway.
func (s *Server) Close() error {
	s.grader.Close()
	s.setup.Close()
	s.guests.Close()
	s.audit.Close()
	return errors.Join(s.cfg.Backend.Close(), s.store.Close())
}

// LockData keeps a second gateway from using the same folder. The lock goes
// with the process, however it ends.
func LockData(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("another labmark uses the data folder %s: end it, or give this one another by --data-dir", dir)
	}
	return func() { f.Close() }, nil
}
