package gradebook

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// Report is what became of a file of grades, line by line.
type Report struct {
	Lines   []Line
	Ignored []string // columns that say nothing of grades here
	// Applied is false after a trial, where a line was refused, and where
	// nothing changes: then nothing is stored.
	Applied bool
}

// Line is one grade of the file; a line with several columns has several.
type Line struct {
	Number   int    // in the file, from 1
	Student  string // as Labmark calls them; as the file does where they are unknown
	Tutorial string // COURSE/TUTORIAL; empty where the line was refused as a whole
	Given    string // as in the file
	Accepted bool
	Changes  bool   // false: it says what holds already
	Says     string // what changes, or what is wrong
	Mend     string // what to do; empty where it was accepted
}

// Refused says whether any line was refused.
func (r Report) Refused() bool {
	for _, l := range r.Lines {
		if !l.Accepted {
			return true
		}
	}
	return false
}

// Import reads overrides from CSV: the forms of Export, what Moodle and Canvas
// export themselves, or any table with a student, tutorial, points and perhaps
// reason in each line. Grades that say what holds already change nothing, so a
// file may be exported, edited in some places, and imported. All lines are
// stored or none. by is the user who imports, source the file's name, for
// errors. A file that can't be read as a table of grades gives a *BadFile.
func (b Book) Import(ctx context.Context, contextID, by uint, source string, r io.Reader, trial bool) (Report, error) {
	t, err := readTable(r)
	if err != nil {
		return Report{}, err
	}
	s, err := b.sheet(ctx, contextID, Only{}, true)
	if err != nil {
		return Report{}, err
	}
	in := &importing{sheet: s, book: b, by: by, contextID: contextID, said: map[said]given{}}
	grades, ignored, err := in.grades(t)
	if err != nil {
		return Report{}, err
	}
	in.report.Ignored = ignored
	for _, g := range grades {
		in.take(g)
	}
	if trial || in.report.Refused() || len(in.overrides)+len(in.allowances) == 0 {
		return in.report, nil
	}
	if err := b.Store.Decide(ctx, in.overrides, in.allowances); err != nil {
		return Report{}, fmt.Errorf("store grades imported from %s: %w", source, err)
	}
	in.report.Applied = true
	return in.report, nil
}

// importing is one import under way.
type importing struct {
	sheet
	book       Book
	by         uint
	contextID  uint
	report     Report
	overrides  []store.Override
	allowances []store.Allowance
	said       map[said]given             // what earlier lines have said
	index      map[string][]*store.Member // students by kind and identity
}

// said is what a file may say once, or several times alike.
type said struct {
	user uint
	Only
}

// given is one grade as a file gives it.
type given struct {
	line    int
	who     map[string]string // identities, by kind
	column  column            // tutorial nil: a whole course
	unknown string            // a tutorial that there is none of
	text    string
	of      float64 // what text is a part of, in the file's points; 0 means the tutorial's
	reason  string
}

// agrees says whether two grades of the same work are one. Two links may show
// it, each in points of its own, and tables show two decimals.
func (g given) agrees(with given) bool {
	if g.of == with.of {
		return g.text == with.text
	}
	a, ok := parseNumber(g.text)
	b, also := parseNumber(with.text)
	if !ok || !also {
		return strings.EqualFold(g.text, with.text)
	}
	return math.Abs(a/g.of-b/with.of) <= 0.00501/g.of+0.00501/with.of
}

// leave is how to mend two grades that do not agree.
func (g given) leave(with given) string {
	if g.line == with.line {
		return "Two columns show the same tutorial: leave one of the two cells empty."
	}
	return "Leave one of the two lines."
}

