package gradebook

import (
	"errors"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func (c *class) imports(text string, trial bool) Report {
	c.t.Helper()
	r, err := c.Import(c.t.Context(), c.context, c.tessa, "grades.csv", strings.NewReader(text), trial)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// says finds the line of a student and tutorial in a report.
func (r Report) says(student, tutorial string) Line {
	for _, l := range r.Lines {
		if l.Student == student && l.Tutorial == tutorial {
			return l
		}
	}
	return Line{}
}

func TestExportImportsAsNothing(t *testing.T) {
	c := graded(t)
	before := c.export(JSON, Only{})
	for _, f := range []Format{Moodle, Canvas, CSV} {
		r := c.imports(c.export(f, Only{}), false)
		if r.Refused() || r.Applied || len(r.Lines) < 3 {
			t.Errorf("%s: %+v", f, r)
		}
	}
	if after := c.export(JSON, Only{}); after != before {
		t.Error("importing what was exported changed something")
	}
}

func TestEditedExportChangesWhatWasEdited(t *testing.T) {
	for format, edit := range map[Format][2]string{
		Moodle: {"bob,30,", "bob,45.5,"},
		Canvas: {"LX,30,EX,3.82", "LX,45.5,EX,"},
		CSV:    {"linux,users,3,10,", "linux,users,4.55,10,"},
	} {
		t.Run(string(format), func(t *testing.T) {
			c := graded(t)
			text := strings.ReplaceAll(c.export(format, Only{}), edit[0], edit[1])
			if format == Moodle { // the grade of the whole course follows from it
				text = strings.Replace(text, "check passed.,3.82,", "check passed.,-,", 1)
			}
			trial := c.imports(text, true)
			if trial.Applied || c.points("users")[c.bob] != 3 {
				t.Fatal("a trial has changed something")
			}
			if says := trial.says("Bob Brown", "linux/users").Says; says != "3 → 4.55 of 10 points." {
				t.Errorf("the trial says %q", says)
			}
			r := c.imports(text, false)
			if !r.Applied || r.Refused() {
				t.Fatalf("report %+v", r)
			}
			if p := c.points("users"); p[c.bob] != 4.55 || p[c.ada] != 10 {
				t.Errorf("points %v", p)
			}
			changes := 0
			for _, l := range r.Lines {
				if l.Changes {
					changes++
				}
			}
			if changes != 1 {
				t.Errorf("%d lines change something: %+v", changes, r.Lines)
			}
			// What the student does later does not undo it.
			c.try(c.bob, "users", "add-user", 1, "Well done.")
			if p := c.points("users"); p[c.bob] != 4.55 {
				t.Errorf("an attempt undid the override: %v", p[c.bob])
			}
		})
	}
}

func mustRead(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMoodlesOwnExport(t *testing.T) {
	c := graded(t)
	r := c.imports(mustRead(t, "testdata/moodle-own.csv"), false)
	if !r.Applied || r.Refused() {
		t.Fatalf("report %+v", r)
	}
	if p := c.points("users"); p[c.bob] != 4.5 || p[c.ada] != 10 {
		t.Errorf("points %v", p)
	}
	if p := c.points("net"); p[c.chen] != 3 {
		t.Errorf("points %v", p)
	}
	want := "External tool: Lab 1: users (Percentage); Quiz: Warm-up (Real); Last downloaded from this course"
	if got := strings.Join(r.Ignored, "; "); got != want {
		t.Errorf("ignored %s", got)
	}
}

func TestCanvassOwnExport(t *testing.T) {
	c := graded(t)
	text := mustRead(t, "testdata/canvas-own.csv")
	// Canvas's test student is nobody here. Without grades its line says nothing.
	r := c.imports(strings.Replace(text, "LX-A;;;;;", "LX-A;7;;;;", 1), false)
	if !r.Refused() || r.Applied || len(c.points("users")) != 4 || c.points("users")[c.bob] != 3 {
		t.Fatalf("half applied: %+v", r)
	}
	for _, l := range r.Lines {
		if !l.Accepted && (l.Number != 7 || l.Mend == "" || !strings.Contains(l.Says, "Student, Test")) {
			t.Errorf("refused %+v", l)
		}
	}
	r = c.imports(text, false)
	if !r.Applied || r.Refused() {
		t.Fatalf("report %+v", r)
	}
	// 22.5 of 50 are 4.5 of 10; the decimal comma is read.
	if p := c.points("users"); p[c.bob] != 4.5 || p[c.ada] != 10 {
		t.Errorf("points %v", p)
	}
	if p := c.points("net"); p[c.chen] != 1.5 {
		t.Errorf("points %v", p)
	}
}

func TestRefusedLines(t *testing.T) {
	c := graded(t)
	head := "email,username,tutorial,points,reason\n"
	for _, tt := range []struct{ line, says, mend string }{
		{"eve@uni.example,,linux/users,3,", "no student eve@uni.example", "email"},
		{"ada@uni.example,bob,linux/users,3,", "ada@uni.example is", "Correct"},
		{"ada@uni.example,,linux/none,3,", `no tutorial "linux/none"`, "COURSE/TUTORIAL"},
		{"ada@uni.example,,linux/users,ten,", "no number", "digits"},
		{"ada@uni.example,,linux/users,NaN,", "no number", "digits"},
		{"ada@uni.example,,linux/users,-1,", "not from 0 to 10", "points"},
		{"ada@uni.example,,linux/users,10.5,", "not from 0 to 10", "points"},
		{"bob@uni.example,,linux/net,2,", "excused", "EX"},
		{"tessa@uni.example,,linux/net,2,", "no student", "email"},
	} {
		// A good line beside it is not stored either.
		r := c.imports(head+"chen@uni.example,,linux/users,5,\n"+tt.line+"\n", false)
		if len(r.Lines) != 2 || !r.Lines[0].Accepted || r.Applied {
			t.Errorf("%s: report %+v", tt.line, r)
			continue
		}
		bad := r.Lines[1]
		if bad.Accepted || bad.Number != 3 || !strings.Contains(bad.Says, tt.says) || !strings.Contains(bad.Mend, tt.mend) {
			t.Errorf("%s: %+v, want %q and %q", tt.line, bad, tt.says, tt.mend)
		}
	}
	twice := c.imports(head+"ada@uni.example,,linux/users,5,\n,ada,linux/users,6,\n", false)
	if !twice.Refused() || !strings.Contains(twice.Lines[1].Says, "Line 2 says 5") {
		t.Errorf("two lines that differ: %+v", twice)
	}
	if p := c.points("users"); p[c.chen] != 0 || p[c.ada] != 10 {
		t.Errorf("refused, yet points are %v", p)
	}
}

func TestReasonAndWhoAreKept(t *testing.T) {
	c := graded(t)
	r := c.imports("user,course,tutorial,points,reason\n"+
		exact(float64(c.chen))+",linux,users,5,\"Handed in on paper, late.\"\n"+
		exact(float64(c.ada))+",linux,extra,EX,\n", false)
	if !r.Applied {
		t.Fatalf("report %+v", r)
	}
	class, err := c.Class(t.Context(), c.context, "linux", "users")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range class.Students {
		if s.User.ID == c.chen {
			if o := s.Standing.Override; o == nil || o.Reason != "Handed in on paper, late." || o.By != c.tessa {
				t.Errorf("kept %+v", o)
			}
		}
	}
	extra, err := c.Class(t.Context(), c.context, "linux", "extra")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range extra.Students {
		if a := s.Standing.Allowance; s.User.ID == c.ada && (!a.Excused || a.Reason != "Imported by an instructor.") {
			t.Errorf("kept %+v", a)
		}
	}
}

func TestBadFiles(t *testing.T) {
	c := newClass(t)
	for name, tt := range map[string][2]string{
		"empty":          {"", "empty"},
		"nobody":         {"points,tutorial\n1,linux/users\n", "who the student is"},
		"no grades":      {"email,shoe size\na@b,44\n", "title of a tutorial"},
		"workbook":       {"PK\x03\x04\x00\x00", "UTF-8"},
		"quotation mark": {"email,Networks\n\"ada,3\n", "quotation marks"},
		"too large":      {strings.Repeat("x", maxFile+1), "too large"},
		"too many lines": {"email,Networks\n" + strings.Repeat("x\n", maxRows+1), "too many lines"},
	} {
		_, err := c.Import(t.Context(), c.context, 0, name, strings.NewReader(tt[0]), false)
		var bad *BadFile
		if !errors.As(err, &bad) || !strings.Contains(bad.Says, tt[1]) || bad.Mend == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImportNeverPanics(t *testing.T) {
	c := graded(t)
	rapid.Check(t, func(r *rapid.T) {
		cell := rapid.SampledFrom([]string{"email", "Student", "ID", "tutorial", "points", "linux/users", "Networks", "Lab 1: users (Real)",
			"ada@uni.example", "11", "    Points Possible", "EX", "1,5", "-", "", "'=1", "\"", "Infinity", "1e300"})
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 1, 5), 0, 5).Draw(r, "rows")
		var lines []string
		for _, row := range rows {
			lines = append(lines, strings.Join(row, rapid.SampledFrom([]string{",", ";"}).Draw(r, "separator")))
		}
		_, err := c.Import(t.Context(), c.context, 0, "x", strings.NewReader(strings.Join(lines, "\n")), true)
		var bad *BadFile
		if err != nil && !errors.As(err, &bad) {
			r.Fatal(err)
		}
	})
}
