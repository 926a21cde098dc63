package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/labmark/labmark/server"
	"github.com/labmark/labmark/server/lms"
	"github.com/labmark/labmark/server/store"
)

type platformCmd struct {
	Add    platformAddCmd    `cmd:"" help:"Register a learning platform by what its settings page shows."`
	Invite platformInviteCmd `cmd:"" help:"Draw an address with which one platform can register itself, once."`
	List   platformListCmd   `cmd:"" help:"List the platforms, or show what to type into one."`
	Test   platformTestCmd   `cmd:"" help:"Walk the whole chain to a platform and say what is wrong."`
	Enable platformEnableCmd `cmd:"" help:"Let a disabled platform launch again."`
	Remove platformRemoveCmd `cmd:"" help:"Forget a platform, or disable one that people have come from."`
}

// withOffice opens the database and what deals with platforms, for one
// command. Its PublicURL is nil where it is neither given nor known.
func (s *Settings) withOffice(ctx context.Context, public string, log *slog.Logger, do func(*lms.Office) error) error {
	db, err := s.openStore()
	if err != nil {
		return err
	}
	defer db.Close()
	u, err := reachedAt(ctx, db, public)
	if err != nil && !errors.Is(err, errUnreached) {
		return err
	}
	o, err := server.Office(ctx, db, nil, u, log)
	if err != nil {
		return err
	}
	return do(o)
}

var errUnreached = errors.New("no server has run with this data folder yet: say by --public-url how browsers will reach it")

// reachedAt is --public-url, or where the last server was reached; or
// errUnreached.
func reachedAt(ctx context.Context, db *store.Store, public string) (*url.URL, error) {
	if public == "" {
		last, err := db.Remembered(ctx, server.PublicURL)
		if errors.Is(err, store.ErrNotFound) {
			return nil, errUnreached
		}
		if err != nil {
			return nil, err
		}
		public = string(last)
	}
	return publicURL(public)
}

// publicURL reads --public-url.
func publicURL(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Path != "" {
		return nil, fmt.Errorf("--public-url %q: give the address that browsers use, as https://labs.example.edu", text)
	}
	return u, nil
}

// publicFlag is the address of this server, as commands beside it know it.
type publicFlag struct {
	PublicURL string `help:"Address by which browsers and platforms reach this server; otherwise where it was last served." placeholder:"URL"`
}

type platformAddCmd struct {
	publicFlag
	Product     string   `arg:"" help:"moodle, canvas, or other." enum:"moodle,canvas,other"`
	ClientID    string   `help:"Client id that the platform has given." required:"" placeholder:"ID"`
	Deployment  []string `help:"Deployment id that may launch; can be repeated; * takes any." placeholder:"ID"`
	Site        string   `help:"Address of the Moodle or Canvas; the other addresses follow from it." placeholder:"URL"`
	Name        string   `help:"What to call it." placeholder:"NAME"`
	Issuer      string   `help:"Issuer, also called platform ID." placeholder:"URL"`
	AuthURL     string   `help:"Authentication request URL." placeholder:"URL"`
	TokenURL    string   `help:"Access token URL." placeholder:"URL"`
	KeysURL     string   `help:"Public keyset URL." placeholder:"URL"`
	Audience    string   `help:"Audience of client assertions, if it is not the access token URL." placeholder:"TEXT"`
	FrameOrigin []string `help:"Origin whose pages may show Labmark in a frame, if it is not the platform's own; can be repeated." placeholder:"ORIGIN"`
}

func (c *platformAddCmd) Run(ctx context.Context, s *Settings, log *slog.Logger, out io.Writer) error {
	p := store.Platform{Name: c.Name, Issuer: c.Issuer, ClientID: c.ClientID, AuthURL: c.AuthURL, TokenURL: c.TokenURL,
		KeysURL: c.KeysURL, Audience: c.Audience, Deployments: c.Deployment, FrameOrigins: c.FrameOrigin}
	if c.Product != "other" {
		p.Product = c.Product
	}
	return s.withOffice(ctx, c.PublicURL, log, func(o *lms.Office) error {
		p, err := o.Add(ctx, lms.Known(p, c.Site))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "added %s as platform %d; try: labmark platform test %d\n", p.Name, p.ID, p.ID)
		return nil
	})
}

type platformInviteCmd struct{ publicFlag }