// take judges one grade.
func (in *importing) take(g given) {
	line := Line{Number: g.line, Student: describe(g.who), Given: g.text}
	refuse := func(says, mend string) {
		line.Says, line.Mend = says, mend
		in.report.Lines = append(in.report.Lines, line)
	}
	member, says, mend := in.find(g.who)
	if member == nil {
		refuse(says, mend)
		return
	}
	line.Student = member.Called()
	if g.unknown != "" {
		refuse(fmt.Sprintf("There is no tutorial %q.", g.unknown), "Write it as COURSE/TUTORIAL, as the export does.")
		return
	}
	if g.column.tutorial == nil {
		in.takeCourse(g, member, line, refuse)
		return
	}
	course, tutorial := g.column.course.ID, g.column.tutorial.ID
	line.Tutorial = course + "/" + tutorial
	key := said{member.User.ID, Only{course, tutorial}}
	if before, twice := in.said[key]; twice {
		if !g.agrees(before) {
			refuse(fmt.Sprintf("Line %d says %s.", before.line, before.text), g.leave(before))
		}
		return
	}
	in.said[key] = g
	now := in.work.of(member.User.ID, g.column.course, g.column.tutorial)
	if strings.EqualFold(g.text, "EX") {
		in.excuse(g, member, now.Allowance, line)
		return
	}
	value, ok := parseNumber(g.text)
	if !ok {
		refuse(fmt.Sprintf("%q is no number of points.", g.text), "Write digits, as 7.5, or leave it empty.")
		return
	}
	of := g.of
	if of == 0 {
		of = now.Of
	}
	current := 0.0
	if now.Of > 0 {
		current = now.Points * of / now.Of
	}
	if math.Abs(value-current) < 0.00501 { // tables show two decimals
		line.Accepted, line.Says = true, "No change."
		in.report.Lines = append(in.report.Lines, line)
		return
	}
	switch {
	case value < 0 || value > of:
		refuse(fmt.Sprintf("%s is not from 0 to %s.", g.text, rounded(of)), "Give points that this tutorial has.")
	case now.Allowance.Excused:
		refuse("The student is excused.", "Take the excuse back first, or write EX.")
	default:
		points := progress.Rounded(value*now.Of/of, now.Of)
		in.override(g, member, points)
		line.Accepted, line.Changes = true, true
		line.Says = fmt.Sprintf("%s → %s of %s points.", rounded(now.Points), rounded(points), rounded(now.Of))
		in.report.Lines = append(in.report.Lines, line)
	}
}

// takeCourse takes the grade of a whole course, as long as it changes nothing.
func (in *importing) takeCourse(g given, m *store.Member, line Line, refuse func(says, mend string)) {
	line.Tutorial = g.column.course.ID
	now := in.cell(m.User.ID, g.column)
	value, ok := parseNumber(g.text)
	same := ok && math.Abs(value-now.shown(in.maximum(g.column))) < 0.00501 || now.Excused && strings.EqualFold(g.text, "EX")
	if !same {
		refuse("The grade of a whole course is worked out from its tutorials.", "Change the tutorials' points; leave this cell empty.")
		return
	}
	line.Accepted, line.Says = true, "No change."
	in.report.Lines = append(in.report.Lines, line)
}

func (in *importing) override(g given, m *store.Member, points float64) {
	reason := g.reason
	if reason == "" {
		reason = imported
	}
	in.overrides = append(in.overrides, store.Override{ContextID: in.contextID, UserID: m.User.ID, By: in.by,
		Course: g.column.course.ID, Tutorial: g.column.tutorial.ID, Points: &points, Reason: reason})
}

func (in *importing) excuse(g given, m *store.Member, a store.Allowance, line Line) {
	line.Accepted, line.Says = true, "No change."
	if !a.Excused {
		line.Changes, line.Says = true, "Excused."
		a.ContextID, a.UserID, a.Course, a.Tutorial = in.contextID, m.User.ID, g.column.course.ID, g.column.tutorial.ID
		a.Excused, a.By, a.Reason = true, in.by, g.reason
		if a.Reason == "" {
			a.Reason = imported
		}
		in.allowances = append(in.allowances, a)
	}
	in.report.Lines = append(in.report.Lines, line)
}

// imported is the reason where the file gives none. Students read it.
const imported = "Imported by an instructor."

// parseNumber takes a decimal point or a decimal comma, but no thousands.
func parseNumber(s string) (float64, bool) {
	if strings.Count(s, ",") == 1 && !strings.Contains(s, ".") {
		s = strings.Replace(s, ",", ".", 1)
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}
