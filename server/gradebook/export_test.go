package gradebook

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/labmark/labmark/server/store"
)

func (c *class) export(f Format, only Only) string {
	c.t.Helper()
	var b bytes.Buffer
	if err := c.Export(c.t.Context(), &b, c.context, f, only); err != nil {
		c.t.Fatal(err)
	}
	return b.String()
}

// graded is a class whose first link is worth 100 points at the platform, and
// where Bob is excused from one tutorial.
func graded(t *testing.T) *class {
	t.Helper()
	c := newClass(t)
	if err := c.Store.SetLineItem(t.Context(), c.linkUsers.ID, "https://lms.example/items/1", 100); err != nil {
		t.Fatal(err)
	}
	c.decide(nil, []store.Allowance{{ContextID: c.context, UserID: c.bob, Course: "linux", Tutorial: "net", Excused: true, Reason: "ill"}})
	c.try(c.bob, "net", "ping", -1, "Could not tell.")
	return c
}

func TestExportsForPlatforms(t *testing.T) {
	c := graded(t)
	for format, file := range map[Format]string{Moodle: "testdata/moodle.csv", Canvas: "testdata/canvas.csv"} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.export(format, Only{}); got != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", format, got, want)
		}
	}
	one := c.export(Canvas, Only{"linux", "extra"})
	if head, _, _ := strings.Cut(one, "\n"); head != "Student,ID,SIS User ID,SIS Login ID,Section,For the curious" {
		t.Errorf("a tutorial that no link shows: %s", head)
	}
	if err := c.Export(t.Context(), &bytes.Buffer{}, c.context, CSV, Only{"linux", "none"}); err == nil || !strings.Contains(err.Error(), "no tutorial linux/none") {
		t.Errorf("no such tutorial: %v", err)
	}
	if err := c.Export(t.Context(), &bytes.Buffer{}, 99, CSV, Only{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("no such context: %v", err)
	}
}

func TestPlainExportHasAllEvidence(t *testing.T) {
	c := graded(t)
	rows, err := csv.NewReader(strings.NewReader(c.export(CSV, Only{}))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) int { return slices.Index(rows[0], name) }
	attempts := map[string][]string{}
	lines := map[string]int{} // by student, tutorial and check
	for _, r := range rows[1:] {
		lines[r[column("name")]+" "+r[column("tutorial")]+" "+r[column("check")]]++
		if id := r[column("attempt")]; id != "" {
			attempts[id] = r
		}
	}
	// The teacher's own attempt is none of the class's.
	if len(attempts) != c.attempts-1 {
		t.Errorf("%d attempts, want %d", len(attempts), c.attempts-1)
	}
	if lines["Ada Ansah users groups"] != 2 || lines["Chen Liu users groups"] != 1 || lines["dora net ping"] != 1 {
		t.Errorf("lines %v", lines)
	}
	a := attempts["attempt-004"]
	for name, want := range map[string]string{"name": "Bob Brown", "points": "3", "of": "10", "check": "add-user", "verdict": "fail", "score": "0.5",
		"message": "1 of 2 done.", "stdout": "stdout of attempt-004", "stderr": "'=cmd|' /C calc'!A0", "exit_status": "0", "variables": `{"who":"bob"}`} {
		if got := a[column(name)]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestJSONExport(t *testing.T) {
	c := graded(t)
	var got struct {
		Title     string
		Tutorials []struct{ Tutorial string }
		Students  []struct {
			Name      string
			Tutorials []struct {
				Tutorial string
				Points   float64
				Excused  bool
				Explain  []string
				Attempts []struct{ ID, Stderr string }
			}
		}
	}
	text := c.export(JSON, Only{})
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if got.Title != "Linux 2026" || len(got.Tutorials) != 3 || len(got.Students) != 4 {
		t.Fatalf("got %+v", got)
	}
	bob := got.Students[2]
	if users := bob.Tutorials[0]; users.Points != 3 || len(users.Attempts) != 2 || users.Attempts[0].Stderr != "=cmd|' /C calc'!A0" || len(users.Explain) == 0 {
		t.Errorf("Bob: %+v", users)
	}
	if !bob.Tutorials[1].Excused {
		t.Errorf("Bob is not excused: %+v", bob.Tutorials[1])
	}
	if again := c.export(JSON, Only{}); again != text {
		t.Error("the same grades give other bytes")
	}
}

func TestFormulasAreHarmless(t *testing.T) {
	c := newClass(t)
	for _, name := range []string{"=HYPERLINK(\"https://evil.example\")", "+1+1", "-2", "@SUM(A1)", "\t=1", "＝1+1", "'=1"} {
		subject := "s" + name
		u := store.User{PlatformID: new(uint), Subject: &subject, GivenName: name, FamilyName: name}
		*u.PlatformID = 1
		_, err := c.Store.TakeLaunch(t.Context(), store.Launch{User: u, Membership: store.Membership{Learner: true},
			Context: &store.Context{PlatformID: 1, Deployment: "1", LTIID: "7"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []Format{Moodle, Canvas, CSV} {
		rows, err := csv.NewReader(strings.NewReader(c.export(f, Only{}))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) < 11 {
			t.Fatalf("%s has %d lines", f, len(rows))
		}
		for _, row := range rows {
			for _, cell := range row {
				if first, _ := utf8.DecodeRuneInString(cell); cell != "-" && cell != "" && strings.ContainsRune("=+-@\t\r＝", first) {
					t.Errorf("%s: a spreadsheet calculates %q", f, cell)
				}
			}
		}
	}
}

func TestHarmlessCellsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("'=+-@\t\r\n＝a1\",; ")), 0, 6, -1).Draw(t, "text")
		cell := harmless(text)
		if isRisky(cell) {
			t.Fatalf("%q stays risky as %q", text, cell)
		}
		if back := original(cell); back != text {
			t.Fatalf("%q became %q and came back as %q", text, cell, back)
		}
	})
}
