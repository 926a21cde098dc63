package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/internal/proof"
)

// testTable shows how a proof goes on: at a terminal a table that changes,
// elsewhere a line for each tutorial that is done and for each fault.
type testTable struct {
	out   io.Writer
	live  bool
	rows  []*testRow
	drawn int // lines on the terminal
	last  time.Time
}

// testRow is what is known of one tutorial.
type testRow struct {
	id       string
	planned  map[proof.Kind]int
	held     map[proof.Kind]int
	tried    map[proof.Kind]int
	bad      int
	begun    time.Time
	took     time.Duration
	finished bool
}

func newTestTable(out io.Writer, chosen []*content.Tutorial) *testTable {
	t := &testTable{out: out}
	if f, ok := out.(*os.File); ok {
		t.live = term.IsTerminal(int(f.Fd()))
	}
	for _, c := range chosen {
		t.rows = append(t.rows, &testRow{id: c.ID, begun: time.Now(),
			planned: map[proof.Kind]int{}, held: map[proof.Kind]int{}, tried: map[proof.Kind]int{}})
	}
	return t
}

// event is what proof.Options.Report asks for.
func (t *testTable) event(e proof.Event) {
	for _, r := range t.rows {
		if r.id == e.Tutorial {
			r.take(e)
			if !t.live {
				t.line(r, e)
			}
		}
	}
	if t.live && (time.Since(t.last) > time.Second/10 || e.Finished) {
		t.draw()
	}
}

func (r *testRow) take(e proof.Event) {
	r.planned[e.Kind] += e.Planned
	if e.Finished {
		r.finished, r.took = true, time.Since(r.begun)
	}
	if e.Result == nil {
		return
	}
	r.tried[e.Kind]++
	r.planned[e.Kind] = max(r.planned[e.Kind], r.tried[e.Kind])
	switch {
	case e.Result.Bad():
		r.bad++
	case e.Result.State == proof.Skipped:
		r.planned[e.Kind]--
		r.tried[e.Kind]--
	default:
		r.held[e.Kind]++
	}
}

func (t *testTable) line(r *testRow, e proof.Event) {
	switch {
	case e.Result != nil && e.Result.Bad():
		fmt.Fprintf(t.out, "%s: %s: %s, %s\n", r.id, e.Result.State, e.Result.Subject, e.Result.What)
	case e.Finished:
		tried := 0
		for _, n := range r.tried {
			tried += n
		}
		fmt.Fprintf(t.out, "%s: %d things tried, %d bad, %.0f s\n", r.id, tried, r.bad, r.took.Seconds())
	}
}

// draw writes the table over the one before.
func (t *testTable) draw() {
	t.last = time.Now()
	text := t.text()
	if t.drawn > 0 {
		fmt.Fprintf(t.out, "\x1b[%dA\x1b[J", t.drawn)
	}
	fmt.Fprint(t.out, text)
	t.drawn = strings.Count(text, "\n")
}

func (t *testTable) text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "TUTORIAL")
	for _, k := range proof.Kinds {
		fmt.Fprintf(w, "\t%s", strings.ToUpper(string(k)))
	}
	fmt.Fprintln(w, "\tBAD\tTIME")
	for _, r := range t.rows {
		fmt.Fprint(w, r.id)
		for _, k := range proof.Kinds {
			fmt.Fprintf(w, "\t%s", r.cell(k))
		}
		took, mark := r.took, ""
		if !r.finished {
			took, mark = time.Since(r.begun), " …"
		}
		fmt.Fprintf(w, "\t%d\t%.0f s%s\n", r.bad, took.Seconds(), mark)
	}
	_ = w.Flush() // to memory
	return b.String()
}

func (r *testRow) cell(k proof.Kind) string {
	if r.planned[k] == 0 {
		return "–"
	}
	return fmt.Sprintf("%d/%d", r.held[k], r.planned[k])
}

// done leaves the whole table.
func (t *testTable) done() {
	if t.live && t.drawn > 0 {
		fmt.Fprintf(t.out, "\x1b[%dA\x1b[J", t.drawn)
	}
	fmt.Fprintf(t.out, "%s\n", t.text())
}

// printReport shows what is bad, each at its line, and sums up.
func printReport(out io.Writer, r proof.Report) {
	bad := r.Bad()
	for _, b := range bad {
		fmt.Fprintf(out, "%s:%d: %s: %s, %s\n    %s\n", b.File, b.Line, b.State, b.Subject, b.What, indented(b.Message))
		if b.Mend != "" {
			fmt.Fprintf(out, "    = %s\n", b.Mend)
		}
		if n := len(b.Runs); n > 0 && b.State == proof.Fault {
			showOutput(out, "standard error of “"+b.Runs[n-1].Title+"”", b.Runs[n-1].Evidence.Stderr.Text)
		}
		fmt.Fprintln(out)
	}
	held, skipped := 0, 0
	for _, t := range r.Tutorials {
		held += t.Count(proof.Held)
		skipped += t.Count(proof.Skipped)
	}
	verdict := "is proved"
	if len(bad) > 0 {
		verdict = fmt.Sprintf("is not proved: %d bad", len(bad))
	}
	fmt.Fprintf(out, "%q %s, %d held, %d skipped; %d guests in %.0f s (%.0f a minute)\n", r.Course, verdict, held, skipped,
		r.Guests, r.Took.Seconds(), float64(r.Guests)/max(r.Took.Minutes(), 1e-3))
}

func indented(s string) string { return strings.ReplaceAll(s, "\n", "\n    ") }
