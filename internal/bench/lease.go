package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
)

// lease measures what a student waits for: a guest from the warm pool, and a
// reset, both against a cold start by the same manager.
func (b *bench) lease(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	db, err := store.Open(filepath.Join(b.dir, "bench.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return err
	}
	kind := guests.Kind{Image: b.image.Digest, Memory: benchMemory}
	news := make(chan guests.Status, 1000)
	cfg := guests.Config{Backend: b.backend, Table: db, Signer: signer, Gateway: "bench", Parallel: 1,
		Plans: func(store.Owner) ([]guests.Plan, error) {
			return []guests.Plan{{Name: "lab", Kind: kind, Alone: true}}, nil
		},
		Notify: func(_ store.Owner, s guests.Status) { news <- s }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	cold := guests.New(cfg)
	cfg.Pool = map[guests.Kind]int{kind: 1}
	warm := guests.New(cfg)
	go warm.Run(ctx)

	next := uint(0)
	start := func(m *guests.Manager) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			if err := b.filled(ctx, warm); err != nil {
				return 0, err
			}
			next++
			o := store.Owner{UserID: next, Course: "bench", Tutorial: "bench"}
			return timed(func() error {
				if _, err := m.Start(o); err != nil {
					return err
				}
				return ready(ctx, news)
			})
		}
	}
	err = b.pairs(Result{Name: "guest: claimed from the warm pool", Goal: 0.1, Against: "a cold start"}, b.rounds, start(warm), start(cold))
	if err != nil {
		return err
	}
	reset := func() (time.Duration, error) {
		if err := b.filled(ctx, warm); err != nil {
			return 0, err
		}
		return timed(func() error {
			if _, err := warm.Reset(store.Owner{UserID: 1, Course: "bench", Tutorial: "bench"}, ""); err != nil {
				return err
			}
			return ready(ctx, news)
		})
	}
	if err := b.pairs(Result{Name: "guest: reset", Goal: 0.1, Against: "a cold start"}, b.rounds, reset, start(cold)); err != nil {
		return err
	}
	cancel()
	warm.Close()
	cold.Close()
	return b.clear(context.WithoutCancel(ctx))
}

// filled waits until the pool is full and idle.
func (b *bench) filled(ctx context.Context, m *guests.Manager) error {
	for {
		if _, free := m.Counts(); free > 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ready waits until a lease is.
func ready(ctx context.Context, news <-chan guests.Status) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-news:
			if s.State == guests.Failed {
				return fmt.Errorf("no guest: %s", s.Detail)
			}
			if s.State == guests.Ready {
				return nil
			}
		}
	}
}

// clear destroys all guests.
func (b *bench) clear(ctx context.Context) error {
	list, err := b.backend.List(ctx)
	if err != nil {
		return err
	}
	for _, g := range list {
		if err := b.backend.Destroy(ctx, g.ID); err != nil {
			return err
		}
	}
	return nil
}
