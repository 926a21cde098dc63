package guests

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// school is a manager over simulated guests and a real database, in a bubble of
// its own time, that keeps the notices.
type school struct {
	*Manager
	t       *testing.T
	dir     string
	rest    Rest
	backend vmbackend.Backend
	faults  *simulated.Faults
	table   *store.Store
	mu      sync.Mutex
	told    []Notice
	stop    func()
}

func inSchool(t *testing.T, rest Rest, test func(t *testing.T, s *school)) {
	synctest.Test(t, func(t *testing.T) {
		s := &school{t: t, dir: t.TempDir(), rest: rest, faults: &simulated.Faults{}}
		s.begin()
		t.Cleanup(func() { s.stop() })
		test(t, s)
	})
}

func (s *school) begin() {
	s.t.Helper()
	var err error
	if s.table, err = store.Open(filepath.Join(s.dir, "db")); err != nil {
		s.t.Fatal(err)
	}
	s.backend, err = simulated.New(simulated.Options{Dir: filepath.Join(s.dir, "guests"), Faults: s.faults})
	if err != nil {
		s.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		s.t.Fatal(err)
	}
	rest := s.rest
	rest.Tell = func(_ store.Owner, n Notice) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.told = append(s.told, n)
	}
	s.Manager = New(Config{Backend: s.backend, Table: s.table, Signer: signer, Gateway: "here", Plans: plans,
		Parallel: 2, Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)), Rest: rest, Notify: func(store.Owner, Status) {}})
	if err := s.Recover(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	s.stop = func() {
		cancel()
		<-done
		s.Manager.Close()
		s.backend.Close()
		s.table.Close()
	}
}

// pass lets time pass, and a look more.
func (s *school) pass(d time.Duration) {
	time.Sleep(d + lookEvery)
	synctest.Wait()
}

// work gives ann a running guest.
func (s *school) work() Machine {
	s.t.Helper()
	mustBegin(s.t)(s.Start(ann))
	s.pass(0)
	s.is(Ready, "ready")
	g, err := s.Machine(ann, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return g
}

func (s *school) is(want State, says string) {
	s.t.Helper()
	if now := s.Status(ann); now.State != want || !strings.Contains(now.Detail, says) {
		s.t.Fatalf("the student's machine is %s, %q; want %s, %q", now.State, now.Detail, want, says)
	}
}

// runs is what the backend's only guest does.
func (s *school) runs() vmbackend.State {
	s.t.Helper()
	list, err := s.backend.List(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if len(list) != 1 {
		return ""
	}
	return list[0].State
}

// last is the last notice that was told.
func (s *school) last() Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.told) == 0 {
		return Notice{}
	}
	return s.told[len(s.told)-1]
}

// attach opens the kept terminal and says whether it had been there.
func (s *school) attach() bool {
	s.t.Helper()
	c, _, err := s.Client(s.t.Context(), ann, "", "root", ForTerminals)
	if err != nil {
		s.t.Fatal(err)
	}
	terminal, err := guestssh.Attach(c, "main", 80, 24)
	if err != nil {
		s.t.Fatal(err)
	}
	defer terminal.Close()
	return terminal.Replayed
}

func TestIdleGuestsAreSuspendedAndGoOn(t *testing.T) {
	inSchool(t, Rest{Idle: 30 * time.Minute}, func(t *testing.T, s *school) {
		before := s.work()
		if s.attach() {
			t.Error("the first terminal was there before")
		}
		s.pass(20 * time.Minute)
		s.Active(ann, "")
		s.pass(24 * time.Minute)
		if n := s.last(); n.ID != "" {
			t.Errorf("told too early: %+v", n)
		}
		s.pass(time.Minute)
		n := s.last()
		if left := time.Until(n.Until); n.Kind != Closing || n.Action != Stay || left < 4*time.Minute || left > 5*time.Minute {
			t.Fatalf("the warning is %+v, %v before", n, left)
		}
		if all := s.Notices(ann); len(all) != 1 || all[0] != n {
			t.Errorf("a page that comes now is told %+v", all)
		}

		s.Stay(ann, "")
		if n := s.last(); !n.Gone || len(s.Notices(ann)) != 0 {
			t.Errorf("after the click the warning stands: %+v", n)
		}
		s.pass(29 * time.Minute)
		s.is(Ready, "")
		s.pass(time.Minute)
		s.is(Suspended, "programs are where you left them")
		if s.runs() != vmbackend.Suspended {
			t.Errorf("the guest is %s", s.runs())
		}
		if _, _, err := s.Client(t.Context(), ann, "", "root", ForChecks); !errors.Is(err, ErrNoGuest) {
			t.Errorf("a check in a suspended guest: %v", err)
		}
		if rows, err := s.table.Guests(t.Context()); err != nil || len(rows) != 1 || rows[0].Mode != store.Suspended {
			t.Errorf("the table says %+v, %v", rows, err)
		}

		begun := time.Now()
		if after := s.work(); after.ID != before.ID || !s.attach() {
			t.Errorf("after %s comes %s, with another shell", before.ID, after.ID)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("it took %v to go on", took)
		}
		if s.runs() != vmbackend.Running {
			t.Errorf("the guest is %s", s.runs())
		}
	})
}

