package main

import (
	"context"
	"errors"
	"time"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// checksPerRound is how many checks one round is the sum of: single ones are
// too short to be timed one against one.
const checksPerRound = 20

// check measures a check's round trip on the kept connection against a raw
// exec there, and against a new connection for each.
func (b *bench) check(ctx context.Context) error {
	p, err := b.person("check")
	if err != nil {
		return err
	}
	if err := b.boot(ctx, p); err != nil {
		return err
	}
	defer func() { _ = b.backend.Destroy(context.WithoutCancel(ctx), p.spec.ID) }()
	client, err := guestssh.Connect(ctx, b.backend, p.spec.ID, "root", p.host, p.signer)
	if err != nil {
		return err
	}
	defer client.Close()

	script := checks.Script{ID: "bench", Body: "test -d /etc", PassMessage: "There is a folder /etc, $user.",
		Vars: map[string]string{"user": "ann"}, Tools: lab.Tools}
	check := round(func() error {
		if r := checks.Run(ctx, client, script); r.Verdict != checks.Pass {
			return errors.New(r.Message)
		}
		return nil
	})
	raw := round(func() error { return runIn(client, "test -d /etc") })
	fresh := round(func() error { return p.command(ctx, b.backend, "test -d /etc") })
	err = b.pairs(Result{Name: "check: round trip on the kept connection", Goal: 1.3, Against: "a raw exec on the same connection"},
		b.rounds, check, raw)
	if err != nil {
		return err
	}
	return b.pairs(Result{Name: "check: round trip on the kept connection, once more", Goal: 1, Against: "a raw exec on a new connection each time"},
		b.rounds, check, fresh)
}

// round times several calls and returns the time of one.
func round(f func() error) func() (time.Duration, error) {
	return func() (time.Duration, error) {
		took, err := timed(func() error {
			for range checksPerRound {
				if err := f(); err != nil {
					return err
				}
			}
			return nil
		})
		return took / checksPerRound, err
	}
}
