package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Main(m, func(database string) error {
		s, err := store.Open(database)
		if err != nil {
			return err
		}
		return s.Close()
	})
}

func mustOpen(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// all are the rows of a database, each with its table before it, in order.
func all(t *testing.T, s *store.Store) []string {
	t.Helper()
	var rows []string
	_, err := s.Dump(t.Context(), func(table string, object []byte) error {
		// A truth is 1 in SQLite, and true in PostgreSQL.
		rows = append(rows, table+" "+strings.NewReplacer(":true", ":1", ":false", ":0").Replace(string(object)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(rows)
	return rows
}

func TestBackupUnderLoadAndRestoreIntoTheOtherKind(t *testing.T) {
	for from, make := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		t.Run("from "+from, func(t *testing.T) {
			database, other := make(t), storetest.Empty
			if from == "postgres" {
				other = storetest.SQLite
			}
			s := mustOpen(t, database)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "node-key"), []byte("KEY"), 0o600); err != nil {
				t.Fatal(err)
			}
			before := fill(t, s)
			writers := 4
			if from == "sqlite" {
				writers = 1 // several that never pause may shut one out for longer than it waits
			}
			stop := write(t, s, writers)
			var file bytes.Buffer
			if _, err := Write(t.Context(), s, dir, "test", &file); err != nil {
				t.Fatal(err)
			}
			stop()

			to, again := other(t), t.TempDir()
			if _, err := Restore(t.Context(), bytes.NewReader(file.Bytes()), to, again); err != nil {
				t.Fatal(err)
			}
			got := mustOpen(t, to)
			for _, id := range before {
				if a, err := got.Attempt(t.Context(), id); err != nil || a.State != store.Done || a.Score != 0.7 {
					t.Errorf("of an attempt that was stored before, the backup has %+v, %v", a, err)
				}
			}
			consistent(t, got)
			key, err := os.ReadFile(filepath.Join(again, "node-key"))
			if info, _ := os.Stat(filepath.Join(again, "node-key")); err != nil || string(key) != "KEY" || info.Mode().Perm() != 0o600 {
				t.Errorf("the key of nodes is %q, %v", key, err)
			}
			// Nobody gets the number of a person who was erased before.
			u := store.User{Login: "new"}
			if err := got.AddUser(t.Context(), &u); err != nil || u.ID <= 3 {
				t.Errorf("a new person has the number %d, %v", u.ID, err)
			}
			if _, err := Restore(t.Context(), bytes.NewReader(file.Bytes()), to, again); !errors.Is(err, store.ErrNotEmpty) {
				t.Errorf("a second time: %v, want ErrNotEmpty", err)
			}
		})
	}
}

// There and back nothing has changed.
func TestBothKindsHoldTheSame(t *testing.T) {
	first := mustOpen(t, storetest.SQLite(t))
	fill(t, first)
	want := all(t, first)
	for i, database := range []string{storetest.Empty(t), storetest.SQLite(t)} {
		var file bytes.Buffer
		if _, err := Write(t.Context(), first, t.TempDir(), "test", &file); err != nil {
			t.Fatal(err)
		}
		if _, err := Restore(t.Context(), bytes.NewReader(file.Bytes()), database, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		first = mustOpen(t, database)
		got := all(t, first)
		if len(got) != len(want) {
			t.Errorf("%d: %d rows of %d", i, len(got), len(want))
		}
		for j := range min(len(got), len(want)) {
			if got[j] != want[j] {
				t.Errorf("%d: a row is\n%s\nwant\n%s", i, got[j], want[j])
			}
		}
	}
}

func TestDamagedBackupTouchesNothing(t *testing.T) {
	s := mustOpen(t, storetest.SQLite(t))
	fill(t, s)
	var file bytes.Buffer
	if _, err := Write(t.Context(), s, t.TempDir(), "test", &file); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	for name, damaged := range map[string][]byte{"cut off": whole[:len(whole)/2], "one bit": flipped, "empty": nil, "something else": []byte("hello")} {
		database := storetest.SQLite(t)
		if _, err := Restore(t.Context(), bytes.NewReader(damaged), database, t.TempDir()); err == nil {
			t.Errorf("%s: it was taken", name)
		}
		if _, err := os.Stat(database); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: yet there is a database (%v)", name, err)
		}
	}
}

// fill stores something of every kind, and returns attempts that have ended.
func fill(t *testing.T, s *store.Store) (attempts []string) {
	t.Helper()
	ctx, platform := t.Context(), uint(1)
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	must(s.AddPlatform(ctx, &store.Platform{Name: "P", Issuer: "https://p.test", ClientID: "c", Deployments: []string{"1"}, State: store.PlatformActive}))
	var context, user uint
	for _, subject := range []string{"ann", "bob", "gone"} {
		l, err := s.TakeLaunch(ctx, store.Launch{User: store.User{PlatformID: &platform, Subject: &subject, Name: "Größe \"" + subject + "\"\n"},
			Context:    &store.Context{PlatformID: platform, LTIID: "2"},
			Membership: store.Membership{Learner: true}, Link: &store.ResourceLink{LTIID: "3", Course: "c", Tutorial: "t"}})
		must(err)
		context, user = l.Context.ID, l.User.ID
	}
	must(s.Erase(ctx, user))
	for i := range 300 {
		a := store.Attempt{ID: fmt.Sprint("before-", i), UserID: 1, ContextID: context, Course: "c", Tutorial: "t", Check: "x",
			Verdict: "pass", Score: 0.7, Stdout: strings.Repeat("output\t", 100)}
		_, _, err := s.AddAttempt(ctx, a)
		must(err)
		attempts = append(attempts, a.ID)
	}
	secret, err := s.Secret(ctx, "key", 32)
	g, half := store.Guest{ID: "g", Mode: store.Assigned, Prepared: true, CreatedAt: time.Now().UTC().Truncate(time.Microsecond)}, 0.5
	g.SetOwner(store.Owner{UserID: 1, Context: context, Course: "c", Tutorial: "t"})
	must(err, s.Remember(ctx, "copy", secret), s.AddGuest(ctx, g), store.Sessions{Store: s}.Commit("token", []byte{0, 1, 255}, time.Now().Add(time.Hour).Truncate(time.Microsecond)),
		s.SetGradeSettings(ctx, store.GradeSettings{ContextID: context, Course: "c", Tutorial: "t", Penalty: &half}),
		s.Decide(ctx, []store.Override{{ContextID: context, UserID: 1, Course: "c", Tutorial: "t", Points: &half}},
			[]store.Allowance{{ContextID: context, UserID: 1, Course: "c", Tutorial: "t", Extra: time.Hour}}))
	return attempts
}

// write begins to store attempts, and returns what ends that.
func write(t *testing.T, s *store.Store, n int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	began := make(chan struct{}, n)
	for w := range n {
		writers.Go(func() {
			begin := sync.OnceFunc(func() { began <- struct{}{} })
			defer begin()
			for i := 0; ctx.Err() == nil; i++ {
				a := store.Attempt{ID: fmt.Sprint("during-", w, "-", i), UserID: 2, ContextID: 1, Course: "c", Tutorial: "t", Check: "x", Verdict: "pass", Score: 1}
				if _, _, err := s.AddAttempt(context.Background(), a); err != nil {
					t.Error(err)
					return
				}
				begin()
			}
		})
	}
	for range n {
		<-began
	}
	return func() { cancel(); writers.Wait() }
}

// consistent compares two tables that each transaction has changed together:
// the outbox counts ends of attempts.
func consistent(t *testing.T, s *store.Store) {
	t.Helper()
	attempts := map[uint]int64{}
	if err := s.EachAttempt(t.Context(), store.Owner{Context: 1}, func(a store.Attempt) error { attempts[a.UserID]++; return nil }); err != nil {
		t.Fatal(err)
	}
	grades, err := s.OutboxOf(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[uint]int64{}
	for _, g := range grades {
		versions[g.UserID] = g.Version
	}
	// Settings and decisions have changed the first one's three times more.
	attempts[1] += 3
	if !maps.Equal(attempts, versions) || attempts[2] == 0 {
		t.Errorf("by attempts the outbox has the versions %v, and has %v", attempts, versions)
	}
}
