package guests

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

var (
	ann  = store.Owner{UserID: 1, Course: "c", Tutorial: "t"}
	bob  = store.Owner{UserID: 2, Course: "c", Tutorial: "t"}
	kind = Kind{Image: "sha256:" + strings.Repeat("a", 64)}
)

// house is a manager over simulated guests and a real database.
type house struct {
	*Manager
	backend *simulated.Backend
	faults  *simulated.Faults
	table   *store.Store
	dir     string

	mu   sync.Mutex
	seen map[store.Owner][]State
	stop func()
}

func mustHouse(t *testing.T, dir string, pool int, prepare ...func(context.Context, []Handle) bool) *house {
	t.Helper()
	h := &house{faults: &simulated.Faults{}, dir: dir, seen: map[store.Owner][]State{}}
	var err error
	if h.table, err = store.Open(filepath.Join(dir, "db")); err != nil {
		t.Fatal(err)
	}
	h.backend, err = simulated.New(simulated.Options{Dir: filepath.Join(dir, "guests"), Faults: h.faults, Max: 4})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	h.Manager = New(Config{Backend: h.backend, Table: h.table, Signer: signer, Gateway: "here", Plans: plans, Pool: map[Kind]int{kind: pool},
		Parallel: 2, Log: slog.New(slog.DiscardHandler), ScanEvery: 20 * time.Millisecond,
		Prepare: func(ctx context.Context, _ store.Owner, guests []Handle) bool {
			return len(prepare) == 0 || prepare[0](ctx, guests)
		},
		Notify: func(o store.Owner, s Status) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.seen[o] = append(h.seen[o], s.State)
		}})
	if err := h.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); h.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		<-done
		h.Manager.Close()
		h.backend.Close()
		h.table.Close()
	})
	t.Cleanup(h.stop)
	return h
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}

func (h *house) becomes(t *testing.T, o store.Owner, s State) Status {
	t.Helper()
	eventually(t, string(s), func() bool { return h.Status(o).State == s })
	return h.Status(o)
}

func (h *house) ready(t *testing.T, o store.Owner) Machine {
	t.Helper()
	mustBegin(t)(h.Start(o))
	h.becomes(t, o, Ready)
	m, err := h.Machine(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// mustBegin takes what Start and Reset return.
func mustBegin(t *testing.T) func(Status, error) {
	t.Helper()
	return func(_ Status, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// ids are the guests that the backend knows.
func (h *house) ids(t *testing.T) []string {
	t.Helper()
	list, err := h.backend.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, g := range list {
		ids = append(ids, g.ID)
	}
	return ids
}

func TestEveryStudentGetsAnOwnGuest(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 0)
	if _, _, err := h.Client(t.Context(), ann, "", "root", ForChecks); !errors.Is(err, ErrNoGuest) {
		t.Errorf("before the start: %v, want ErrNoGuest", err)
	}
	first, second := h.ready(t, ann), h.ready(t, bob)
	if first.ID == second.ID {
		t.Fatal("two students share a guest")
	}
	if again := h.ready(t, ann); again != first {
		t.Errorf("starting twice led from %v to %v", first, again)
	}
	a, _, err := h.Client(t.Context(), ann, "", "root", ForChecks)
	if err != nil {
		t.Fatal(err)
	}
	if b, _, _ := h.Client(t.Context(), ann, "", "root", ForChecks); a != b {
		t.Error("the connection is not kept")
	}
	if b, _, _ := h.Client(t.Context(), ann, "", "root", ForTerminals); a == b {
		t.Error("checks and terminals share a connection")
	}
}

func TestPoolIsClaimedAndRefilled(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 1)
	free := func() bool { _, n := h.Counts(); return n == 1 }
	eventually(t, "a free guest", free)
	waiting := h.ids(t)[0]
	// Nothing can be started now, so the guest must come from the pool.
	remove := h.faults.Add(simulated.Fault{Call: simulated.Start, Err: errors.New("no more")})
	if m := h.ready(t, ann); m.ID != waiting {
		t.Errorf("got %s, want the free %s", m.ID, waiting)
	}
	remove()
	eventually(t, "the pool to be full again", free)
}

func TestDeadGuestInThePoolIsNotGivenOut(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 1)
	eventually(t, "a free guest", func() bool { _, n := h.Counts(); return n == 1 })
	dead := h.ids(t)[0]
	h.backend.Kill(dead, "for the test")
	if m := h.ready(t, ann); m.ID == dead {
		t.Error("a student got a dead guest")
	}
}

func TestResetGivesAnotherGuestAndRemovesTheOld(t *testing.T) {
	for _, pool := range []int{0, 1} {
		h := mustHouse(t, t.TempDir(), pool)
		old := h.ready(t, ann)
		mustBegin(t)(h.Reset(ann, ""))
		h.becomes(t, ann, Ready)
		fresh, err := h.Machine(ann, "")
		if err != nil || fresh.ID == old.ID {
			t.Errorf("pool %d: after the reset %v, %v", pool, fresh, err)
		}
		eventually(t, "the old guest to be gone", func() bool { return !strings.Contains(strings.Join(h.ids(t), " "), old.ID) })
		h.stop()
	}
}

func TestStopKeepsTheGuest(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 0)
	m := h.ready(t, ann)
	h.Stop(ann)
	if s := h.becomes(t, ann, None); !strings.Contains(s.Detail, "kept") {
		t.Errorf("after the stop the student reads %q", s.Detail)
	}
	generation := h.Status(ann).Generation
	if again := h.ready(t, ann); again != m || h.Status(ann).Generation == generation {
		t.Errorf("got %v of generation %d, want %v of another than %d", again, h.Status(ann).Generation, m, generation)
	}
}

