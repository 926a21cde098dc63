package store

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/labmark/labmark/server/store/storetest"
)

func TestEraseLeavesNothing(t *testing.T) { storetest.Each(t, testEraseLeavesNothing) }

func testEraseLeavesNothing(t *testing.T, database string) {
	s := mustOpen(t, database)
	platform, subject := uint(1), "subject-of-ann"
	launch := Launch{User: User{PlatformID: &platform, Subject: &subject, Name: "Ann Unmistakable", Email: "ann@unmistakable.example"},
		Context:    &Context{PlatformID: 1, Deployment: "1", LTIID: "7", Title: "Linux"},
		Membership: Membership{Learner: true}, Link: &ResourceLink{LTIID: "x", Course: "c", Tutorial: "t"}}
	launch, err := s.TakeLaunch(t.Context(), launch)
	if err != nil {
		t.Fatal(err)
	}
	ann, bob := launch.User.ID, mustUser(t, s, "bob").ID
	o := Owner{UserID: ann, Context: launch.Context.ID, Course: "c", Tutorial: "t"}
	secret := "what only ann's machine has printed, " + strings.Repeat("long ", 2000)
	mustAttempt(t, s, Attempt{ID: "anns", UserID: ann, ContextID: o.Context, Course: "c", Tutorial: "t", Check: "x", Verdict: "pass", Score: 1, Stdout: secret})
	mustAttempt(t, s, Attempt{ID: "bobs", UserID: bob, Course: "c", Tutorial: "t", Check: "x", Verdict: "pass", Score: 1})
	if err := s.OpenHint(t.Context(), o, "h"); err != nil {
		t.Fatal(err)
	}
	one := 1.0
	decision := Override{ContextID: o.Context, UserID: ann, Course: "c", Tutorial: "t", Points: &one, Reason: "unmistakable reason"}
	bobs := decision
	bobs.UserID, bobs.By = bob, ann
	if err := s.Decide(t.Context(), []Override{decision, bobs}, []Allowance{{ContextID: o.Context, UserID: ann, Course: "c", Tutorial: "t"}}); err != nil {
		t.Fatal(err)
	}
	g := Guest{ID: "anns-guest", Mode: Assigned}
	g.SetOwner(o)
	if err := s.AddGuest(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	p, err := s.Person(t.Context(), ann)
	if err != nil || len(p.Attempts) != 1 || len(p.Hints) != 1 || len(p.Overrides) != 1 || len(p.Allowances) != 1 || len(p.Guests) != 1 || len(p.Contexts) != 1 {
		t.Fatalf("before: %+v, %v", p, err)
	}

	if err := s.Erase(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Person(t.Context(), ann); !errors.Is(err, ErrNotFound) {
		t.Errorf("afterwards: %v", err)
	}
	if err := s.Erase(t.Context(), ann); !errors.Is(err, ErrNotFound) {
		t.Errorf("erased twice: %v", err)
	}
	w, err := s.Work(t.Context(), Owner{UserID: ann, Context: o.Context})
	if err != nil || len(w.Attempts)+len(w.Hints)+len(w.Allowances)+len(w.Overrides) != 0 {
		t.Errorf("work that is left: %+v, %v", w, err)
	}
	guests, err := s.Guests(t.Context())
	if err != nil || len(guests) != 1 || guests[0].Mode != Retiring || guests[0].UserID != nil {
		t.Errorf("guests %+v, %v", guests, err)
	}
	p, err = s.Person(t.Context(), bob)
	if err != nil || len(p.Attempts) != 1 || len(p.Overrides) != 1 || p.Overrides[0].By != ann {
		t.Errorf("bob's: %+v, %v", p, err)
	}
	// Nobody else ever gets the number, nor what is signed in under it.
	if carl := mustUser(t, s, "carl").ID; carl == ann {
		t.Error("a user's number was given twice")
	}
	if isPostgres(database) {
		return // its files are not ours to look into
	}
	// The file itself has forgotten.
	s.Close()
	for _, file := range []string{database, database + "-wal"} {
		text, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, trace := range []string{"nmistakable", "what only ann's", "subject-of-ann"} {
			// The reason of the decision about bob is bob's.
			if bytes.Count(text, []byte(trace)) > strings.Count(bobs.Reason, trace) {
				t.Errorf("%s still says %q", file, trace)
			}
		}
	}
}
