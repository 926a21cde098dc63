package guests

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// crowd is a manager over one simulated backend and a real database, whose
// gateway can be opened again.
type crowd struct {
	*Manager
	t       *testing.T
	dir     string
	change  func(*Config)
	limits  map[store.Mode]limit // nil: the usual ones
	backend *simulated.Backend
	table   *store.Store
	close   func()
}

func (q *crowd) open() {
	q.t.Helper()
	var err error
	if q.table, err = store.Open(filepath.Join(q.dir, "db")); err != nil {
		q.t.Fatal(err)
	}
	var cfg Config
	if q.change != nil {
		q.change(&cfg)
	}
	room := 0 // guests that are switched off take the backend's room, too
	if cfg.MaxRunning == 0 {
		room = 12
	}
	if q.backend, err = simulated.New(simulated.Options{Dir: filepath.Join(q.dir, "guests"), Max: room}); err != nil {
		q.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		q.t.Fatal(err)
	}
	cfg.Backend, cfg.Table, cfg.Signer, cfg.Gateway, cfg.Plans = q.backend, q.table, signer, "here", plans
	cfg.Parallel, cfg.Log, cfg.ScanEvery = 8, slog.New(slog.DiscardHandler), 5*time.Second
	cfg.Notify = func(store.Owner, Status) {}
	q.Manager = New(cfg)
	if q.limits != nil {
		q.Manager.limits = q.limits
	}
	if err := q.Recover(q.t.Context()); err != nil {
		q.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); q.Run(ctx) }()
	q.close = func() {
		cancel()
		<-done
		q.Manager.Close()
		q.backend.Close()
		q.table.Close()
	}
}

func (q *crowd) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (q *crowd) machine(i int) Machine {
	q.t.Helper()
	m, err := q.Machine(student(i), "")
	if err != nil {
		q.t.Fatalf("student %d: %v, %+v", i, err, q.Status(student(i)))
	}
	return m
}

// ids are the guests that the backend knows.
func (q *crowd) ids() (ids []string) {
	q.t.Helper()
	list, err := q.backend.List(q.t.Context())
	if err != nil {
		q.t.Fatal(err)
	}
	for _, g := range list {
		ids = append(ids, g.ID)
	}
	return ids
}

func (q *crowd) row(id string) store.Guest {
	q.t.Helper()
	rows, err := q.table.Guests(q.t.Context())
	if err != nil {
		q.t.Fatal(err)
	}
	for _, r := range rows {
		if r.ID == id {
			return r
		}
	}
	return store.Guest{}
}
