package progress

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// anyAttempts draws attempts within a fortnight, some at the same moment.
func anyAttempts(t *rapid.T, label string) []store.Attempt {
	n := 0
	list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) store.Attempt {
		check := rapid.SampledFrom([]string{"kept", "loose", "alone", "no-more-there"}).Draw(t, "check")
		score := rapid.SampledFrom([]float64{-1, 0, 0.25, 0.5, 0.9, 1}).Draw(t, "score")
		return try(check, float64(rapid.IntRange(-48, 14*24).Draw(t, "hours")), score)
	}), 0, 12).Draw(t, label)
	for i := range list {
		n++
		list[i].ID = fmt.Sprintf("%s-%d", label, n)
	}
	return list
}

func anyPolicy(t *rapid.T) Policy {
	p := Policy{Keep: rapid.SampledFrom([]Keep{AsChecks, Best, Latest, First}).Draw(t, "keep"),
		Penalty: rapid.SampledFrom([]float64{0, 0.1, 0.3, 1}).Draw(t, "penalty")}
	if rapid.Bool().Draw(t, "has due") {
		p.Due = after24(rapid.Float64Range(-1, 10).Draw(t, "due"))
	}
	if rapid.Bool().Draw(t, "has until") {
		p.Until = after24(rapid.Float64Range(0, 14).Draw(t, "until"))
	}
	return p
}

func anyWork(t *rapid.T) Work {
	w := Work{Attempts: anyAttempts(t, "a"), Policy: anyPolicy(t)}
	w.Allowance.Extra = time.Duration(rapid.IntRange(0, 72).Draw(t, "extra")) * time.Hour
	if rapid.Bool().Draw(t, "hint") {
		w.Opened = opened("dear", "free")
	}
	return w
}

func with(w Work, more ...store.Attempt) Work {
	w.Attempts = append(slices.Clone(w.Attempts), more...)
	return w
}

func TestBestNeverFalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWork(t)
		w.Policy.Keep = Best
		before, now := Of("c", tutorial, w), Of("c", tutorial, with(w, anyAttempts(t, "b")...))
		if now.Points < before.Points {
			t.Fatalf("more attempts brought %v down to %v", before.Points, now.Points)
		}
	})
}

func TestOrderMakesNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWork(t)
		mixed := with(w)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		r.Shuffle(len(mixed.Attempts), func(i, j int) {
			mixed.Attempts[i], mixed.Attempts[j] = mixed.Attempts[j], mixed.Attempts[i]
		})
		a, b := Of("c", tutorial, w), Of("c", tutorial, mixed)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("sorted %+v\nmixed %+v", a, b)
		}
		if again := Of("c", tutorial, w); !reflect.DeepEqual(a, again) {
			t.Fatalf("worked out twice: %+v and %+v", a, again)
		}
	})
}

func TestPenaltyIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWork(t)
		p := Of("c", tutorial, w)
		if !(p.Points >= 0 && p.Points <= p.Of) {
			t.Fatalf("%v of %v", p.Points, p.Of)
		}
		free := w
		free.Policy.Penalty = 0
		if f := Of("c", tutorial, free); p.Points > f.Points {
			t.Fatalf("the penalty raised %v to %v", f.Points, p.Points)
		}
		if w.Policy.Keep == Best {
			more := w
			more.Allowance.Extra += day
			// What hints cost is put back: with more time more of them count.
			if m := Of("c", tutorial, more); m.Earned+m.HintCost < p.Earned+p.HintCost {
				t.Fatalf("more time brought %v down to %v", p.Points, m.Points)
			}
		}
	})
}

func TestUnsureAndTooLateChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWork(t)
		before := Of("c", tutorial, w)
		more := with(w, try("kept", rapid.Float64Range(-50, 400).Draw(t, "unsure at"), -1))
		if w.Policy.Until != nil {
			end := w.Policy.Until.Add(w.Allowance.Extra).Sub(noon).Hours()
			score := rapid.SampledFrom([]float64{0, 0.5, 1}).Draw(t, "late score")
			more = with(more, try("loose", end+0.01, score), try("kept", end+1000, score))
		}
		now := Of("c", tutorial, more)
		if now.Points != before.Points || !reflect.DeepEqual(now.At, before.At) {
			t.Fatalf("%v at %v became %v at %v", before.Points, before.At, now.Points, now.At)
		}
	})
}

func TestOverrideWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := anyWork(t)
		earned := Of("c", tutorial, w).Points
		said := rapid.Float64Range(0, 7).Draw(t, "override")
		w.Override = &store.Override{Points: &said}
		p := Of("c", tutorial, with(w, anyAttempts(t, "b")...))
		if math.Abs(p.Points-said) > 0.00005001 || p.progress() != Completed {
			t.Fatalf("override to %v gave %v, %s", said, p.Points, p.progress())
		}
		if p := Of("c", tutorial, w); p.Earned != earned {
			t.Fatalf("what was earned is %v, not %v, beside an override", p.Earned, earned)
		}
		w.Override = &store.Override{}
		if p := Of("c", tutorial, w); p.Points != earned || p.Override != nil {
			t.Fatalf("taken back, it is %v, not %v", p.Points, earned)
		}
	})
}

func TestExcusedIsLeftOut(t *testing.T) {
	other := &content.Tutorial{ID: "u", Title: "Other", Checks: []*content.Check{{ID: "x", Points: 3, Sticky: true}}}
	rapid.Check(t, func(t *rapid.T) {
		w := store.Work{Attempts: anyAttempts(t, "a"),
			Allowances: []store.Allowance{{UserID: 1, Course: "c", Tutorial: "u", Excused: true}}}
		for _, a := range anyAttempts(t, "b") {
			a.Tutorial, a.Check = "u", "x"
			w.Attempts = append(w.Attempts, a)
		}
		both := CourseGrade(&content.Course{ID: "c", Tutorials: []*content.Tutorial{tutorial, other}}, w, 1)
		one := CourseGrade(&content.Course{ID: "c", Tutorials: []*content.Tutorial{tutorial}}, w, 1)
		if both.Given != one.Given || both.Maximum != one.Maximum || both.At != one.At || both.Excused {
			t.Fatalf("with the excused tutorial %+v, without it %+v", both, one)
		}
	})
}

func TestCourseByWeights(t *testing.T) {
	other := &content.Tutorial{ID: "u", Title: "Other", Checks: []*content.Check{{ID: "x", Points: 3, Sticky: true}}}
	course := &content.Course{ID: "c", Tutorials: []*content.Tutorial{tutorial, other, {ID: "empty"}}}
	x := try("x", 5, 1)
	x.Tutorial = "u"
	w := store.Work{Attempts: []store.Attempt{try("kept", 1, 1), try("loose", 1, 0.375), x}}
	g := CourseGrade(course, w, 1)
	if g.Given != 3.5+3 || g.Maximum != 10 || g.Progress != InProgress || !g.At.Equal(noon.Add(5*time.Hour)) {
		t.Errorf("by points: %+v", g)
	}
	half, none := 0.5, 0.0
	w.Settings = []store.GradeSettings{{Course: "c", Tutorial: "u", Weight: &half}}
	if g := CourseGrade(course, w, 1); g.Given != 3.5+0.5 || g.Maximum != 7.5 {
		t.Errorf("by weight: %+v", g)
	}
	w.Settings = append(w.Settings, store.GradeSettings{Course: "c", Tutorial: "t", Weight: &none})
	if g := CourseGrade(course, w, 1); g.Given != 0.5 || g.Maximum != 0.5 || g.Progress != Completed {
		t.Errorf("without the first: %+v", g)
	}
	w.Allowances = []store.Allowance{{UserID: 1, Course: "c", Tutorial: "u", Excused: true}}
	if g := CourseGrade(course, w, 1); g.Maximum != 0 || !g.Excused {
		t.Errorf("excused from all that counts: %+v", g)
	}
}
