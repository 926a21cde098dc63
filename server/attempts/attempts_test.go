package attempts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/simulated"
)

var ann = store.Owner{UserID: 1, Course: "c", Tutorial: "t"}

var tutorial = &content.Tutorial{ID: "t", Checks: []*content.Check{
	{ID: "x", Points: 2, Script: "look", Timeout: 5 * time.Second},
	{ID: "y", Points: 1, Script: "look", Timeout: 300 * time.Millisecond},
}}

// one is the way to a single simulated guest.
type one struct {
	backend *simulated.Backend
	id      string
	host    ssh.PublicKey
	signer  ssh.Signer
	off     bool
}

func (o *one) Machine(store.Owner, string) (guests.Machine, error) {
	if o.off {
		return guests.Machine{}, guests.ErrNoGuest
	}
	return guests.Machine{ID: o.id, Image: "sha256:image"}, nil
}

func (o *one) Client(ctx context.Context, who store.Owner, name, user string, _ guests.Purpose) (*ssh.Client, guests.Machine, error) {
	m, err := o.Machine(who, name)
	if err != nil {
		return nil, m, err
	}
	c, err := guestssh.Connect(ctx, o.backend, o.id, user, o.host, o.signer)
	return c, m, err
}

// bed is a grader with a store and a guest.
type bed struct {
	*Grader
	store   *store.Store
	guest   *one
	faults  *simulated.Faults
	changed chan store.Attempt
	says    func() (kind, message string) // what the guest's check comes to
}

func mustBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{faults: &simulated.Faults{}, changed: make(chan store.Attempt, 100),
		says: func() (string, string) { return "pass", "well done" }}
	dir := t.TempDir()
	var err error
	if b.store, err = store.Open(filepath.Join(dir, "db")); err != nil {
		t.Fatal(err)
	}
	backend, err := simulated.New(simulated.Options{Dir: dir, Faults: b.faults,
		Machine: func(vmbackend.Spec, *simulated.Disk) simulated.Machine {
			return simulated.Machine{Exec: func(_, stdin string) (string, string, int) {
				kind, message := b.says()
				return simulated.CheckAnswer(stdin, kind, message)
			}}
		}})
	if err != nil {
		t.Fatal(err)
	}
	hostKey, host, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	ownKey, _, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(ownKey)
	if err != nil {
		t.Fatal(err)
	}
	b.guest = &one{backend: backend, id: "g-1", host: host, signer: signer}
	spec := vmbackend.Spec{ID: "g-1", Image: "sha256:" + strings.Repeat("a", 64), HostKey: hostKey,
		AuthorizedKey: ssh.MarshalAuthorizedKey(signer.PublicKey())}
	if err := errors.Join(backend.Create(t.Context(), spec), backend.Start(t.Context(), "g-1")); err != nil {
		t.Fatal(err)
	}
	b.Grader = b.grader()
	t.Cleanup(func() { b.Close(); backend.Close(); b.store.Close() })
	return b
}

// grader is a new one over the same store and guest.
func (b *bed) grader() *Grader {
	g := New(Config{Store: b.store, Guests: b.guest, Parallel: 4, Log: slog.New(slog.DiscardHandler),
		Values:  func(store.Owner) content.Values { return content.Values{"word": "abc"} },
		Changed: func(a store.Attempt) { b.changed <- a }})
	g.patience = 3 * time.Second
	return g
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// done waits for an attempt's outcome.
func (b *bed) done(t *testing.T, id string) store.Attempt {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case a := <-b.changed:
			if a.ID == id && a.State == store.Done {
				return a
			}
		case <-timeout:
			t.Fatal("no outcome")
		}
	}
}

func (b *bed) submit(t *testing.T, check string, n int) store.Attempt {
	t.Helper()
	if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: check, ID: id(n)}); err != nil {
		t.Fatal(err)
	}
	return b.done(t, id(n))
}

func TestAttemptIsKeptWithItsEvidence(t *testing.T) {
	b := mustBed(t)
	a := b.submit(t, "x", 1)
	kept, err := b.store.Attempt(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if kept.Verdict != "pass" || kept.Score != 1 || kept.Points != 2 || kept.Message != "well done" {
		t.Errorf("outcome: %+v", kept)
	}
	if kept.GuestID != "g-1" || kept.Image != "sha256:image" || kept.Vars != `{"word":"abc"}` || kept.Revision == "" ||
		kept.ExitStatus == nil || kept.EndedAt == nil {
		t.Errorf("evidence: %+v", kept)
	}
}

func TestSameAttemptRunsOnce(t *testing.T) {
	b := mustBed(t)
	runs := 0
	b.says = func() (string, string) { runs++; return "fail", "not yet" }
	b.submit(t, "x", 1)
	for range 3 {
		a, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: id(1)})
		if err != nil || a.State != store.Done {
			t.Fatalf("sent again: %+v, %v", a, err)
		}
	}
	if runs != 1 {
		t.Errorf("one attempt ran %d times", runs)
	}
	if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "y", ID: id(1)}); !errors.Is(err, ErrTakenID) {
		t.Errorf("the ID for another check: %v", err)
	}
	if _, err := b.Submit(t.Context(), store.Owner{UserID: 2, Course: "c", Tutorial: "t"}, tutorial, Request{Check: "x", ID: id(1)}); !errors.Is(err, ErrTakenID) {
		t.Errorf("the ID for another student: %v", err)
	}
}

