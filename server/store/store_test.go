package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Main(m, func(database string) error {
		s, err := Open(database)
		if err != nil {
			return err
		}
		return s.Close()
	})
}

func mustOpen(t *testing.T, database string) *Store {
	t.Helper()
	s, err := Open(database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func mustUser(t *testing.T, s *Store, login string) User {
	t.Helper()
	u := User{Login: login, Name: login, PasswordHash: "x"}
	if err := s.AddUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestUsers(t *testing.T) { storetest.Each(t, testUsers) }

func testUsers(t *testing.T, database string) {
	s := mustOpen(t, database)
	ann := mustUser(t, s, "ann")
	if err := s.AddUser(t.Context(), &User{Login: "ann"}); !errors.Is(err, ErrExists) {
		t.Errorf("a login that is taken: got %v, want ErrExists", err)
	}
	if _, err := s.UserByLogin(t.Context(), "bob"); !errors.Is(err, ErrNotFound) {
		t.Errorf("unknown login: got %v, want ErrNotFound", err)
	}
	if err := s.SetPassword(t.Context(), "bob", "y"); !errors.Is(err, ErrNotFound) {
		t.Errorf("password for nobody: got %v, want ErrNotFound", err)
	}
	// What was stored is there after a restart.
	s.Close()
	again, err := Open(database)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if u, err := again.User(t.Context(), ann.ID); err != nil || u.Login != "ann" {
		t.Errorf("after a restart: %+v, %v", u, err)
	}
}

func TestSecretStaysTheSame(t *testing.T) { storetest.Each(t, testSecretStaysTheSame) }

func testSecretStaysTheSame(t *testing.T, database string) {
	s := mustOpen(t, database)
	var wg sync.WaitGroup
	got := make([]string, 8)
	for i := range got {
		wg.Go(func() {
			b, err := s.Secret(context.Background(), "seed", 32)
			if err != nil {
				t.Error(err)
			}
			got[i] = string(b)
		})
	}
	wg.Wait()
	for _, g := range got {
		if len(g) != 32 || g != got[0] {
			t.Fatalf("asked at the same moment, the secret differs: %x, %x", got[0], g)
		}
	}
}

func TestSessions(t *testing.T) { storetest.Each(t, testSessions) }

func testSessions(t *testing.T, database string) {
	s := mustOpen(t, database)
	ses := Sessions{s}
	for _, data := range []string{"first", "second"} {
		if err := ses.Commit("token", []byte(data), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if b, ok, err := ses.Find("token"); string(b) != data || !ok || err != nil {
			t.Errorf("got %q, %v, %v; want %q", b, ok, err, data)
		}
	}
	if err := ses.Commit("old", nil, time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := ses.Find("old"); ok || err != nil {
		t.Errorf("a session whose time is over was found (%v)", err)
	}
	if err := ses.Delete("token"); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := ses.Find("token"); ok {
		t.Error("a deleted session was found")
	}
}

func TestOneGuestForEachOwner(t *testing.T) { storetest.Each(t, testOneGuestForEachOwner) }

func testOneGuestForEachOwner(t *testing.T, database string) {
	s := mustOpen(t, database)
	o := Owner{UserID: 1, Course: "c", Tutorial: "t"}
	add := func(id string, m Mode, owner *Owner) error {
		g := Guest{ID: id, Mode: m}
		if owner != nil {
			g.SetOwner(*owner)
			g.Name = "web"
		}
		return s.AddGuest(t.Context(), g)
	}
	for _, id := range []string{"free-1", "free-2"} {
		if err := add(id, Free, nil); err != nil {
			t.Fatalf("guests without owner must not collide: %v", err)
		}
	}
	if err := add("own", Assigned, &o); err != nil {
		t.Fatal(err)
	}
	if err := add("second", Preparing, &o); !errors.Is(err, ErrExists) {
		t.Errorf("a second guest for one owner: got %v, want ErrExists", err)
	}
	if err := s.AssignGuest(t.Context(), "free-1", "", o, "web"); !errors.Is(err, ErrExists) {
		t.Errorf("assigning a second guest: got %v, want ErrExists", err)
	}
	if err := s.AssignGuest(t.Context(), "free-1", "own", o, "web"); err != nil {
		t.Errorf("swapping guests: %v", err)
	}
	if err := s.AssignGuest(t.Context(), "free-1", "", Owner{UserID: 2}, "web"); !errors.Is(err, ErrNotFound) {
		t.Errorf("assigning what is assigned: got %v, want ErrNotFound", err)
	}
	modes := map[string]Mode{}
	guests, err := s.Guests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range guests {
		modes[g.ID] = g.Mode
		if owner, owned := g.Owner(); owned != (g.ID == "free-1") || owned && owner != o {
			t.Errorf("%s belongs to %+v (%v)", g.ID, owner, owned)
		}
	}
	want := map[string]Mode{"free-1": Assigned, "free-2": Free, "own": Retiring}
	if fmt.Sprint(modes) != fmt.Sprint(want) {
		t.Errorf("modes are %v, want %v", modes, want)
	}
}

func TestAttemptsAreNeitherLostNorDoubled(t *testing.T) {
	storetest.Each(t, testAttemptsAreNeitherLostNorDoubled)
}

func testAttemptsAreNeitherLostNorDoubled(t *testing.T, database string) {
	s := mustOpen(t, database)
	o := Owner{UserID: mustUser(t, s, "ann").ID, Course: "c", Tutorial: "t"}
	a := Attempt{ID: "one", UserID: o.UserID, Course: o.Course, Tutorial: o.Tutorial, Check: "x", Points: 2}

	var wg sync.WaitGroup
	var mu sync.Mutex
	began := 0
	for range 8 {
		wg.Go(func() {
			_, fresh, err := s.BeginAttempt(context.Background(), a)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if fresh {
				began++
			}
		})
	}
	wg.Wait()
	if began != 1 {
		t.Fatalf("one attempt sent 8 times began %d times", began)
	}
	running, err := s.RunningAttempts(t.Context(), &o)
	if err != nil || len(running) != 1 {
		t.Fatalf("running: %v, %v", running, err)
	}
	zero, now := 0, time.Now()
	done := running[0]
	done.Verdict, done.Score, done.ExitStatus, done.EndedAt, done.Stdout = "pass", 1, &zero, &now, "seen"
	if err := s.FinishAttempt(t.Context(), done); err != nil {
		t.Fatal(err)
	}
	done.Verdict, done.Score = "fail", 0
	if err := s.FinishAttempt(t.Context(), done); !errors.Is(err, ErrNotFound) {
		t.Errorf("finishing twice: got %v, want ErrNotFound", err)
	}
	kept, err := s.Attempt(t.Context(), "one")
	if err != nil || kept.Verdict != "pass" || kept.Stdout != "seen" || kept.ExitStatus == nil || kept.Points != 2 {
		t.Errorf("kept %+v, %v", kept, err)
	}
}
