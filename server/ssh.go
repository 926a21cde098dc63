package server

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/bastion"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/web"
)

// bastionKey is what people's clients know this installation by, whichever of
// its gateways they come to.
func bastionKey(ctx context.Context, db *store.Store) (ssh.Signer, error) {
	seed, err := db.Secret(ctx, "bastion-key", ed25519.SeedSize)
	if err != nil {
		return nil, fmt.Errorf("keep the SSH host key: %w", err)
	}
	return ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed))
}

// openBastion makes the way in for people with SSH clients of their own.
func openBastion(ctx context.Context, cfg Config, db *store.Store, courses *catalog.Catalog, m *guests.Manager) (*bastion.Bastion, ssh.Signer, error) {
	key, err := bastionKey(ctx, db)
	if err != nil {
		return nil, nil, err
	}
	account := func(o store.Owner, name string) (string, bool) {
		t, _ := courses.Tutorial(o)
		if t == nil {
			return "", false
		}
		for _, g := range t.Guests {
			if g.Name == name {
				return g.User, true
			}
		}
		return "", false
	}
	enrolled := func(ctx context.Context, o store.Owner) bool {
		ok, err := belongs(ctx, db, o)
		if err != nil {
			cfg.Log.Error("can't look whether an SSH client is enrolled", "user", o.UserID, "err", err)
		}
		return ok
	}
	return bastion.New(bastion.Config{HostKey: key, Keys: db, Guests: m, Account: account, Enrolled: enrolled, Log: cfg.Log}), key, nil
}

// belongs says whether an owner is still in the course of the platform that
// the work belongs to, as for pages.
func belongs(ctx context.Context, db *store.Store, o store.Owner) (bool, error) {
	u, err := db.User(ctx, o.UserID)
	if err == nil && u.PlatformID != nil {
		var p store.Platform
		if p, err = db.Platform(ctx, *u.PlatformID); err == nil && p.State != store.PlatformActive {
			return false, nil
		}
	}
	if err == nil && o.Context != 0 {
		var in store.Membership
		if in, err = db.Membership(ctx, o.Context, o.UserID); err == nil && !in.Active {
			return false, nil
		}
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// sshWay is what profile pages say of it; nil where there is none.
func sshWay(cfg Config, gate *bastion.Bastion, key ssh.Signer) *web.SSH {
	if cfg.SSH == nil {
		return nil
	}
	command := "ssh "
	if _, port, err := net.SplitHostPort(cfg.SSH.Addr().String()); err == nil && port != "22" {
		command += "-p " + port + " "
	}
	return &web.SSH{Command: command + bastion.Login + "@" + cfg.PublicURL.Hostname(), HostKey: key.PublicKey(), EndKey: gate.EndKey}
}
