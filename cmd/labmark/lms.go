package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/store"
)

type lmsCmd struct {
	Kind   string `help:"Which platform to stand in for." enum:"moodle,canvas" default:"moodle"`
	Listen string `help:"Loopback address to answer on." default:"127.0.0.1:8081" placeholder:"HOST:PORT"`
}

// Run serves a pretend platform without tools: its administrator's page
// registers Labmark as that of a real one does.
func (c *lmsCmd) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	l, err := listenLoopback(c.Listen)
	if err != nil {
		return err
	}
	p := pretend(ltitest.Kind(c.Kind), l.Addr(), log)
	ltitest.Demo(p)
	fmt.Fprintf(out, "A pretend %s is on http://%s\n", c.Kind, l.Addr())
	return serveUntil(ctx, l, p)
}

// listenLoopback refuses other addresses: anybody may be anybody at a pretend
// platform.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("a pretend platform must stay on this machine: give an address as 127.0.0.1:8081, not %q", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (take another by --listen)", address, err)
	}
	return l, nil
}

// pretend makes a platform that is served at an address.
func pretend(kind ltitest.Kind, at net.Addr, log *slog.Logger) *ltitest.Platform {
	host := "http://" + at.String()
	cfg := ltitest.Config{Kind: kind, Issuer: host, Host: host, Log: log}
	if kind == ltitest.Canvas {
		cfg.Issuer = "https://canvas.test" // one for everybody, other than the host
	}
	return ltitest.New(cfg)
}

func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// demoLMS runs a pretend platform beside the demo, with the served tutorials
// in its course, and registers the two with each other. It returns the
// platform's address; the platform ends with ctx.
func demoLMS(ctx context.Context, address, public string, s *Settings, courses []*content.Course, log *slog.Logger) (string, error) {
	l, err := listenLoopback(address)
	if err != nil {
		// The usual port is taken: any other does as well.
		if l, err = listenLoopback("127.0.0.1:0"); err != nil {
			return "", err
		}
	}
	p := pretend(ltitest.Moodle, l.Addr(), log)
	if err := introduce(ctx, p, "http://"+l.Addr().String(), public, s, courses, log); err != nil {
		l.Close()
		return "", err
	}
	go func() {
		if err := serveUntil(ctx, l, p); err != nil {
			log.Error("the pretend platform has ended", "err", err)
		}
	}()
	return "http://" + l.Addr().String(), nil
}

// introduce makes platform and tool known to each other.
func introduce(ctx context.Context, p *ltitest.Platform, site, public string, s *Settings, courses []*content.Course, log *slog.Logger) error {
	u, err := publicURL(public)
	if err != nil {
		return err
	}
	at := lti.Endpoints{Base: u}.At
	tool := p.AddTool(ltitest.Tool{ClientID: demoClient, Name: lms.Name, LoginURL: at(lti.LoginPath),
		LaunchURLs: []string{at(lti.LaunchPath)}, KeysURL: at(lti.KeysPath)})
	var links []ltitest.Link
	for _, c := range courses {
		for _, t := range c.Tutorials {
			links = append(links, demoLink(tool, c, t))
		}
	}
	ltitest.Demo(p, links...)

	db, err := s.openStore()
	if err != nil {
		return err
	}
	defer db.Close()
	office, err := server.Office(ctx, db, nil, u, log)
	if err != nil {
		return err
	}
	known, err := trustDemo(ctx, db, site)
	if err != nil || known {
		return err
	}
	_, err = office.Add(ctx, lms.Known(store.Platform{Name: "Pretend Moodle", Product: "moodle", ClientID: tool.ClientID,
		Deployments: []string{lti.AnyDeployment}}, site))
	return err
}

// demoClient is Labmark's client id at the pretend platform.
const demoClient = "labmark-demo"

// trustDemo lets the pretend platform at site launch, and none of earlier
// runs: whatever answers on such a port by now could be anybody there. No site
// means none at all. It returns whether the platform was known.
func trustDemo(ctx context.Context, db *store.Store, site string) (known bool, err error) {
	all, err := db.Platforms(ctx, "")
	if err != nil {
		return false, err
	}
	for _, p := range all {
		if p.ClientID != demoClient || !strings.HasPrefix(p.Issuer, "http://127.") && !strings.HasPrefix(p.Issuer, "http://[::1]") {
			continue
		}
		p.State = store.PlatformDisabled
		if p.Issuer == site {
			known, p.State = true, store.PlatformActive
		}
		if err := db.SavePlatform(ctx, p); err != nil {
			return known, err
		}
	}
	return known, nil
}

// distrustDemo is for servers that are no demo.
func distrustDemo(ctx context.Context, s *Settings) error {
	db, err := s.openStore()
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = trustDemo(ctx, db, "")
	return err
}

func demoLink(tool ltitest.Tool, c *content.Course, t *content.Tutorial) ltitest.Link {
	points := 0.0
	for _, check := range t.Checks {
		points += check.Points
	}
	return ltitest.Link{Client: tool.ClientID, Title: t.Title, Points: points, Custom: map[string]string{"tutorial": c.ID + "/" + t.ID}}
}
