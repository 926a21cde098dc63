package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store/storetest"
)

// crowd runs f n times at the same moment and returns what it says.
func crowd[T any](n int, f func(i int) T) []T {
	var all sync.WaitGroup
	out, begin := make([]T, n), make(chan struct{})
	for i := range n {
		all.Go(func() { <-begin; out[i] = f(i) })
	}
	close(begin)
	all.Wait()
	return out
}

func TestPoolGivesNoGuestTwice(t *testing.T) { storetest.Each(t, testPoolGivesNoGuestTwice) }

func testPoolGivesNoGuestTwice(t *testing.T, database string) {
	s := mustOpen(t, database)
	const students, guests = 50, 20
	for i := range guests {
		if err := s.AddGuest(t.Context(), Guest{ID: fmt.Sprint("guest-", i), Mode: Free}); err != nil {
			t.Fatal(err)
		}
	}
	errs := crowd(students, func(i int) error {
		for g := range guests {
			o := Owner{UserID: uint(i + 1), Course: "c", Tutorial: "t"}
			if err := s.AssignGuest(context.Background(), fmt.Sprint("guest-", g), "", o, "lab"); !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		return ErrNotFound
	})
	without := 0
	for _, err := range errs {
		if errors.Is(err, ErrNotFound) {
			without++
		} else if err != nil {
			t.Error(err)
		}
	}
	rows, err := s.Guests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owners := map[uint]bool{}
	for _, g := range rows {
		o, owned := g.Owner()
		if !owned || g.Mode != Assigned || owners[o.UserID] {
			t.Errorf("guest %s is %s, of %+v", g.ID, g.Mode, o)
		}
		owners[o.UserID] = true
	}
	if len(owners) != guests || without != students-guests {
		t.Errorf("%d students have a guest and %d were told that there is none", len(owners), without)
	}
}

func TestAttemptEndsOnce(t *testing.T) { storetest.Each(t, testAttemptEndsOnce) }

func testAttemptEndsOnce(t *testing.T, database string) {
	k := mustClass(t, database)
	a := Attempt{ID: "one", UserID: k.user["ann"], ContextID: k.context, Course: "c", Tutorial: "t", Check: "x"}
	if _, _, err := k.BeginAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	errs := crowd(20, func(i int) error {
		end := a
		end.Verdict, end.Score = "pass", float64(i)
		return k.FinishAttempt(context.Background(), end)
	})
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("both %d and %d have ended the attempt", winner, i)
		case !errors.Is(err, ErrNotFound):
			t.Error(err)
		}
	}
	if got, err := k.Attempt(t.Context(), "one"); err != nil || got.Score != float64(winner) {
		t.Errorf("%d has ended it, and it says %+v, %v", winner, got, err)
	}
	k.wants("after one end of one attempt", "c/t ann 1 waiting", "c/ ann 1 waiting")
}

func TestNoChangeOfGradesIsLost(t *testing.T) { storetest.Each(t, testNoChangeOfGradesIsLost) }

