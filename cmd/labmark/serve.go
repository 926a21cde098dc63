package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/publish"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/image"
)

// serveSettings are those that only serving needs.
type serveSettings struct {
	Courses        []string      `arg:"" optional:"" name:"course" help:"Courses to serve: folders, or git+https://HOST/PATH#BRANCH:FOLDER (also git+ssh, git+file)."`
	Listen         string        `help:"Address to answer on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	SSH            string        `help:"Address to take people's own SSH clients on, which lead into their guests; without it there is no SSH." placeholder:"HOST:PORT"`
	PublicURL      string        `help:"Address by which browsers and learning platforms reach this server; otherwise the one it listens on." placeholder:"URL"`
	Demo           bool          `help:"Offer a login without password, and a pretend learning platform, to browsers on this machine."`
	PretendLMS     string        `help:"Loopback address of the demo's pretend learning platform." default:"127.0.0.1:8081" placeholder:"HOST:PORT"`
	Pool           int           `help:"How many fresh guests of each kind wait ready." default:"1" placeholder:"N"`
	Idle           time.Duration `help:"After what time without keys, mouse and checks a guest is suspended, where its course does not say; 0 is never." default:"30m"`
	Frozen         time.Duration `help:"How long a suspended guest keeps its memory before it is switched off." default:"2h"`
	Keep           time.Duration `help:"How long a guest that does not run is kept for its student." default:"168h"`
	MaxGuests      int           `help:"How many User-Mode Linux guests there may be at most on this machine." default:"200" placeholder:"N"`
	MaxRunning     int           `help:"How many guests may run at the same time, all together; who comes later waits in a queue. 0: as many as there is room for." default:"0" placeholder:"N"`
	PerUser        int           `help:"In how many tutorials a student may have machines that run at the same time; 0: any number." default:"2" placeholder:"N"`
	PerCourse      int           `help:"How many guests of one course may run at the same time; 0: any number." default:"0" placeholder:"N"`
	Hold           time.Duration `help:"How long a machine is kept for a student whose turn in the queue has come." default:"5m"`
	Kernel         string        `help:"Kernel of User-Mode Linux guests; otherwise the fast one if it was built, else Debian's." placeholder:"FILE"`
	Mirror         []string      `help:"Package mirror, below which guests may read whose course opens one: http://HOST/PATH, with =ADDRESS behind it if that is in a private network; or auto, for those of this machine's own apt. May be repeated." sep:"none" placeholder:"URL"`
	Secure         bool          `help:"Browsers come by HTTPS: keep cookies off plain HTTP."`
	Reload         time.Duration `help:"Pause between looks at course folders for new versions." default:"10s"`
	GitReload      time.Duration `help:"Pause between looks at git repositories." default:"10m"`
	HookSecret     string        `help:"What webhooks at /hooks/courses/ID are signed with; without it there are none." placeholder:"SECRET"`
	AuditDays      int           `help:"How many days it is kept who did what; 0 is for ever." default:"180" placeholder:"N"`
	MetricsToken   string        `help:"Who sends this token may read /metrics from elsewhere than this machine." placeholder:"TOKEN"`
	TrustedProxies []string      `help:"Addresses or ranges of proxies that may say for whom they speak." placeholder:"CIDR"`
}

type serveCmd struct{ serveSettings }

func (c *serveCmd) Run(ctx context.Context, s *Settings, log *slog.Logger, out io.Writer) error {
	if len(c.Courses) == 0 {
		return fmt.Errorf("name at least one course folder: labmark serve DIR")
	}
	unlock, err := server.LockData(s.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	name := store.In(s.DataDir, s.Database)
	// Who waits answers nobody: the proxy before the gateways sees which serves.
	ctx, release, err := store.Lead(ctx, name, func() {
		log.Info("another gateway serves this database: standing by to take over", "database", store.Shown(name))
	})
	if errors.Is(err, context.Canceled) {
		return nil // it was ended while it stood by
	}
	if err != nil {
		return err
	}
	defer release()
	cfg := server.Config{DataDir: s.DataDir, Database: s.Database, Pool: c.Pool, Demo: c.Demo, Secure: c.Secure,
		TrustedProxies: c.TrustedProxies, Version: version, MetricsToken: c.MetricsToken, AuditDays: c.AuditDays,
		MaxRunning: c.MaxRunning, PerUser: c.PerUser, PerCourse: c.PerCourse, Hold: c.Hold,
		Rest: guests.Rest{Idle: c.Idle, Frozen: c.Frozen, Keep: c.Keep}, Log: log}
	if cfg.Publisher, err = c.publisher(ctx, s, log); err != nil {
		return err
	}
	cfg.Courses, cfg.HookSecret = cfg.Publisher.Courses(), c.HookSecret
	if cfg.Mirrors, err = mirrors(ctx, c.Mirror); err != nil {
		return err
	}
	if err := c.guests(ctx, &cfg, s, log); err != nil {
		return err
	}
	// The port is taken first: a gateway that can't be reached should not
	// touch guests.
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (take another by --listen)", c.Listen, err)
	}
	defer l.Close()
	if c.SSH != "" {
		if cfg.SSH, err = net.Listen("tcp", c.SSH); err != nil {
			return fmt.Errorf("listen on %s for SSH clients: %w (take another by --ssh)", c.SSH, err)
		}
		defer cfg.SSH.Close()
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + shown(l.Addr())
	}
	if cfg.PublicURL, err = publicURL(c.PublicURL); err != nil {
		return err
	}
	if c.Demo {
		cfg.PretendLMS, err = demoLMS(ctx, c.PretendLMS, c.PublicURL, s, cfg.Courses, log)
	} else {
		err = distrustDemo(ctx, s)
	}
	if err != nil {
		return err
	}
	srv, err := server.New(ctx, cfg)
	if err != nil {
		return err
	}
	defer srv.Close()
	fmt.Fprintf(out, "Labmark serves %s on http://%s\n", titles(cfg.Courses), shown(l.Addr()))
	if cfg.PretendLMS != "" {
		fmt.Fprintf(out, "A pretend Moodle to launch it from is on %s\n", cfg.PretendLMS)
	}
	if err := srv.Serve(ctx, l); err != nil {
		return err
	}
	if err := context.Cause(ctx); errors.Is(err, store.ErrLedByAnother) {
		return err
	}
	return nil
}

// publisher reads the courses, and will follow their sources.
func (c *serveCmd) publisher(ctx context.Context, s *Settings, log *slog.Logger) (*publish.Publisher, error) {
	cfg := publish.Config{Dir: filepath.Join(s.DataDir, "courses"), Every: c.Reload, GitEvery: c.GitReload, Log: log}
	for _, name := range c.Courses {
		src, err := publish.ParseSource(name)
		if err != nil {
			return nil, err
		}
		cfg.Sources = append(cfg.Sources, src)
	}
	return publish.Open(ctx, cfg)
}

// guests opens the images, and says how nodes are opened.
func (c *serveCmd) guests(ctx context.Context, cfg *server.Config, s *Settings, log *slog.Logger) error {
	images, err := image.Open(s.ImageDir)
	if err != nil {
		return err
	}
	cfg.Image = func(name string) (string, error) {
		i, err := images.Resolve(name)
		return i.Digest, err
	}
	e := &engine{settings: s, images: images, kernel: c.Kernel, maxGuests: c.MaxGuests, log: log, life: ctx}
	cfg.OpenNode = e.open
	return nil
}

func titles(courses []*content.Course) string {
	list := ""
	for i, c := range courses {
		if i > 0 {
			list += ", "
		}
		list += fmt.Sprintf("%q", c.Title)
	}
	return list
}

// shown writes loopback as people know it.
func shown(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err == nil && net.ParseIP(host).IsLoopback() {
		return net.JoinHostPort("localhost", port)
	}
	return a.String()
}
