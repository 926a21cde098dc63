// Package lms puts learning platforms and what is kept of them together: who
// has launched, from which context, to which tutorial; keys, rosters and
// registrations.
package lms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/store"
)

// Config is all that an Office needs.
type Config struct {
	Store   *store.Store
	Catalog *catalog.Catalog
	// PublicURL is where browsers and platforms reach this server.
	PublicURL *url.URL
	Secret    []byte // 32 bytes; signs what browsers carry between two requests
	HTTP      *http.Client
	Now       func() time.Time
	Log       *slog.Logger
}

// Office deals with learning platforms. Its methods may be called from any
// goroutine.
type Office struct {
	Config
	Tool   *lti.Tool
	Client *lti.Client

	rosters     sync.Map      // context ID → struct{}: being refreshed now
	registering chan struct{} // has room for one
	work        sync.WaitGroup
}

// New returns an Office; run Run beside it.
func New(cfg Config) *Office {
	o := &Office{Config: cfg, registering: make(chan struct{}, 1)}
	o.Tool = &lti.Tool{
		Endpoints: o.Endpoints(), Platforms: o.registered, Once: cfg.Store.Once, Secret: cfg.Secret,
		KeySets: &lti.KeySets{HTTP: cfg.HTTP, Now: cfg.Now}, Now: cfg.Now,
	}
	o.Client = &lti.Client{HTTP: cfg.HTTP, Keys: o.Keys, Now: cfg.Now}
	return o
}

// Endpoints are what platforms are told.
func (o *Office) Endpoints() lti.Endpoints { return lti.Endpoints{Base: o.PublicURL} }

// ManualSettings are what to type into a platform by hand.
func (o *Office) ManualSettings() []lti.Setting { return lti.ManualSettings(o.Endpoints()) }

// LaunchURL is what links in platforms point to.
func (o *Office) LaunchURL() string { return o.Endpoints().At(lti.LaunchPath) }

// registered finds the platforms that may launch.
func (o *Office) registered(ctx context.Context, issuer, clientID string) ([]lti.Platform, error) {
	all, err := o.Store.Platforms(ctx, issuer)
	if err != nil {
		return nil, err
	}
	var out []lti.Platform
	for _, p := range all {
		if p.State == store.PlatformActive && (clientID == "" || p.ClientID == clientID) {
			out = append(out, Registration(p))
		}
	}
	return out, nil
}

// Registration is what package lti wants to know of a stored platform.
func Registration(p store.Platform) lti.Platform {
	return lti.Platform{ID: p.ID, Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID, AuthURL: p.AuthURL,
		TokenURL: p.TokenURL, KeysURL: p.KeysURL, Audience: p.Audience, Deployments: p.Deployments, Product: p.Product}
}

// ErrDisabled is returned for services of a platform that is not active.
var ErrDisabled = errors.New("the platform is not active")

// PlatformOf finds the platform of a context, for its services.
func (o *Office) PlatformOf(ctx context.Context, contextID uint) (lti.Platform, error) {
	c, err := o.Store.Context(ctx, contextID)
	if err != nil {
		return lti.Platform{}, err
	}
	p, err := o.Store.Platform(ctx, c.PlatformID)
	if err != nil {
		return lti.Platform{}, err
	}
	if p.State != store.PlatformActive {
		return lti.Platform{}, fmt.Errorf("%w: %s", ErrDisabled, p.Name)
	}
	return Registration(p), nil
}

// Run keeps keys and rosters fresh until ctx ends.
func (o *Office) Run(ctx context.Context) {
	defer o.work.Wait()
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		o.tend(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (o *Office) tend(ctx context.Context) {
	_, err := o.Keys(ctx) // rotates where it is time
	if err == nil {
		err = o.Store.DropOnce(ctx, o.Now())
	}
	if err == nil {
		err = o.refreshOld(ctx)
	}
	if err != nil && ctx.Err() == nil {
		o.Log.Error("can't tend keys and rosters of platforms", "err", err)
	}
}

// Keys are the tool's own, rotated where it is time.
func (o *Office) Keys(ctx context.Context) ([]lti.Key, error) {
	stored, err := o.Store.ToolKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := readKeys(stored)
	if err != nil {
		return nil, err
	}
	if _, changed := lti.Rotate(keys, o.Now()); !changed {
		return keys, nil
	}
	err = o.Store.ChangeToolKeys(ctx, func(old []store.ToolKey) ([]store.ToolKey, error) {
		if keys, err = readKeys(old); err != nil {
			return nil, err
		}
		keys, _ = lti.Rotate(keys, o.Now())
		var out []store.ToolKey
		for _, k := range keys {
			out = append(out, store.ToolKey{ID: k.ID, PEM: k.PEM(), CreatedAt: k.Created})
		}
		return out, nil
	})
	return keys, err
}

func readKeys(stored []store.ToolKey) ([]lti.Key, error) {
	var keys []lti.Key
	for _, k := range stored {
		key, err := lti.ParsePEM(k.PEM, k.CreatedAt)
		if err != nil {
			return nil, fmt.Errorf("the tool's key %s in the database: %w", k.ID, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// FrameOrigins are the origins whose pages may show Labmark in a frame, as a
// Content-Security-Policy takes them, where an administrator has named none.
func FrameOrigins(p lti.Platform) []string {
	var out []string
	for _, u := range []string{p.Issuer, p.AuthURL} {
		if o := Origin(u); o != "" {
			out = append(out, o)
		}
	}
	if p.Product == "canvas" && strings.HasSuffix(p.Issuer, ".instructure.com") {
		// Schools have subdomains there, whatever the issuer says.
		out = append(out, "https://*.instructure.com")
	}
	return out
}

// Origin is a URL's scheme and host, empty unless it is one of the web.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
