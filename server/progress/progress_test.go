package progress

import (
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes/words"
)

var tutorial = &content.Tutorial{
	ID: "t", Title: "Tutorial",
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

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// try is an attempt some hours after noon. A negative score could not tell.
func try(check string, hours, score float64) store.Attempt {
	at := noon.Add(time.Duration(hours * float64(time.Hour)))
	a := store.Attempt{ID: check + at.String(), UserID: 1, Course: "c", Tutorial: "t", Check: check,
		State: store.Done, StartedAt: at, Verdict: "fail", Score: score}
	switch {
	case score < 0:
		a.Verdict, a.Score = "unsure", 0
	case score == 1:
		a.Verdict = "pass"
	}
	return a
}

func opened(hints ...string) (list []store.HintOpening) {
	for _, h := range hints {
		list = append(list, store.HintOpening{UserID: 1, Course: "c", Tutorial: "t", Hint: h, At: noon})
	}
	return list
}

func after24(days float64) *time.Time {
	t := noon.Add(time.Duration(days * float64(day)))
	return &t
}

func TestPoints(t *testing.T) {
	elsewhere := try("alone", 0, 1)
	elsewhere.Tutorial = "other"
	running := try("alone", 0, 1)
	running.State = store.Running
	won := []store.Attempt{try("kept", 1, 1), try("kept", 2, 0), try("loose", 1, 1), try("loose", 2, 0.25),
		try("loose", 3, -1), elsewhere, running, try("no-more-there", 1, 1)}
	eight := 8.0
	for _, tt := range []struct {
		name string
		work Work
		want float64
	}{
		{"nothing done", Work{}, 0},
		{"best counts for sticky, latest otherwise", Work{Attempts: won}, 2 + 1},
		{"a hint costs", Work{Attempts: won, Opened: opened("dear")}, 2 + 1 - 1.5},
		{"a free hint costs nothing", Work{Attempts: won, Opened: opened("free")}, 3},
		{"no hint takes more than its task has won", Work{Opened: opened("dear")}, 0},

		{"best, sticky or not", Work{Attempts: won, Policy: Policy{Keep: Best}}, 2 + 4},
		{"latest, sticky or not", Work{Attempts: won, Policy: Policy{Keep: Latest}}, 1},
		{"first", Work{Attempts: []store.Attempt{try("kept", 2, 1), try("kept", 1, 0.5), try("kept", 0, -1)},
			Policy: Policy{Keep: First}}, 1},

		{"the due time itself is not late", Work{Attempts: []store.Attempt{try("kept", 24, 1)},
			Policy: Policy{Due: after24(1), Penalty: 0.25}}, 2},
		{"a started day is a day", Work{Attempts: []store.Attempt{try("kept", 24.001, 1)},
			Policy: Policy{Due: after24(1), Penalty: 0.25}}, 1.5},
		{"a whole day is one day", Work{Attempts: []store.Attempt{try("kept", 48, 1)},
			Policy: Policy{Due: after24(1), Penalty: 0.25}}, 1.5},
		{"the third day", Work{Attempts: []store.Attempt{try("kept", 73, 1)},
			Policy: Policy{Due: after24(1), Penalty: 0.25}}, 0.5},
		{"no less than nothing", Work{Attempts: []store.Attempt{try("kept", 1000, 1)},
			Policy: Policy{Due: after24(1), Penalty: 0.25}}, 0},
		{"the better of an early half and a late whole", Work{Attempts: []store.Attempt{try("kept", 1, 0.5), try("kept", 73, 1)},
			Policy: Policy{Due: after24(1), Penalty: 0.25}}, 1},
		{"extra time", Work{Attempts: []store.Attempt{try("kept", 73, 1)}, Allowance: store.Allowance{Extra: 2 * day},
			Policy: Policy{Due: after24(1), Penalty: 0.25}}, 1.5},
		{"after the end", Work{Attempts: []store.Attempt{try("kept", 1, 0.5), try("kept", 25, 1)},
			Policy: Policy{Until: after24(1)}}, 1},
		{"after the end with extra time", Work{Attempts: []store.Attempt{try("kept", 1, 0.5), try("kept", 25, 1)},
			Policy: Policy{Until: after24(1)}, Allowance: store.Allowance{Extra: 2 * time.Hour}}, 2},
		{"a hint read after the end is free", Work{Attempts: []store.Attempt{try("kept", -2, 1)}, Opened: opened("dear"),
			Policy: Policy{Until: after24(-0.01)}}, 2},

		{"an override", Work{Attempts: won, Override: &store.Override{Points: &eight}}, 8},
		{"an override taken back", Work{Attempts: won, Override: &store.Override{}}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Of("c", tutorial, tt.work)
			if p.Points != tt.want || p.Of != 7 {
				t.Errorf("got %v of %v, want %v of 7", p.Points, p.Of, tt.want)
			}
		})
	}
}

