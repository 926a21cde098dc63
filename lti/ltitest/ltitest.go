// Package ltitest is a learning platform for tests and demonstrations. It
// stands in for Moodle 5.1 and for Canvas, with the ways of each that a tool
// must cope with: what they demand, what they drop, and what they refuse. It
// has pages that a person clicks (see pages.go), and misbehaves on purpose
// when told to (see Faults). Everything is kept in memory.
//
// A test makes a platform, serves it, and fills it:
//
//	p := ltitest.New(ltitest.Config{Kind: ltitest.Moodle, Issuer: srv.URL})
//	tool := p.AddTool(ltitest.Tool{LoginURL: …, LaunchURLs: …, KeysURL: …})
//	course := p.AddCourse(ltitest.Course{Title: "Introduction to Linux"})
//	ada := p.AddUser(ltitest.User{Given: "Ada", Family: "Lovelace"})
//	p.Enrol(course.ID, ada.ID, "Learner")
//	link := p.AddLink(ltitest.Link{Course: course.ID, Client: tool.ClientID, Points: 10})
//	answer, err := p.Launch(ctx, nil, ltitest.Message{User: ada.ID, Link: link.ID})
//
// It does not import package lti, so that no mistake is made on both sides.
package ltitest

import (
	"cmp"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Kind is whose ways the platform has.
type Kind string

// The kinds of platforms.
const (
	Moodle Kind = "moodle"
	Canvas Kind = "canvas"
)

// Config says what platform to stand in for. Only Issuer is mandatory.
type Config struct {
	Kind Kind // empty means Moodle
	// Issuer is the iss of tokens. Moodle's is the address of the site;
	// Canvas has one for everybody, other than the host that serves.
	Issuer string
	// Host is the address under which the platform is served, without "/" at
	// its end; empty means Issuer.
	Host string
	Name string // of the installation, for people
	// Storage is the lti_storage_target that Canvas offers: "_parent", or the
	// name of the frame that its pages serve. Empty means
	// "post_message_forwarding". Moodle has none.
	Storage string
	Now     func() time.Time // nil means time.Now
	Log     *slog.Logger     // nil means none
}

// Platform is an http.Handler. Its methods may be called at any time, also
// while it serves.
type Platform struct {
	cfg  Config
	mux  *http.ServeMux
	http *http.Client // to read tools' key sets

	mu       sync.Mutex
	keys     []signingKey // the first signs
	tools    []*Tool
	courses  []*Course
	users    []*User
	links    []*Link
	items    []*lineItem
	number   int // last number given to anything
	hints    map[string]*hint
	linkings map[string]*linking
	tokens   map[string]*accessToken
	regs     map[string]time.Time // registration tokens → end
	seen     map[string]bool      // nonces and jti of tools
	requests []Request
	faults   Faults
	chance   *rand.Rand
}

// New makes a platform without courses, users or tools.
func New(cfg Config) *Platform {
	cfg.Kind = cmp.Or(cfg.Kind, Moodle)
	cfg.Issuer = strings.TrimSuffix(cfg.Issuer, "/")
	cfg.Host = strings.TrimSuffix(cmp.Or(cfg.Host, cfg.Issuer), "/")
	cfg.Name = cmp.Or(cfg.Name, "Pretend "+cfg.Kind.title())
	if cfg.Kind == Canvas {
		cfg.Storage = cmp.Or(cfg.Storage, "post_message_forwarding")
	} else {
		cfg.Storage = ""
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p := &Platform{
		cfg: cfg,
		// Without kept connections no goroutine outlives a request.
		http:     &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
		keys:     []signingKey{newKey()},
		number:   1,
		hints:    map[string]*hint{},
		linkings: map[string]*linking{},
		tokens:   map[string]*accessToken{},
		regs:     map[string]time.Time{},
		seen:     map[string]bool{},
		chance:   newChance(0),
	}
	p.mux = p.routes()
	return p
}

// title is the kind's name for people.
func (k Kind) title() string {
	if k == Canvas {
		return "Canvas"
	}
	return "Moodle"
}

// now is the platform's clock, which a fault may have set wrong.
func (p *Platform) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cfg.Now().Add(p.faults.Clock)
}

// next gives a number that nothing else of this platform has. The caller
// holds the lock.
func (p *Platform) next() int {
	p.number++
	return p.number
}

// Request is one request that the platform has answered.
type Request struct {
	At           time.Time // by the platform's clock
	Method, Path string    // with the query
	Status       int       // 0 where the connection was cut
}

// keptRequests bounds the log of requests.
const keptRequests = 20_000

// Requests are those to the platform's endpoints so far, oldest first, without
// its pages. Only the last 20,000 are kept.
func (p *Platform) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// ServeHTTP serves the platform's endpoints and pages.
func (p *Platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A tool learns the platform's clock from here.
	w.Header().Set("Date", p.now().UTC().Format(http.TimeFormat))
	p.mux.ServeHTTP(w, r)
}

func (p *Platform) note(r *http.Request, status int) {
	at := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) >= keptRequests {
		p.requests = p.requests[keptRequests/2:]
	}
	p.requests = append(p.requests, Request{At: at, Method: r.Method, Path: r.URL.RequestURI(), Status: status})
	p.cfg.Log.Debug("pretend platform answers", "method", r.Method, "path", r.URL.Path, "status", status)
}