func TestSuspendedForLongIsSwitchedOffThenRemoved(t *testing.T) {
	inSchool(t, Rest{Idle: 30 * time.Minute, Frozen: time.Hour, Keep: 6 * time.Hour}, func(t *testing.T, s *school) {
		s.work()
		s.pass(30 * time.Minute)
		s.is(Suspended, "")
		s.pass(time.Hour)
		s.is(None, "programs that ran have ended")
		if s.runs() != vmbackend.Stopped {
			t.Errorf("the guest is %s", s.runs())
		}
		s.work()
		s.pass(30 * time.Minute)
		s.pass(time.Hour)
		s.pass(5 * time.Hour)
		if s.runs() != vmbackend.Stopped {
			t.Errorf("too early the guest is %q", s.runs())
		}
		s.pass(time.Hour)
		s.pass(time.Minute)
		s.is(None, "removed")
		if s.runs() != "" {
			t.Errorf("the guest is still %s", s.runs())
		}
	})
}

func TestGatewayFindsSuspendedGuests(t *testing.T) {
	inSchool(t, Rest{Idle: 30 * time.Minute}, func(t *testing.T, s *school) {
		before := s.work()
		s.pass(30 * time.Minute)
		s.is(Suspended, "")
		s.stop()
		s.begin()
		s.is(Suspended, "programs are where you left them")
		if after := s.work(); after.ID != before.ID {
			t.Error("it is another machine")
		}
	})
}

func TestSessionEndsAfterTwoWarnings(t *testing.T) {
	limits := func(store.Owner) Limits { return Limits{Session: 2 * time.Hour} }
	inSchool(t, Rest{Idle: 30 * time.Minute, Limits: limits}, func(t *testing.T, s *school) {
		before := s.work()
		busy := func(d time.Duration) {
			for range d / time.Minute {
				s.Active(ann, "")
				time.Sleep(time.Minute)
			}
			synctest.Wait()
		}
		busy(109 * time.Minute)
		if n := s.last(); n.ID != "" {
			t.Errorf("told too early: %+v", n)
		}
		busy(3 * time.Minute)
		first := s.last()
		if first.Kind != Closing || first.Action != "" || first.Gone || time.Until(first.Until) < 7*time.Minute {
			t.Fatalf("ten minutes before: %+v", first)
		}
		busy(7 * time.Minute)
		if n := s.last(); n.ID == first.ID || n.Gone || !n.Until.Equal(first.Until) {
			t.Fatalf("two minutes before: %+v", n)
		}
		busy(2 * time.Minute)
		s.is(Suspended, "Nothing in it is lost")
		if len(s.Notices(ann)) != 0 {
			t.Errorf("warnings stand: %+v", s.Notices(ann))
		}
		// Nobody waits, so it can be begun again at once.
		if after := s.work(); after.ID != before.ID {
			t.Error("it is another machine")
		}
		busy(time.Hour)
		s.is(Ready, "")
	})
}

func TestWhatCannotBeSuspendedIsSwitchedOff(t *testing.T) {
	inSchool(t, Rest{Idle: 30 * time.Minute}, func(t *testing.T, s *school) {
		before := s.work()
		s.faults.Add(simulated.Fault{Call: simulated.Suspend, Err: vmbackend.ErrNotOffered})
		s.pass(30 * time.Minute)
		s.is(None, "not used it for long")
		if s.runs() != vmbackend.Stopped {
			t.Errorf("the guest is %s", s.runs())
		}
		if after := s.work(); after.ID != before.ID {
			t.Error("its disk was not kept")
		}
	})
}