func TestAttemptsThatDoNotCountAreShown(t *testing.T) {
	p := Of("c", tutorial, Work{Policy: Policy{Until: after24(1)},
		Attempts: []store.Attempt{try("kept", 1, 0.5), try("kept", 30, 1), try("kept", 31, -1)}})
	c := p.Checks["kept"]
	if c.Attempts != 2 || c.Failed != 1 || c.Last.Verdict != "unsure" || c.Counts.Score != 0.5 || p.TooLate != 1 {
		t.Errorf("got %+v, %d too late", c, p.TooLate)
	}
	if c.Passed || p.At == nil || !p.At.Equal(noon.Add(time.Hour)) {
		t.Errorf("passed %v at %v by an attempt after the end", c.Passed, p.At)
	}
}

func TestHintsAreDueAfterFailedAttempts(t *testing.T) {
	for n, want := range map[int]bool{0: false, 2: false, 3: true, 4: true} {
		var w Work
		for i := range n {
			w.Attempts = append(w.Attempts, try("kept", float64(i), 0), try("loose", float64(i), -1))
		}
		if got := Of("c", tutorial, w).Hints["late"].Due; got != want {
			t.Errorf("after %d failed attempts due is %v, want %v", n, got, want)
		}
	}
	if !Of("c", tutorial, Work{Opened: opened("late")}).Hints["late"].Due {
		t.Error("a hint that was opened must stay open")
	}
}

func TestSettingsGoOverTheCourse(t *testing.T) {
	c := &content.Course{Grading: content.Grading{Keep: "first", Late: 0.1}}
	none := 0.0
	if p := PolicyOf(c, store.GradeSettings{}); p.Keep != First || p.Penalty != 0.1 {
		t.Errorf("without settings: %+v", p)
	}
	if p := PolicyOf(c, store.GradeSettings{Keep: "best", Penalty: &none}); p.Keep != Best || p.Penalty != 0 {
		t.Errorf("with settings: %+v", p)
	}
}

func TestExplained(t *testing.T) {
	two := 2.0
	p := Of("c", tutorial, Work{
		Attempts: []store.Attempt{try("kept", 30, 1), try("loose", 1, 0.5), try("alone", 1, -1), try("loose", 100, 1)},
		Opened:   opened("dear"),
		Policy:   Policy{Due: after24(0), Until: after24(3), Penalty: 0.1},
		Allowance: store.Allowance{
			Extra: 24 * time.Hour, Excused: true, Reason: "Was ill."},
		Override: &store.Override{Points: &two, Reason: "By agreement.", At: noon},
	})
	all := strings.Join(p.Explain(words.In("en"), tutorial), "\n")
	for _, want := range []string{
		"Due 3 Nov 2026, 12:00 UTC, then 10 % less for each started day.",
		"extra time of 1 day",
		"kept: 1.8 of 2 points, passed by the attempt of 3 Nov 2026, 18:00 UTC (one of 1), 1 day late: 90 % of its points are left.",
		"alone: 0 of 1 point, no attempt could tell yet.",
		"1 attempt after the end (6 Nov 2026, 12:00 UTC) does",
		"cost 1.5 points",
		"An instructor set 2 points on 2 Nov 2026, 12:00 UTC: By agreement.",
		"Excused: this tutorial does not count. Was ill.",
		"Altogether 2 of 7 points.",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("does not say %q:\n%s", want, all)
		}
	}
	g := p.Grade(tutorial)
	if g.Progress != Completed || !g.Excused || strings.Contains(g.Comment, "agreement") {
		t.Errorf("grade %+v", g)
	}
}

func TestComment(t *testing.T) {
	p := Of("c", tutorial, Work{Attempts: []store.Attempt{try("kept", 1, 1), try("loose", 1, 0.5), try("alone", 1, 0)}})
	g := p.Grade(tutorial)
	if g.Comment != "4 of 7 points: 1 of 3 checks passed; kept ✓, loose 50 %, alone ✗." || g.Progress != InProgress {
		t.Errorf("got %+v", g)
	}
	many := &content.Tutorial{ID: "t"}
	for range 100 {
		many.Checks = append(many.Checks, &content.Check{ID: "kept", Points: 1})
	}
	if c := Of("c", many, Work{Attempts: []store.Attempt{try("kept", 1, 1)}}).Grade(many).Comment; len(c) > maxComment || !strings.HasSuffix(c, "…") {
		t.Errorf("%d bytes: %s", len(c), c)
	}
}