// Attempts end in both orders of links, while grades are sent and the class is
// launched again and again.
func testNoChangeOfGradesIsLost(t *testing.T, database string) {
	k := mustClass(t, database)
	const n = 30
	platform, tutorials := uint(1), []string{"t", "u"}
	errs := crowd(n, func(i int) error {
		ctx, who := context.Background(), []string{"ann", "bob"}[i%2]
		a := Attempt{ID: fmt.Sprint(i), UserID: k.user[who], ContextID: k.context, Course: "c", Tutorial: tutorials[i/2%2], Check: "x", Verdict: "pass"}
		_, launched := k.TakeLaunch(ctx, Launch{User: User{PlatformID: &platform, Subject: &who},
			Context:    &Context{PlatformID: platform, LTIID: "2", Title: fmt.Sprint("Title ", i)},
			Membership: Membership{Learner: true}, Link: &ResourceLink{LTIID: "0", Course: "c", Tutorial: "t"}})
		_, _, added := k.AddAttempt(ctx, a)
		return errors.Join(launched, added, k.HoldGrades(ctx, platform, time.Now().Add(time.Hour), "down"), k.WakeGrades(ctx, platform, time.Now()))
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"c/ ann": n / 2, "c/ bob": n / 2, "c/t ann": 8, "c/u ann": 7, "c/t bob": 8, "c/u bob": 7}
	all, err := k.OutboxOf(t.Context(), k.context)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		for at, version := range want {
			link, who, _ := strings.Cut(at, " ")
			if k.link[link] == g.LinkID && k.user[who] == g.UserID {
				if g.Version != version {
					t.Errorf("%s has changed %d times, of %d", at, g.Version, version)
				}
				delete(want, at)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("the outbox lacks %v", want)
	}
}

func TestFirstLaunchesAtTheSameMoment(t *testing.T) {
	storetest.Each(t, testFirstLaunchesAtTheSameMoment)
}

func testFirstLaunchesAtTheSameMoment(t *testing.T, database string) {
	s := mustOpen(t, database)
	platform := uint(1)
	got := crowd(30, func(i int) string {
		subject := fmt.Sprint("student ", i%3) // each in ten tabs
		l, err := s.TakeLaunch(context.Background(), Launch{User: User{PlatformID: &platform, Subject: &subject, Name: "N"},
			Context:    &Context{PlatformID: platform, Deployment: "1", LTIID: "2", Title: "Linux"},
			Membership: Membership{Learner: true}, Link: &ResourceLink{LTIID: "x", Course: "c", Tutorial: "t"}})
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(l.Context.ID, " ", l.Link.ID, " ", *l.User.Subject, " is ", l.User.ID)
	})
	seen := map[string]bool{}
	for _, g := range got {
		seen[g] = true
	}
	if len(seen) != 3 {
		t.Errorf("one course and three students became %v", seen)
	}
}

func TestOnceIsOnce(t *testing.T) { storetest.Each(t, testOnceIsOnce) }

func testOnceIsOnce(t *testing.T, database string) {
	s := mustOpen(t, database)
	first := 0
	for _, ok := range crowd(50, func(int) bool {
		ok, err := s.Once(context.Background(), "nonce", time.Now().Add(time.Hour))
		return ok && err == nil
	}) {
		if ok {
			first++
		}
	}
	if first != 1 {
		t.Errorf("one nonce was the first one %d times", first)
	}
}

func TestToolKeysTakeTurns(t *testing.T) { storetest.Each(t, testToolKeysTakeTurns) }

func testToolKeysTakeTurns(t *testing.T, database string) {
	s := mustOpen(t, database)
	errs := crowd(10, func(i int) error {
		return s.ChangeToolKeys(context.Background(), func(old []ToolKey) ([]ToolKey, error) {
			return append(old, ToolKey{ID: fmt.Sprint(i), PEM: []byte("x"), CreatedAt: time.Now()}), nil
		})
	})
	keys, err := s.ToolKeys(t.Context())
	if err := errors.Join(append(errs, err)...); err != nil || len(keys) != 10 {
		t.Errorf("of 10 keys %d were kept (%v)", len(keys), err)
	}
}

// Two gateways that start on a new database bring the schema up together.
func TestOpenedTogetherWhenNew(t *testing.T) {
	for kind, database := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "db"), "postgres": storetest.Empty(t)} {
		t.Run(kind, func(t *testing.T) {
			errs := crowd(4, func(int) error {
				s, err := Open(database)
				if err != nil {
					return err
				}
				return errors.Join(s.AddUser(context.Background(), &User{Login: fmt.Sprint(time.Now().UnixNano())}), s.Close())
			})
			if err := errors.Join(errs...); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a machine has printed is kept, whatever it is.
func TestOutputThatIsNoText(t *testing.T) {
	s := mustOpen(t, storetest.Postgres(t))
	a := mustAttempt(t, s, Attempt{ID: "one", UserID: 1, Course: "c", Tutorial: "t", Check: "x", Verdict: "pass",
		Stdout: "zero \x00, half a letter \xc3", Message: "Größe"})
	got, err := s.Attempt(t.Context(), a.ID)
	if err != nil || got.Stdout != "zero \uFFFD, half a letter \uFFFD" || got.Message != "Größe" {
		t.Errorf("kept %q, %q, %v", got.Stdout, got.Message, err)
	}
}

func TestPasswordIsNotShown(t *testing.T) {
	for _, name := range []string{"postgres://labmark:SECRET@127.0.0.1:1/x", "postgres:///x?host=/nowhere&password=SECRET", "postgres://a:SECRET@%zz/"} {
		_, err := Open(name)
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