func TestSecondClickJoinsTheFirst(t *testing.T) {
	b := mustBed(t)
	remove := b.faults.Add(simulated.Fault{Call: simulated.Exec, Hang: true})
	if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: id(1)}); err != nil {
		t.Fatal(err)
	}
	a, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: id(2)})
	if err != nil || a.ID != id(1) {
		t.Errorf("while one runs: %+v, %v", a, err)
	}
	remove()
}

// watched tells which attempts are looked for.
type watched struct {
	*store.Store
	asked chan string
}

func (w watched) Attempt(ctx context.Context, id string) (store.Attempt, error) {
	select {
	case w.asked <- id:
	default:
	}
	return w.Store.Attempt(ctx, id)
}

func TestPressedAgainAtTheEndIsAnotherAttempt(t *testing.T) {
	b := mustBed(t)
	asked := make(chan string, 100)
	again := make(chan store.Attempt, 1)
	b.cfg.Store = watched{b.store, asked}
	b.cfg.Changed = func(a store.Attempt) {
		if a.ID != id(1) || a.State != store.Done {
			return
		}
		// A page that has just been told presses again, and finds the slot taken.
		for len(asked) > 0 {
			<-asked
		}
		go func() {
			a, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: id(2)})
			if err != nil {
				t.Error(err)
			}
			again <- a
		}()
		for <-asked != id(1) {
		}
	}
	if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: id(1)}); err != nil {
		t.Fatal(err)
	}
	if a := <-again; a.ID != id(2) {
		t.Errorf("got attempt %s", a.ID)
	}
}

func TestRefusals(t *testing.T) {
	b := mustBed(t)
	for _, bad := range []string{"", "1", "../etc", strings.Repeat("a", 36), id(1) + "\n", strings.ToUpper("abcdefab-0000-4000-8000-000000000001")} {
		if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: bad}); !errors.Is(err, ErrBadID) {
			t.Errorf("ID %q: %v", bad, err)
		}
	}
	if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "z", ID: id(1)}); !errors.Is(err, ErrNoCheck) {
		t.Errorf("unknown check: %v", err)
	}
	b.guest.off = true
	if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: id(1)}); !errors.Is(err, guests.ErrNoGuest) {
		t.Errorf("no guest: %v", err)
	}
	if _, err := b.store.Attempt(t.Context(), id(1)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a refused attempt was stored (%v)", err)
	}
}

func TestFaultsAreNeverTheStudents(t *testing.T) {
	for name, fault := range map[string]simulated.Fault{
		"no way in":              {Call: simulated.Dial, Err: errors.New("no line")},
		"wrong host key":         {Call: simulated.Dial, WrongHostKey: true},
		"connection breaks":      {Call: simulated.Dial, CutAfter: 1000},
		"guest dies in between":  {Call: simulated.Exec, Dies: true},
		"script never ends":      {Call: simulated.Exec, Hang: true},
		"script prints for ever": {Call: simulated.Exec, Endless: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := mustBed(t)
			b.faults.Add(fault)
			a := b.submit(t, "y", 1)
			if a.Verdict != "unsure" || a.Score != 0 || a.Message == "" {
				t.Errorf("got %s, score %v: %s", a.Verdict, a.Score, a.Message)
			}
		})
	}
}

func TestBrokenWayIsTakenOnceMore(t *testing.T) {
	// Somewhere in logging in, in the check, or behind it.
	for bytes := int64(200); bytes < 4000; bytes += 400 {
		b := mustBed(t)
		b.faults.Add(simulated.Fault{Call: simulated.Dial, Times: 1, CutAfter: bytes})
		if a := b.submit(t, "x", 1); a.Verdict != "pass" {
			t.Errorf("cut after %d bytes: %s: %s", bytes, a.Verdict, a.Message)
		}
	}
}

func TestRestartRunsWhatWasLeft(t *testing.T) {
	b := mustBed(t)
	remove := b.faults.Add(simulated.Fault{Call: simulated.Exec, Hang: true})
	if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: id(1)}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	if a, err := b.store.Attempt(t.Context(), id(1)); err != nil || a.State != store.Running {
		t.Fatalf("after the crash: %+v, %v", a, err)
	}
	remove()
	b.Grader = b.grader()
	err := b.Recover(t.Context(), func(store.Owner) *content.Tutorial { return tutorial })
	if err != nil {
		t.Fatal(err)
	}
	if a := b.done(t, id(1)); a.Verdict != "pass" {
		t.Errorf("after the restart: %+v", a)
	}
}

func TestRestartCannotTellWhereTheGuestIsAnother(t *testing.T) {
	for name, change := range map[string]func(*bed) *content.Tutorial{
		"guest replaced":  func(b *bed) *content.Tutorial { b.guest.id = "g-2"; return tutorial },
		"guest off":       func(b *bed) *content.Tutorial { b.guest.off = true; return tutorial },
		"check withdrawn": func(*bed) *content.Tutorial { return &content.Tutorial{} },
		"course gone":     func(*bed) *content.Tutorial { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := mustBed(t)
			b.faults.Add(simulated.Fault{Call: simulated.Exec, Times: 1, Hang: true})
			if _, err := b.Submit(t.Context(), ann, tutorial, Request{Check: "x", ID: id(1)}); err != nil {
				t.Fatal(err)
			}
			b.Close()
			left := change(b)
			b.Grader = b.grader()
			if err := b.Recover(t.Context(), func(store.Owner) *content.Tutorial { return left }); err != nil {
				t.Fatal(err)
			}
			if a := b.done(t, id(1)); a.Verdict != "unsure" || a.Message == "" {
				t.Errorf("got %s: %s", a.Verdict, a.Message)
			}
		})
	}
}
