package outbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// workerDir in the environment makes this binary a gateway's outbox over the
// database in that folder, to be killed.
const workerDir = "LABMARK_TEST_OUTBOX"

func TestMain(m *testing.M) {
	if dir := os.Getenv(workerDir); dir != "" {
		if err := work(dir); err != nil {
			fmt.Fprintln(os.Stderr, "outbox under test:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// work sends grades until it is killed, or its parent has ended.
func work(dir string) error {
	db, err := store.Open(filepath.Join(dir, "labmark.db"))
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		return err
	}
	key, err := lti.ParsePEM(text, time.Now().Add(-time.Hour))
	if err != nil {
		return err
	}
	o := New(Config{Store: db, Grade: latest(db), Parallel: 8, Pace: -1, Pause: 50 * time.Millisecond,
		Client: &lti.Client{HTTP: &http.Client{Timeout: 400 * time.Millisecond},
			Keys: func(context.Context) ([]lti.Key, error) { return []lti.Key{key}, nil }},
		Platform: platformOf(db), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go func() {
		// The marks are made by another process.
		for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
			o.Kick()
		}
	}()
	o.Run(ctx)
	return nil
}

func platformOf(db *store.Store) func(context.Context, uint) (lti.Platform, error) {
	return func(ctx context.Context, id uint) (lti.Platform, error) {
		c, err := db.Context(ctx, id)
		if err != nil {
			return lti.Platform{}, err
		}
		p, err := db.Platform(ctx, c.PlatformID)
		return lti.Platform{ID: p.ID, Issuer: p.Issuer, ClientID: p.ClientID, TokenURL: p.TokenURL, Product: p.Product}, err
	}
}

// latest grades by the newest attempt, and tells its number.
func latest(db *store.Store) func(context.Context, store.ResourceLink, uint) (progress.Grade, error) {
	return func(ctx context.Context, l store.ResourceLink, user uint) (progress.Grade, error) {
		w, err := db.Work(ctx, store.Owner{UserID: user, Context: l.ContextID, Course: l.Course, Tutorial: l.Tutorial})
		if err != nil || len(w.Attempts) == 0 {
			return progress.Grade{}, fmt.Errorf("%d attempts of user %d: %w", len(w.Attempts), user, err)
		}
		last := slices.MaxFunc(w.Attempts, func(a, b store.Attempt) int { return a.StartedAt.Compare(b.StartedAt) })
		return progress.Grade{Given: 10 * last.Score, Maximum: 10, Comment: fmt.Sprintf("attempt %d", len(w.Attempts)),
			Progress: progress.InProgress, At: last.StartedAt}, nil
	}
}
