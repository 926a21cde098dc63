package themes

import (
	"strings"
	"testing"

	"github.com/labmark/labmark/themes/words"
)

func TestAColumnCountsWhoTried(t *testing.T) {
	rows := []RowView{{Cells: []CellView{{State: "pass"}, {State: "idle"}}}, {Cells: []CellView{{State: "fail"}, {State: "idle"}}},
		{Cells: []CellView{{State: "unsure"}, {State: "pass"}}}, {}}
	for i, want := range []struct{ passed, tried int }{{1, 3}, {1, 1}} {
		if c := column(rows, i); c.Passed != want.passed || c.Tried != want.tried {
			t.Errorf("column %d: %+v, want %+v", i, c, want)
		}
	}
}

func TestStandingsFillTheBar(t *testing.T) {
	for _, p := range []CheckPage{{Passed: 61, Partly: 14, Failed: 22, Unsure: 3, Never: 40}, {Never: 1}, {Passed: 1, Failed: 1, Never: 1}} {
		end := 0
		for _, s := range standings(words.In(words.Source), p) {
			if s.X != end || s.Width < 0 {
				t.Errorf("%+v: %s begins at %d, want %d", p, s.State, s.X, end)
			}
			end = s.X + s.Width
		}
		if end != 1000 {
			t.Errorf("%+v fills %d of 1000", p, end)
		}
	}
	if s := standings(words.In(words.Source), CheckPage{}); s[4].Width != 0 {
		t.Error("an empty class fills nothing")
	}
}

func TestAHistoryStandsOnTheGround(t *testing.T) {
	c := draw(words.In(words.Source), []Bar{{Label: "1 Nov", Passed: 200, Failed: 1}, {Label: "2 Nov"}, {Label: "3 Nov", Unsure: 3}})
	for _, b := range c.Bars {
		ground := barHeight
		for _, p := range b.Pieces {
			if p.Y+p.Height != ground || p.Height < 2 {
				t.Errorf("a piece of %s stands at %+v, over the ground %d", b.Says, p, ground)
			}
			ground = p.Y
		}
		// The smallest pieces are drawn higher than they are, so that they are seen.
		if ground < -4 {
			t.Errorf("%s is too high: %d", b.Says, ground)
		}
	}
	if !strings.Contains(c.Words, "1 Nov: 200 passed") || strings.Contains(c.Words, "2 Nov") {
		t.Errorf("says %q", c.Words)
	}
	if c := draw(words.In(words.Source), nil); len(c.Bars) != 0 {
		t.Error("no bars from nothing")
	}
}
