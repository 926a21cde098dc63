package themes

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/labmark/labmark/themes/words"
)

// What templates of those who teach may call beside the other functions.
func classFunctions(l *words.Language) template.FuncMap {
	return template.FuncMap{
		"cellWords":  func(c CellView) string { return cellWords(l, c) },
		"gradeState": gradeState,
		"gradeWords": func(g GradeView) string { return gradeWords(l, g) },
		"gradeIcon":  gradeIcon,
		"column":     column,
		"given":      given,
		"local":      local,
		"decimal":    words.In(words.Source).Number,
		"took":       func(d time.Duration) string { return took(l, d) },
		"size":       func(bytes int64) string { return size(l, bytes) },
		"standings":  func(p CheckPage) []share { return standings(l, p) },
		"draw":       func(bars []Bar) chart { return draw(l, bars) },
		"pick":       pick,
		"zone":       zone,
		"goOn":       goOn,
		"planned":    func(t *time.Time) template.HTML { return planned(l, *t) },

		"machineState": machineState,
		"whole":        func(n *int) int { return *n },
	}
}

// cellWords says a cell of the grid, for its tooltip and for screen readers.
// src/class.ts says the same.
func cellWords(l *words.Language, c CellView) string {
	verdict := l.Say(verdictWords(c.State))
	if c.State == "idle" {
		return verdict
	}
	says := "{verdict}: {score}, {attempts}##cell"
	if c.Late {
		says = "{verdict}: {score}, {attempts}, late##cell"
	}
	return l.Say(says, "verdict", verdict,
		"score", l.Count(c.Points, "{won} of {n} point", "{won} of {n} points", "won", l.Number(c.Won)),
		"attempts", l.Count(float64(c.Attempts), "{n} attempt", "{n} attempts"))
}

// gradeState gives a grade's way the colour of an outcome.
func gradeState(g GradeView) string {
	switch g.State {
	case "sent":
		return "pass"
	case "waiting":
		return "part"
	case "refused":
		return "fail"
	}
	return "idle"
}

// gradeIcon is the symbol that goes with it.
func gradeIcon(g GradeView) string {
	switch g.State {
	case "sent":
		return "check"
	case "waiting":
		return "wait"
	case "refused":
		return "fail"
	}
	return "idle"
}

// gradeWords says a grade's way in two or three words. src/grade.ts says the same.
func gradeWords(l *words.Language, g GradeView) string {
	switch g.State {
	case "none":
		return l.Say("No grade yet")
	case "sent":
		return l.Say("Grade sent")
	case "waiting":
		return l.Say("Grade waiting")
	}
	return l.Say("Grade refused")
}

// machineState is the key of a machine's state in the catalogs.
func machineState(state string) string {
	switch state {
	case "starting":
		return "booting…##machine"
	case "resetting", "stopping":
		return state + "…##machine"
	}
	return state + "##machine"
}

// given says whether there is such a time.
func given(t *time.Time) bool { return t != nil && !t.IsZero() }

// column counts who passed and who tried the check in one column.
func column(rows []RowView, i int) (c struct{ Passed, Tried int }) {
	for _, r := range rows {
		if i >= len(r.Cells) || r.Cells[i].State == "idle" {
			continue
		}
		c.Tried++
		if r.Cells[i].State == "pass" {
			c.Passed++
		}
	}
	return c
}

// local is a time as an input of type datetime-local takes it, in UTC; the
// page's script turns it to the reader's zone.
func local(t *time.Time) string {
	if !given(t) {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04")
}

// took is how long an attempt ran: "0.4 s", "12 s".
func took(l *words.Language, d time.Duration) string {
	if d < 10*time.Second {
		return l.Decimal(d.Seconds()) + " s"
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// share is a part of a whole, as a piece of a line that is 1000 long.
type share struct {
	State, Words string
	X, Width     int
	Count        int
}

// standings lays a class out along one bar.
func standings(l *words.Language, p CheckPage) []share {
	parts := []share{
		{State: "pass", Words: l.Say("passed"), Count: p.Passed}, {State: "part", Words: l.Say("partly there"), Count: p.Partly},
		{State: "fail", Words: l.Say("failed"), Count: p.Failed}, {State: "unsure", Words: l.Say("could not tell"), Count: p.Unsure},
		{State: "idle", Words: l.Say("never tried"), Count: p.Never},
	}
	all, before := 0, 0
	for _, s := range parts {
		all += s.Count
	}
	for i := range parts {
		parts[i].X = 1000 * before / max(all, 1)
		before += parts[i].Count
		parts[i].Width = 1000*before/max(all, 1) - parts[i].X
	}
	return parts
}

// chart is a history as bars of a drawing.
type chart struct {
	Width  int
	Room   int    // with the labels beside it
	Words  string // for those who don't see it
	Most   int
	Bars   []chartBar
	Height int // of the bars' ground line
}

type chartBar struct {
	X      int
	Label  string // empty where labels would stand too close
	Says   string
	Pieces []chartPiece
}

type chartPiece struct {
	State     string
	Y, Height int
}

// Sizes of the drawing, in its own units.
const (
	barStep   = 34
	barHeight = 110
	mostTicks = 8 // labels
)

// draw lays bars out from the ground up: passed, failed, unsure.
func draw(l *words.Language, bars []Bar) chart {
	c := chart{Width: barStep * max(len(bars), 12), Height: barHeight}
	c.Room = c.Width + 60
	for _, b := range bars {
		c.Most = max(c.Most, b.Passed+b.Failed+b.Unsure)
	}
	every := int(math.Ceil(float64(len(bars)) / mostTicks))
	var said []string
	for i, b := range bars {
		bar := chartBar{X: i * barStep, Says: l.Say("{day}: {passed} passed, {failed} failed, {unsure} could not tell",
			"day", b.Label, "passed", b.Passed, "failed", b.Failed, "unsure", b.Unsure)}
		if i%every == 0 {
			bar.Label = b.Label
		}
		y := barHeight
		for _, piece := range []struct {
			state string
			n     int
		}{{"pass", b.Passed}, {"fail", b.Failed}, {"unsure", b.Unsure}} {
			if piece.n == 0 {
				continue
			}
			h := max(2, barHeight*piece.n/c.Most)
			y -= h
			bar.Pieces = append(bar.Pieces, chartPiece{piece.state, y, h})
		}
		c.Bars = append(c.Bars, bar)
		if len(bar.Pieces) > 0 {
			said = append(said, bar.Says)
		}
	}
	c.Words = strings.Join(said, "; ")
	return c
}

// picking joins what one line of PickPage needs.
type picking struct {
	Tutorial PickTutorial
	Page     PickPage
	Whole    bool
}

// pick makes a picking; whole courses come by pointer.
func pick(tutorial any, page PickPage, whole bool) picking {
	if t, ok := tutorial.(*PickTutorial); ok {
		tutorial = *t
	}
	t, _ := tutorial.(PickTutorial)
	return picking{t, page, whole}
}