func TestGuestThatEndsByItself(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 0)
	m := h.ready(t, ann)
	h.backend.Kill(m.ID, "for the test")
	if s := h.becomes(t, ann, None); !strings.Contains(s.Detail, "has stopped") {
		t.Errorf("the student reads %q", s.Detail)
	}
	if again := h.ready(t, ann); again != m {
		t.Errorf("after the restart %v, want the same disk as %v", again, m)
	}
}

func TestGuestThatVanishes(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 0)
	m := h.ready(t, ann)
	if err := h.backend.Destroy(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	h.becomes(t, ann, None)
	if again := h.ready(t, ann); again == m {
		t.Error("a guest that is no more was given out")
	}
}

func TestFailuresAreToldAndLeaveNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		fault simulated.Fault
		want  string
	}{
		"start fails":    {simulated.Fault{Call: simulated.Start, Err: errors.New("no luck")}, "could not be started"},
		"create fails":   {simulated.Fault{Call: simulated.Create, Err: errors.New("no disk")}, "could not be started"},
		"image is gone":  {simulated.Fault{Call: simulated.Create, Err: vmbackend.ErrNoImage}, "image is missing"},
		"wrong host key": {simulated.Fault{Call: simulated.Dial, WrongHostKey: true}, "could not be started"},
		"dies at once":   {simulated.Fault{Call: simulated.Dial, Dies: true}, "could not be started"},
	} {
		t.Run(name, func(t *testing.T) {
			h := mustHouse(t, t.TempDir(), 0)
			remove := h.faults.Add(tt.fault)
			mustBegin(t)(h.Start(ann))
			if s := h.becomes(t, ann, Failed); !strings.Contains(s.Detail, tt.want) {
				t.Errorf("the student reads %q, want %q in it", s.Detail, tt.want)
			}
			eventually(t, "the failed guest to be gone", func() bool { return len(h.ids(t)) == 0 })
			remove()
			h.ready(t, ann)
		})
	}
}

func TestRemovalIsTriedAgain(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 0)
	old := h.ready(t, ann)
	h.faults.Add(simulated.Fault{Call: simulated.Destroy, Times: 3, Err: errors.New("busy")})
	mustBegin(t)(h.Reset(ann, ""))
	h.becomes(t, ann, Ready)
	eventually(t, "the old guest to be gone after all", func() bool { return !strings.Contains(strings.Join(h.ids(t), " "), old.ID) })
}

func TestAllTakenIsSaidAndQueuedFor(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 0)
	for u := range uint(4) {
		h.ready(t, store.Owner{UserID: 10 + u})
	}
	mustBegin(t)(h.Start(ann))
	if s := h.becomes(t, ann, Queued); !strings.Contains(s.Detail, "in use") {
		t.Errorf("the student reads %q", s.Detail)
	}
	eventually(t, "a place", func() bool { return h.Status(ann).Place == 1 })
	eventually(t, "nothing to be left of the try", func() bool { return len(h.ids(t)) == 4 })
}