func TestFractionsLeaveNothingBehind(t *testing.T) {
	thirds := &content.Tutorial{ID: "t", Title: "Thirds", Checks: []*content.Check{
		{ID: "kept", Task: "one", Title: "Make a user", Points: 0.1, Sticky: true},
		{ID: "loose", Task: "one", Title: "Make a user", Points: 0.2},
		{ID: "alone", Title: "Ping", Points: 0.4}}}
	all := []store.Attempt{try("kept", 1, 1), try("loose", 1, 1), try("alone", 1, 1)}
	if g := Of("c", thirds, Work{Attempts: all}).Grade(thirds); g.Given != 0.7 || g.Maximum != 0.7 {
		t.Errorf("a full score is %v of %v", g.Given, g.Maximum)
	}
	late := Work{Attempts: []store.Attempt{try("alone", 1, 1.0/3)}, Policy: Policy{Due: after24(-1), Penalty: 0.1}}
	p := Of("c", thirds, late)
	if want := 0.1067; p.Points != want || p.Checks["alone"].Points != want { // 0.8 of a third of 0.4
		t.Errorf("late and a part: %v, %v", p.Points, p.Checks["alone"].Points)
	}
	set := 2.0 / 3
	late.Override = &store.Override{Points: &set}
	if g := Of("c", thirds, late).Grade(thirds); g.Given != 0.6667 {
		t.Errorf("set to two thirds: %v", g.Given)
	}
	// People know a check by its title; the ID tells two of one title apart.
	if lines := strings.Join(p.Explain(words.In("en"), thirds), "\n"); !strings.Contains(lines, "Make a user (loose): ") || !strings.Contains(lines, "\nPing: ") {
		t.Errorf("explained by\n%s", lines)
	}
	if c := p.Grade(thirds).Comment; !strings.HasSuffix(c, "Ping 33.33 %.") {
		t.Errorf("comment %q", c)
	}
}

func TestFailedAnswersCost(t *testing.T) {
	asked := &content.Tutorial{ID: "t", Checks: []*content.Check{
		{ID: "q", Points: 4, Sticky: true, Question: &content.Question{MaxAttempts: 5, Cost: 1}},
	}}
	answer := func(id string, hour float64, score float64) store.Attempt {
		a := try("q", hour, score)
		a.ID = id
		return a
	}
	unsure := answer("u", 3, 0)
	unsure.Verdict = "unsure"
	for _, tt := range []struct {
		name      string
		attempts  []store.Attempt
		points    float64
		left      int
		passed    bool
		lastWorth float64
	}{
		{"right at once", []store.Attempt{answer("a", 1, 1)}, 4, 4, true, 4},
		{"after two wrong ones", []store.Attempt{answer("c", 3, 1), answer("a", 1, 0), answer("b", 2, 0)}, 2, 2, true, 2},
		{"what could not tell costs nothing", []store.Attempt{unsure, answer("z", 4, 1)}, 4, 4, true, 4},
		{"never below nothing", []store.Attempt{answer("a", 1, 0), answer("b", 2, 0), answer("c", 3, 0), answer("d", 4, 0), answer("e", 5, 1)}, 0, 0, true, 0},
		{"wrong ones afterwards take nothing back", []store.Attempt{answer("a", 1, 1), answer("b", 2, 0)}, 4, 3, true, 0},
		{"half of it before the cost", []store.Attempt{answer("a", 1, 0), answer("b", 2, 0.5)}, 1, 3, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Of("c", asked, Work{Attempts: tt.attempts}).Checks["q"]
			if c.Points != tt.points || c.Left == nil || *c.Left != tt.left || c.Passed != tt.passed {
				t.Errorf("%v points, %v left, passed %v", c.Points, c.Left, c.Passed)
			}
			if worth := max(0, c.Last.Score*4-c.Cost(c.Last.ID)); worth != tt.lastWorth {
				t.Errorf("the last is shown with %v points, want %v", worth, tt.lastWorth)
			}
		})
	}
}

func TestWhatAPageSawByItselfIsNotTried(t *testing.T) {
	a := try("kept", 1, 0.5)
	a.Auto = true
	c := Of("c", tutorial, Work{Attempts: []store.Attempt{a}}).Checks["kept"]
	if c.Attempts != 0 || c.Failed != 0 || c.Points == 0 {
		t.Errorf("%+v", c)
	}
}

// TestTheFirstTryIsTheStudents has a page see half of the work done where only
// the first attempt counts.
func TestTheFirstTryIsTheStudents(t *testing.T) {
	half, whole, own := try("kept", 1, 0.5), try("kept", 2, 1), try("kept", 3, 0.25)
	half.Auto, whole.Auto = true, true
	for name, tt := range map[string]struct {
		tries []store.Attempt
		want  float64
	}{
		"half by the page, then tried":     {[]store.Attempt{half, own}, 0.5},
		"half by the page, then all by it": {[]store.Attempt{half, whole}, 2},
		"all by the page, then tried":      {[]store.Attempt{whole, own}, 2},
	} {
		got := Of("c", tutorial, Work{Attempts: tt.tries, Policy: Policy{Keep: First}}).Checks["kept"].Points
		if got != tt.want {
			t.Errorf("%s: %v points, want %v", name, got, tt.want)
		}
	}
}
