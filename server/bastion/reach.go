package bastion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/guests"
)

// Times of waiting for a guest that does not run.
const (
	startLimit = 10 * time.Minute
	startLook  = 200 * time.Millisecond
)

// place is one guest that was chosen, and the account in it.
type place struct {
	guests.Holding
	account string
}

// find chooses the guest anew for each channel: which one runs may change.
func (v *visit) find(ctx context.Context) (place, error) {
	h, err := v.target.choose(v.b.cfg.Guests.Holdings(v.key.UserID))
	if err != nil {
		return place{}, err
	}
	if !v.b.cfg.Enrolled(ctx, h.Owner) {
		return place{}, unclear("You are no longer in the course that this machine belongs to.\n")
	}
	account, ok := v.b.cfg.Account(h.Owner, h.Name)
	if !ok {
		return place{}, unclear("The tutorial that this machine was for is no longer there.\n")
	}
	return place{h, account}, nil
}

// wake starts a guest that does not run, and waits for it. say tells the person
// what is going on.
func (v *visit) wake(ctx context.Context, say func(string)) (place, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	said, started := "", false
	for {
		p, err := v.find(ctx)
		if err != nil || p.State == guests.Ready {
			return p, err
		}
		switch {
		case !started && (p.State == guests.None || p.State == guests.Failed):
			started = true
			if _, err := v.b.cfg.Guests.Start(p.Owner); err != nil {
				return place{}, unclear("Your machine can't be started. Try again; if it stays so, tell your instructor.\n")
			}
			continue
		case started && p.State == guests.Failed:
			return place{}, unclear(p.Detail + "\n")
		}
		if p.Detail != "" && p.Detail != said {
			said = p.Detail
			say(said + "\n")
		}
		pause(ctx, startLook)
		if ctx.Err() != nil {
			return place{}, unclear("Your machine did not start in time. Try again.\n")
		}
	}
}

// channel opens a channel to the guest over the kept connection.
func (v *visit) channel(ctx context.Context, p place, name string, data []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	var last error
	for range 2 { // the kept connection may have broken unseen
		client, _, err := v.b.cfg.Guests.Client(ctx, p.Owner, p.Name, p.account, guests.ForPeople)
		if err != nil {
			return nil, nil, err
		}
		stop := context.AfterFunc(ctx, func() { _ = client.Close() })
		ch, requests, err := client.OpenChannel(name, data)
		stop()
		var refused *ssh.OpenChannelError
		if err == nil || errors.As(err, &refused) {
			return ch, requests, err
		}
		_ = client.Close()
		last = fmt.Errorf("a way into guest of user %d: %w", p.Owner.UserID, err)
	}
	return nil, nil, last
}

// explain is an error in a person's words.
func (v *visit) explain(err error) string {
	var u unclear
	if errors.As(err, &u) {
		return string(u)
	}
	v.b.cfg.Log.Warn("an SSH client did not reach a guest", "user", v.key.UserID, "err", err)
	return "Your machine did not answer. Try again; if it stays so, reset it in your browser.\n"
}