func (c *platformInviteCmd) Run(ctx context.Context, s *Settings, log *slog.Logger, out io.Writer) error {
	return s.withOffice(ctx, c.PublicURL, log, func(o *lms.Office) error {
		if o.PublicURL == nil {
			return errUnreached
		}
		address, until, err := o.Invite(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "Paste this address into the platform's page for dynamic registration, before %s:\n%s\n",
			until.Local().Format("2 Jan 15:04"), address)
		return nil
	})
}

type platformListCmd struct {
	publicFlag
	Settings bool `help:"Show the addresses to type into a platform by hand."`
}

func (c *platformListCmd) Run(ctx context.Context, s *Settings, log *slog.Logger, out io.Writer) error {
	return s.withOffice(ctx, c.PublicURL, log, func(o *lms.Office) error {
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		if c.Settings {
			if o.PublicURL == nil {
				return errUnreached
			}
			for _, v := range o.ManualSettings() {
				fmt.Fprintf(w, "%s\t%s\n", v.Name, v.Value)
			}
			return w.Flush()
		}
		all, err := o.Store.Platforms(ctx, "")
		if err != nil {
			return err
		}
		fmt.Fprintln(w, "ID\tNAME\tSTATE\tISSUER\tCLIENT ID\tDEPLOYMENTS\tLAST LAUNCH")
		for _, p := range all {
			last := "never"
			if p.LastLaunch != nil {
				last = p.LastLaunch.Local().Format("2006-01-02 15:04")
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, p.Name, p.State, p.Issuer, p.ClientID, strings.Join(p.Deployments, ","), last)
		}
		return w.Flush()
	})
}

// onePlatform is what commands about a single platform take.
type onePlatform struct {
	publicFlag
	ID uint `arg:"" help:"Which platform, by the number that labmark platform list shows."`
}

// with finds the platform.
func (c *onePlatform) with(ctx context.Context, s *Settings, log *slog.Logger, do func(*lms.Office, store.Platform) error) error {
	return s.withOffice(ctx, c.PublicURL, log, func(o *lms.Office) error {
		p, err := o.Store.Platform(ctx, c.ID)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no platform %d: labmark platform list shows all", c.ID)
		}
		if err != nil {
			return err
		}
		return do(o, p)
	})
}

type platformTestCmd struct{ onePlatform }

func (c *platformTestCmd) Run(ctx context.Context, s *Settings, log *slog.Logger, out io.Writer) error {
	return c.with(ctx, s, log, func(o *lms.Office, p store.Platform) error {
		steps, err := o.Test(ctx, p)
		if err != nil {
			return err
		}
		bad := 0
		for _, f := range steps {
			mark := "ok   "
			if !f.OK {
				mark = "WRONG"
				bad++
			}
			fmt.Fprintf(out, "%s  %s: %s\n", mark, f.Step, f.Found)
			if f.Mend != "" {
				fmt.Fprintf(out, "       → %s\n", f.Mend)
			}
		}
		if bad > 0 {
			return fmt.Errorf("%s: %d of %d steps went wrong", p.Name, bad, len(steps))
		}
		return nil
	})
}

type platformEnableCmd struct{ onePlatform }

func (c *platformEnableCmd) Run(ctx context.Context, s *Settings, log *slog.Logger, out io.Writer) error {
	return c.with(ctx, s, log, func(o *lms.Office, p store.Platform) error {
		p.State = store.PlatformActive
		if err := o.Store.SavePlatform(ctx, p); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s may launch again\n", p.Name)
		return nil
	})
}

type platformRemoveCmd struct{ onePlatform }

func (c *platformRemoveCmd) Run(ctx context.Context, s *Settings, log *slog.Logger, out io.Writer) error {
	return c.with(ctx, s, log, func(o *lms.Office, p store.Platform) error {
		err := o.Store.RemovePlatform(ctx, p.ID)
		if !errors.Is(err, store.ErrInUse) {
			if err == nil {
				fmt.Fprintf(out, "removed %s\n", p.Name)
			}
			return err
		}
		p.State = store.PlatformDisabled
		if err := o.Store.SavePlatform(ctx, p); err != nil {
			return err
		}
		fmt.Fprintf(out, "disabled %s: people have come from it, whose work is kept\n", p.Name)
		return nil
	})
}
