package progress

import (
	"testing"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

var tutorial = &content.Tutorial{
	ID: "t",
	Checks: []*content.Check{
		{ID: "kept", Task: "one", Points: 2, Sticky: true},
		{ID: "loose", Task: "one", Points: 4},
		{ID: "alone", Points: 1, Sticky: true},
	},
	Hints: []*content.Hint{
		{ID: "free", Task: "one"},
		{ID: "late", Task: "one", After: 3},
		{ID: "dear", Task: "one", Cost: 1.5},
	},
}

func opened(hints ...string) (list []store.HintOpening) {
	for _, h := range hints {
		list = append(list, store.HintOpening{Course: "c", Tutorial: "t", Hint: h})
	}
	return list
}

func TestPoints(t *testing.T) {
	won := []store.Summary{
		{Course: "c", Tutorial: "t", Check: "kept", Best: 1, Latest: 0, Attempts: 2, Failed: 1},
		{Course: "c", Tutorial: "t", Check: "loose", Best: 1, Latest: 0.25, Attempts: 2, Failed: 1},
		{Course: "c", Tutorial: "other", Check: "alone", Best: 1, Latest: 1, Attempts: 1},
	}
	for _, tt := range []struct {
		name  string
		sums  []store.Summary
		hints []store.HintOpening
		want  float64
	}{
		{"nothing done", nil, nil, 0},
		{"best counts for sticky, latest otherwise", won, nil, 2 + 1},
		{"a hint costs", won, opened("dear"), 2 + 1 - 1.5},
		{"a free hint costs nothing", won, opened("free"), 3},
		{"no hint takes more than its task has won", won[:0], opened("dear"), 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Of("c", tutorial, tt.sums, tt.hints)
			if p.Points != tt.want || p.Of != 7 {
				t.Errorf("got %v of %v, want %v of 7", p.Points, p.Of, tt.want)
			}
		})
	}
}

func TestHintsAreDueAfterFailedAttempts(t *testing.T) {
	failed := func(n int) []store.Summary {
		return []store.Summary{{Course: "c", Tutorial: "t", Check: "kept", Attempts: n, Failed: n}}
	}
	for n, want := range map[int]bool{0: false, 2: false, 3: true, 4: true} {
		if got := Of("c", tutorial, failed(n), nil).Hints["late"].Due; got != want {
			t.Errorf("after %d failed attempts due is %v, want %v", n, got, want)
		}
	}
	if !Of("c", tutorial, nil, opened("late")).Hints["late"].Due {
		t.Error("a hint that was opened must stay open")
	}
}