func TestNextGatewayTakesOver(t *testing.T) {
	dir := t.TempDir()
	h := mustHouse(t, dir, 1)
	running, stopped := h.ready(t, ann), h.ready(t, bob)
	h.Stop(bob)
	h.becomes(t, bob, None)
	eventually(t, "a free guest", func() bool { _, n := h.Counts(); return n == 1 })
	// A guest that the crash has left without a row, and a row whose guest
	// was never made.
	stray := vmbackend.Spec{ID: "stray", Image: kind.Image, Labels: map[string]string{gatewayLabel: "here"}}
	foreign := vmbackend.Spec{ID: "foreign", Image: kind.Image, Labels: map[string]string{gatewayLabel: "elsewhere"}}
	h.stop()
	h.leave(t, dir, stray, foreign)

	h = mustHouse(t, dir, 1)
	if m, err := h.Machine(ann, ""); err != nil || m != running {
		t.Errorf("ann's guest: %v, %v; want %v", m, err, running)
	}
	if _, _, err := h.Client(t.Context(), ann, "", "root", ForChecks); err != nil {
		t.Errorf("no way into a guest that was taken over: %v", err)
	}
	if s := h.Status(bob); s.State != None {
		t.Errorf("bob's guest is %s, want none", s.State)
	}
	if m := h.ready(t, bob); m != stopped {
		t.Errorf("bob's guest: %v, want %v", m, stopped)
	}
	eventually(t, "strays to be gone and foreign guests to stay", func() bool {
		ids := strings.Join(h.ids(t), " ")
		return !strings.Contains(ids, "stray") && strings.Contains(ids, "foreign")
	})
	eventually(t, "the row without a guest to be gone", func() bool {
		rows, err := h.table.Guests(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return !slices.ContainsFunc(rows, func(g store.Guest) bool { return g.ID == "never-made" })
	})
}

// leave puts guests and a row where a crash would have left them.
func (h *house) leave(t *testing.T, dir string, specs ...vmbackend.Spec) {
	t.Helper()
	b, err := simulated.New(simulated.Options{Dir: filepath.Join(dir, "guests")})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, s := range specs {
		s.HostKey, s.AuthorizedKey = testKeys(t)
		if err := b.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	db, err := store.Open(filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.AddGuest(t.Context(), store.Guest{ID: "never-made", Mode: store.Preparing}); err != nil {
		t.Fatal(err)
	}
}

func TestImpatience(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 0)
	remove := h.faults.Add(simulated.Fault{Call: simulated.Start, Hang: true})
	mustBegin(t)(h.Start(ann))
	for range 20 {
		if s, err := h.Start(ann); err != nil || s.State != Starting {
			t.Fatalf("pressed again: %s, %v", s.State, err)
		}
		mustBegin(t)(h.Reset(ann, ""))
		h.Stop(ann)
	}
	if n := len(h.ids(t)); n > 1 {
		t.Errorf("an impatient student has %d guests", n)
	}
	remove()
}

// plans are of a tutorial with one guest.
func plans(store.Owner) ([]Plan, error) { return []Plan{{Name: "lab", Kind: kind, Alone: true}}, nil }

func TestAGatewayThatDiesWhilePreparingLeavesThatToTheNext(t *testing.T) {
	dir := t.TempDir()
	begun := make(chan bool, 1)
	h := mustHouse(t, dir, 0, func(ctx context.Context, _ []Handle) bool {
		begun <- true
		<-ctx.Done()
		return false
	})
	if _, err := h.Start(ann); err != nil {
		t.Fatal(err)
	}
	<-begun
	if _, err := h.Machine(ann, ""); !errors.Is(err, ErrNoGuest) {
		t.Errorf("a machine that is not prepared is given out: %v", err)
	}
	h.stop()

	var mu sync.Mutex
	var prepared []bool
	note := func(_ context.Context, guests []Handle) bool {
		mu.Lock()
		defer mu.Unlock()
		prepared = append(prepared, guests[0].Prepared)
		return len(prepared) > 1 // the first time it fails
	}
	h = mustHouse(t, dir, 0, note)
	h.becomes(t, ann, Ready)
	h.stop()
	h = mustHouse(t, dir, 0, note)
	h.becomes(t, ann, Ready)
	h.stop()
	h = mustHouse(t, dir, 0, note) // now all is done
	h.becomes(t, ann, Ready)
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(prepared, []bool{false, false}) {
		t.Errorf("prepared %v", prepared)
	}
}

func TestGuestsThatATutorialNoLongerHasAreRemoved(t *testing.T) {
	h := mustHouse(t, t.TempDir(), 0)
	names := []string{"web", "db"}
	h.Manager.cfg.Plans = func(store.Owner) (out []Plan, err error) {
		for _, n := range names {
			out = append(out, Plan{Name: n, Kind: kind})
		}
		return out, nil
	}
	h.ready(t, ann)
	web, err := h.Machine(ann, "web")
	if err != nil {
		t.Fatal(err)
	}
	if s := h.Status(ann); len(s.Machines) != 2 || s.Machines[1].Name != "db" || s.Generation != 2 {
		t.Errorf("two guests: %+v", s)
	}
	names = []string{"web", "cache"}
	if _, err := h.Start(ann); err != nil {
		t.Fatal(err)
	}
	h.becomes(t, ann, Ready)
	if m, err := h.Machine(ann, "web"); err != nil || m != web {
		t.Errorf("the guest that stays is another: %v, %v", m, err)
	}
	if s := h.Status(ann); len(s.Machines) != 2 || s.Machines[1].Name != "cache" || s.Generation != 3 {
		t.Errorf("after the change: %+v", s)
	}
	eventually(t, "the guest that is no more to be removed", func() bool { return len(h.ids(t)) == 2 })
}
