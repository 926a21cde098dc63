package gradebook

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes/words"
)

func TestClassShowsEverybodyWhoLearns(t *testing.T) {
	c := newClass(t)
	got, err := c.Class(t.Context(), c.context, "linux", "users")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range got.Students {
		names = append(names, s.Called())
	}
	// Dora's name is withheld: what is known of her sorts her first.
	if want := "dora, Ada Ansah, Bob Brown, Chen Liu"; strings.Join(names, ", ") != want {
		t.Errorf("the class is %s, want %s", strings.Join(names, ", "), want)
	}
	points := c.points("users")
	if points[c.ada] != 10 || points[c.bob] != 3 || points[c.chen] != 0 {
		t.Errorf("points %v", points)
	}
	ada := got.Students[1].Standing.Checks["groups"]
	if ada.Attempts != 2 || !ada.Passed || ada.Last == nil || ada.Last.ID != "attempt-003" {
		t.Errorf("Ada's groups: %+v", ada)
	}
	if _, err := c.Class(t.Context(), c.context, "linux", "no-more"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such tutorial: %v", err)
	}
	if other, err := c.Class(t.Context(), c.context+1, "linux", "users"); err != nil || len(other.Students) != 0 {
		t.Errorf("another context shows %d students, %v", len(other.Students), err)
	}
}

func TestWhoHasLeftIsShownWithWhatTheyDid(t *testing.T) {
	c := newClass(t)
	members, err := c.Store.Members(t.Context(), c.context)
	if err != nil {
		t.Fatal(err)
	}
	var left []store.Member
	for _, m := range members {
		if m.User.ID == c.tessa {
			left = append(left, m)
		}
	}
	// Who never stood in a roster can't be missed in one.
	for _, roster := range [][]store.Member{members, left} {
		if _, _, err := c.Store.TakeRoster(t.Context(), c.context, roster, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if p := c.points("users"); len(p) != 2 || p[c.ada] != 10 || p[c.bob] != 3 {
		t.Errorf("once all have left, the class shows %v", p)
	}
}

func TestStudent(t *testing.T) {
	c := newClass(t)
	two, nine := 2.0, 9.0
	override := store.Override{ContextID: c.context, UserID: c.ada, Course: "linux", Tutorial: "users", Reason: "first"}
	first, second := override, override
	first.Points, second.Points, second.Reason = &two, &nine, "second"
	c.decide([]store.Override{first, second}, nil)
	o := store.Owner{UserID: c.ada, Context: c.context, Course: "linux", Tutorial: "users"}
	got, err := c.Student(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if got.Standing.Points != 9 || got.Standing.Earned != 10 || len(got.Overrides) != 2 || got.Overrides[0].Reason != "second" {
		t.Errorf("standing %+v, overrides %+v", got.Standing, got.Overrides)
	}
	var ids []string
	for _, a := range got.Attempts {
		ids = append(ids, a.ID)
		if a.Stdout != "stdout of "+a.ID {
			t.Errorf("evidence of %s: %q", a.ID, a.Stdout)
		}
	}
	if strings.Join(ids, " ") != "attempt-001 attempt-002 attempt-003" {
		t.Errorf("attempts %v", ids)
	}
	if got.Previous == nil || got.Previous.User.ID != c.dora || got.Next == nil || got.Next.User.ID != c.bob {
		t.Errorf("neighbours %+v, %+v", got.Previous, got.Next)
	}
	if !strings.Contains(strings.Join(got.Standing.Explain(words.In("en"), got.Tutorial), "\n"), "second") {
		t.Errorf("explained by %q", got.Standing.Explain(words.In("en"), got.Tutorial))
	}
	o.UserID = 999
	if _, err := c.Student(t.Context(), o); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("somebody of elsewhere: %v", err)
	}
}

func TestCheckHistory(t *testing.T) {
	c := newClass(t)
	c.try(c.bob, "users", "groups", 0, "bob is in no group.")
	c.try(c.bob, "users", "groups", 0, "bob  is in no group.")
	got, err := c.Check(t.Context(), c.context, "linux", "users", "groups")
	if err != nil {
		t.Fatal(err)
	}
	if got.Passed != 1 || got.Failed != 1 || got.Never != 2 || got.Partly+got.Unsure != 0 {
		t.Errorf("counts %+v", got)
	}
	top := got.Clusters[0]
	if top.Message != "⟨who⟩ is in no group." || top.Attempts != 3 || len(top.Students) != 2 || top.Example.ID != "attempt-008" {
		t.Errorf("the largest cluster is %+v", top)
	}
	if len(got.Days) == 0 || len(got.Attempts) != 5 {
		t.Errorf("%d attempts on %d days", len(got.Attempts), len(got.Days))
	}
	sum := 0
	for _, d := range got.Days {
		sum += d.Passed + d.Failed + d.Unsure
	}
	if sum != 5 {
		t.Errorf("the days have %d attempts", sum)
	}
	if _, err := c.Check(t.Context(), c.context, "linux", "users", "none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such check: %v", err)
	}
}

func TestCommonMessage(t *testing.T) {
	vars := `{"user":"ann","home":"/home/ann","port":"8080"}`
	for message, want := range map[string]string{
		"ann cannot reach port 8080.":                        "⟨user⟩ cannot reach port ⟨port⟩.",
		"/home/ann/x is not there":                           "⟨home⟩/x is not there",
		"Nothing in /etc/passwd or ~/.ssh/config":            "Nothing in ⟨path⟩ or ⟨path⟩",
		"yes and/or no":                                      "yes and/or no",
		"at 2026-11-22T09:30:01Z and 9:30":                   "at ⟨time⟩ and ⟨time⟩",
		"10.0.0.17 answers in 1.5 s":                         "⟨address⟩ answers in ⟨number⟩ s",
		"digest 8badf00dcafe, pointer 0xff":                  "digest ⟨hex⟩, pointer ⟨hex⟩",
		"id 01234567-89ab-cdef-0123-456789abcdef":            "id ⟨hex⟩",
		"the deadbeef and the facade":                        "the deadbeef and the facade",
		"12345678 lines, user3":                              "⟨number⟩ lines, user⟨number⟩",
		"It said: \"/bin/ls: no such file\"\n  (status 127)": "It said: \"⟨path⟩: no such file\" (status ⟨number⟩)",
	} {
		if got := common(store.Attempt{Message: message, Vars: vars}); got != want {
			t.Errorf("%q became %q, want %q", message, got, want)
		}
	}
}
