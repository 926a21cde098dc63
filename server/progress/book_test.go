package progress

import (
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/store"
)

// mustBook opens a book over a database in path.
func mustBook(t *testing.T, path string) Book {
	t.Helper()
	db, err := store.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	other := &content.Tutorial{ID: "u", Title: "Other", Checks: []*content.Check{{ID: "x", Points: 3, Sticky: true}}}
	courses, err := catalog.New(nil, &content.Course{ID: "c", Grading: content.Grading{Keep: "latest"}, Tutorials: []*content.Tutorial{tutorial, other}})
	if err != nil {
		t.Fatal(err)
	}
	return Book{Store: db, Catalog: courses}
}

func (b Book) mustTry(t *testing.T, id string, o store.Owner, check string, score float64) {
	t.Helper()
	a := store.Attempt{ID: id, UserID: o.UserID, ContextID: o.Context, Course: o.Course, Tutorial: o.Tutorial, Check: check}
	if _, _, err := b.Store.BeginAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	a.EndedAt, a.Verdict, a.Score = &now, "fail", score
	if score == 1 {
		a.Verdict = "pass"
	}
	if err := b.Store.FinishAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

func TestGradesOfLinks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labmark.db")
	b := mustBook(t, path)
	o := store.Owner{UserID: 1, Context: 7, Course: "c", Tutorial: "t"}
	b.mustTry(t, "1", o, "kept", 1)
	b.mustTry(t, "2", o, "kept", 0.5)
	elsewhere := o
	elsewhere.Context = 8
	b.mustTry(t, "3", elsewhere, "loose", 1)
	somebody := o
	somebody.UserID = 2
	b.mustTry(t, "4", somebody, "alone", 1)
	grade := func(b Book, tutorial string) Grade {
		t.Helper()
		g, err := b.Grade(t.Context(), store.ResourceLink{ContextID: 7, Course: "c", Tutorial: tutorial}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	// The course says that the latest counts.
	if g := grade(b, "t"); g.Given != 1 || g.Maximum != 7 || g.Progress != InProgress || g.At.IsZero() || g.Excused {
		t.Errorf("by the course: %+v", g)
	}
	set := store.GradeSettings{ContextID: 7, Course: "c", Tutorial: "t", Keep: "best"}
	if err := b.Store.SetGradeSettings(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	if g := grade(b, "t"); g.Given != 2 {
		t.Errorf("by the instructor: %+v", g)
	}
	six := 6.0
	if err := b.Store.Decide(t.Context(), []store.Override{{ContextID: 7, UserID: 1, Course: "c", Tutorial: "t", Points: &six}},
		[]store.Allowance{{ContextID: 7, UserID: 1, Course: "c", Tutorial: "u", Excused: true}}); err != nil {
		t.Fatal(err)
	}
	b.mustTry(t, "5", o, "loose", 1)
	if g := grade(b, "t"); g.Given != 6 || g.Progress != Completed {
		t.Errorf("by an override: %+v", g)
	}
	if g := grade(b, "u"); !g.Excused {
		t.Errorf("excused: %+v", g)
	}
	whole := grade(b, "")
	if whole.Given != 6 || whole.Maximum != 7 || whole.Excused {
		t.Errorf("the whole course: %+v", whole)
	}
	// After a restart all is the same.
	b.Store.Close()
	again := mustBook(t, path)
	if g := grade(again, ""); !reflect.DeepEqual(g, whole) {
		t.Errorf("after a restart %+v, before %+v", g, whole)
	}
	if all, err := again.All(t.Context(), 1, 7); err != nil || all[o].Points != 6 || all[o].Earned != 6 || len(all) != 2 {
		t.Errorf("all: %+v, %v", all, err)
	}
	for _, link := range []store.ResourceLink{{ContextID: 7}, {Course: "none"}, {Course: "c", Tutorial: "none"}} {
		if _, err := again.Grade(t.Context(), link, 1); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a link to nothing: %v", err)
		}
	}
}

// TestLooksThatWinNothingAreNotWanted: else each look of an open page would be
// stored anew, for as long as it is open.
func TestLooksThatWinNothingAreNotWanted(t *testing.T) {
	b := mustBook(t, filepath.Join(t.TempDir(), "labmark.db"))
	o := store.Owner{UserID: 1, Course: "c", Tutorial: "t"}
	best := func() float64 {
		t.Helper()
		score, err := b.Best(t.Context(), o, "kept")
		if err != nil {
			t.Fatal(err)
		}
		return score
	}
	if best() >= 0 {
		t.Errorf("before the first attempt a score of %v is to beat", best())
	}
	if err := b.Store.SetGradeSettings(t.Context(), store.GradeSettings{Course: "c", Tutorial: "t", Keep: "first"}); err != nil {
		t.Fatal(err)
	}
	if s := best(); s < 0.9 || s >= 1 {
		t.Errorf("where the first attempt counts, %v is to beat and not only by a pass", s)
	}
	b.mustTry(t, "1", o, "kept", 0)
	if best() < 1 {
		t.Errorf("after the attempt that counts, %v is to beat, and nothing could be won", best())
	}
}
