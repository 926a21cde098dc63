package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store/storetest"
)

// mustAttempt stores a done attempt.
func mustAttempt(t *testing.T, s *Store, a Attempt) Attempt {
	t.Helper()
	if _, _, err := s.BeginAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	a.EndedAt = &now
	if err := s.FinishAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestWorkIsThatOfItsOwner(t *testing.T) { storetest.Each(t, testWorkIsThatOfItsOwner) }

func testWorkIsThatOfItsOwner(t *testing.T, database string) {
	s := mustOpen(t, database)
	ann, bob := mustUser(t, s, "ann").ID, mustUser(t, s, "bob").ID
	n := 0
	attempt := func(user, lms uint, tutorial string) {
		n++
		mustAttempt(t, s, Attempt{ID: fmt.Sprint(n), UserID: user, ContextID: lms, Course: "c", Tutorial: tutorial,
			Check: "x", Verdict: "pass", Score: 1, Message: "Done.", Stdout: "long", Vars: "{}"})
	}
	attempt(ann, 0, "t")
	attempt(ann, 0, "u")
	attempt(ann, 7, "t")
	attempt(bob, 7, "t")
	if _, _, err := s.BeginAttempt(t.Context(), Attempt{ID: "runs", UserID: ann, Course: "c", Tutorial: "t", Check: "x"}); err != nil {
		t.Fatal(err)
	}
	for _, lms := range []uint{0, 7} {
		if err := s.OpenHint(t.Context(), Owner{ann, lms, "c", "t"}, "h"); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		of   Owner
		want string
	}{
		{Owner{UserID: ann}, "1 2"},
		{Owner{UserID: ann, Course: "c", Tutorial: "u"}, "2"},
		{Owner{UserID: ann, Context: 7}, "3"},
		{Owner{Context: 7, Course: "c", Tutorial: "t"}, "3 4"},
		{Owner{UserID: bob}, ""},
	} {
		w, err := s.Work(t.Context(), tt.of)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, a := range w.Attempts {
			if a.Stdout != "" || a.Vars != "" {
				t.Errorf("%+v brings output along", tt.of)
			}
			if a.Check != "x" || a.Score != 1 || a.Verdict != "pass" || a.State != Done || a.StartedAt.IsZero() {
				t.Errorf("%+v lacks what points are made of: %+v", tt.of, a)
			}
			if got != "" {
				got += " "
			}
			got += a.ID
		}
		if got != tt.want {
			t.Errorf("%+v got attempts %q, want %q", tt.of, got, tt.want)
		}
		if want := map[bool]int{true: 1}[tt.of.UserID != bob && tt.of.Tutorial != "u"]; len(w.Hints) != want {
			t.Errorf("%+v got hints %v", tt.of, w.Hints)
		}
	}
}

func TestDecisionsAreKeptAllOrNone(t *testing.T) { storetest.Each(t, testDecisionsAreKeptAllOrNone) }

func testDecisionsAreKeptAllOrNone(t *testing.T, database string) {
	s := mustOpen(t, database)
	ann := mustUser(t, s, "ann").ID
	seven, worse := 7.0, -1.0
	override := func(p *float64) Override {
		return Override{ContextID: 1, UserID: ann, Course: "c", Tutorial: "t", Points: p, Reason: "why", By: 9}
	}
	allowed := Allowance{ContextID: 1, UserID: ann, Course: "c", Tutorial: "t", Extra: time.Hour, Reason: "ill"}
	if err := s.Decide(t.Context(), []Override{override(&seven), override(&worse)}, []Allowance{allowed}); err == nil {
		t.Error("less than no points were taken")
	}
	w, err := s.Work(t.Context(), Owner{Context: 1})
	if err != nil || len(w.Overrides) != 0 || len(w.Allowances) != 0 {
		t.Fatalf("refused, yet something is kept: %+v, %v", w, err)
	}
	if err := s.Decide(t.Context(), []Override{override(&seven), override(nil)}, []Allowance{allowed}); err != nil {
		t.Fatal(err)
	}
	allowed.Excused = true
	if err := s.Decide(t.Context(), nil, []Allowance{allowed}); err != nil {
		t.Fatal(err)
	}
	w, err = s.Work(t.Context(), Owner{UserID: ann, Context: 1})
	if err != nil || len(w.Overrides) != 2 || len(w.Allowances) != 1 {
		t.Fatalf("kept %+v, %v", w, err)
	}
	first, last := w.Overrides[0], w.Overrides[1]
	if first.Points == nil || *first.Points != 7 || first.By != 9 || first.At.IsZero() || last.Points != nil {
		t.Errorf("overrides are %+v, then %+v", first, last)
	}
	if a := w.Allowances[0]; !a.Excused || a.Extra != time.Hour {
		t.Errorf("the allowance is %+v", a)
	}
}

func TestGradeSettings(t *testing.T) { storetest.Each(t, testGradeSettings) }

func testGradeSettings(t *testing.T, database string) {
	s := mustOpen(t, database)
	due := time.Date(2026, 12, 1, 9, 0, 0, 0, time.FixedZone("", 3600))
	before, tenth, two := due.Add(-time.Second), 0.1, 2.0
	g := GradeSettings{ContextID: 3, Course: "c", Tutorial: "t"}
	for name, bad := range map[string]GradeSettings{
		"keep":    {Keep: "last"},
		"penalty": {Penalty: &two},
		"until":   {Due: &due, Until: &before},
	} {
		bad.ContextID, bad.Course, bad.Tutorial = 3, "c", "t"
		if err := s.SetGradeSettings(t.Context(), bad); err == nil {
			t.Errorf("%s: nonsense was taken", name)
		}
	}
	for _, keep := range []string{"best", "first"} {
		g.Keep, g.Due, g.Penalty = keep, &due, &tenth
		if err := s.SetGradeSettings(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.GradeSettings(t.Context(), 3)
	if err != nil || len(got) != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if g := got[0]; g.Keep != "first" || !g.Due.Equal(due) || g.Until != nil || *g.Penalty != 0.1 || g.Weight != nil {
		t.Errorf("got %+v", g)
	}
}
