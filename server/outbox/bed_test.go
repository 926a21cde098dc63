package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// bed is an outbox over a real store, a platform, and students of one context.
type bed struct {
	*Outbox
	t        testing.TB
	store    *store.Store
	lms      *book
	context  uint
	link     store.ResourceLink
	users    map[string]uint
	platform lti.Platform
	off      error // of Config.Platform
	run      func() (stop func())

	mu     sync.Mutex
	grades map[uint]progress.Grade
	told   int
}

const itemURL = "https://lms.test/items"

// inBed runs a test in a bubble of its own time, with an outbox that runs.
func inBed(t *testing.T, students int, test func(*bed)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := mustBed(t, students)
		stop := b.run()
		test(b)
		stop()
		if err := b.store.Close(); err != nil {
			t.Error(err)
		}
	})
}

func mustBed(t testing.TB, students int) *bed {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "labmark.db"))
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, store: db, users: map[string]uint{}, grades: map[uint]progress.Grade{},
		lms: &book{shown: map[string]lti.Result{}, calls: map[string]int{}}}
	p := store.Platform{Name: "LMS", Issuer: "https://lms.test", ClientID: "c", State: store.PlatformActive}
	if err := db.AddPlatform(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	b.platform = lti.Platform{ID: p.ID, Issuer: p.Issuer, ClientID: p.ClientID}
	b.launch(p.ID, students, store.Context{LineItems: itemURL})
	if err := db.SetLineItem(t.Context(), b.link.ID, itemURL+"/0", 0); err != nil {
		t.Fatal(err)
	}
	b.lms.items = []lti.LineItem{{URL: itemURL + "/0", ResourceLinkID: b.link.LTIID}}
	cfg := Config{Store: db, Client: b.lms, Grade: b.grade, Log: slog.New(slog.DiscardHandler),
		Platform: func(context.Context, uint) (lti.Platform, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.platform, b.off
		},
		Changed: func(uint, uint) { b.mu.Lock(); b.told++; b.mu.Unlock() }}
	b.run = func() func() {
		b.Outbox = New(cfg)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { b.Run(ctx); close(done) }()
		return func() { cancel(); <-done }
	}
	return b
}

// launch brings students s1, s2, … to the bed's link.
func (b *bed) launch(platform uint, students int, place store.Context) {
	b.t.Helper()
	place.PlatformID, place.LTIID = platform, "2"
	for n := 1; n <= students; n++ {
		sub := fmt.Sprintf("s%d", n)
		here := place
		l, err := b.store.TakeLaunch(b.t.Context(), store.Launch{User: store.User{PlatformID: &platform, Subject: &sub}, Context: &here,
			Membership: store.Membership{Learner: true}, Link: &store.ResourceLink{LTIID: "7", Title: "Users", Course: "c", Tutorial: "t"}})
		if err != nil {
			b.t.Fatal(err)
		}
		b.users[sub], b.context, b.link = l.User.ID, l.Context.ID, *l.Link
	}
}

func (b *bed) grade(_ context.Context, _ store.ResourceLink, user uint) (progress.Grade, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g, ok := b.grades[user]
	if !ok {
		return g, store.ErrNotFound
	}
	return g, nil
}

// mark gives a student points out of ten.
func (b *bed) mark(user string, points float64) {
	b.t.Helper()
	b.change(user, progress.Grade{Given: points, Maximum: 10, Comment: fmt.Sprintf("%g of 10", points), Progress: progress.InProgress, At: time.Now()})
}

// change gives a student a grade, by an attempt.
func (b *bed) change(user string, g progress.Grade) {
	b.t.Helper()
	b.mu.Lock()
	b.grades[b.users[user]] = g
	b.mu.Unlock()
	b.attempt(user)
	b.Kick()
}

var attempts int

func (b *bed) attempt(user string) {
	b.t.Helper()
	attempts++
	now := time.Now()
	a := store.Attempt{ID: fmt.Sprint("attempt-", attempts), UserID: b.users[user], ContextID: b.context, Course: "c", Tutorial: "t", Check: "x"}
	_, _, err := b.store.BeginAttempt(b.t.Context(), a)
	if err == nil {
		a.Verdict, a.EndedAt = "pass", &now
		err = b.store.FinishAttempt(b.t.Context(), a)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) row(user string) store.OutboxGrade {
	b.t.Helper()
	g, err := b.store.OutboxGrade(b.t.Context(), b.link.ID, b.users[user])
	if err != nil || g == nil {
		b.t.Fatalf("%s in the outbox: %v, %v", user, g, err)
	}
	return *g
}

// becomes waits, in the bubble's time, until a student's grade has a state.
func (b *bed) becomes(user, state string, within time.Duration) store.OutboxGrade {
	b.t.Helper()
	for end := time.Now().Add(within); ; time.Sleep(max(within/100, 50*time.Millisecond)) {
		g := b.row(user)
		if g.State == state {
			return g
		}
		if time.Now().After(end) {
			b.t.Fatalf("after %v the grade of %s is %s (%s, %s), want %s", within, user, g.State, g.Why, g.LastError, state)
		}
	}
}

// shows checks what stands in the platform's gradebook, out of ten.
func (b *bed) shows(user string, want float64) {
	b.t.Helper()
	b.lms.mu.Lock()
	defer b.lms.mu.Unlock()
	link, err := b.store.Link(b.t.Context(), b.link.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	r := b.lms.shown[link.LineItem+" "+user]
	if r.Score == nil || *r.Score != want*10 {
		b.t.Errorf("the platform shows %+v for %s, want %v of 10", r, user, want)
	}
}

// switchOff lets Config.Platform say no, or yes again.
func (b *bed) switchOff(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.off = err
}

var errDown = errors.New("connection refused")

// changes is how often Config.Changed was called.
func (b *bed) changes() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.told
}
