package gradebook

import (
	"strings"
	"testing"

	"github.com/labmark/labmark/server/store"
)

// link adds a link beside those of the class; maximum 0 is not known.
func (c *class) link(id, title, tutorial string, maximum float64) {
	c.t.Helper()
	subject := "tessa"
	l, err := c.Store.TakeLaunch(c.t.Context(), store.Launch{
		User:       store.User{PlatformID: new(uint(1)), Subject: &subject, GivenName: "Tessa", FamilyName: "Teacher"},
		Context:    &store.Context{PlatformID: 1, Deployment: "1", LTIID: "7", Label: "LX", Title: "Linux 2026"},
		Membership: store.Membership{Instructor: true},
		Link:       &store.ResourceLink{LTIID: id, Title: title, Course: "linux", Tutorial: tutorial}})
	if err != nil {
		c.t.Fatal(err)
	}
	if maximum > 0 {
		if err := c.Store.SetLineItem(c.t.Context(), l.Link.ID, "https://lms.example/items/"+id, maximum); err != nil {
			c.t.Fatal(err)
		}
	}
}

// twice is a class with several links of one title.
func twice(t *testing.T) *class {
	c := graded(t)
	c.link("again", "Lab 1: users", "users", 30) // the first has 100
	c.link("other", "Networks", "extra", 0)
	return c
}

func TestEveryColumnHasAHeading(t *testing.T) {
	c := twice(t)
	head, _, _ := strings.Cut(c.export(Canvas, Only{}), "\n")
	want := "Lab 1: users,Networks (linux/net),The whole course,Lab 1: users (2),Networks (linux/extra)"
	if _, columns, _ := strings.Cut(head, "Section,"); columns != want {
		t.Errorf("columns %s, want %s", columns, want)
	}
}

func TestLinksToOneTutorialComeBack(t *testing.T) {
	c := twice(t)
	for _, f := range []Format{Moodle, Canvas, CSV} {
		if r := c.imports(c.export(f, Only{}), false); r.Refused() || r.Applied || len(r.Ignored) > 0 {
			t.Errorf("%s: %+v", f, r)
		}
	}
	// Each column has points of its own: both say 5 of 10.
	head := "email,Lab 1: users,Lab 1: users (2)\n"
	if r := c.imports(head+"bob@uni.example,50,15\n", false); !r.Applied || c.points("users")[c.bob] != 5 {
		t.Errorf("both columns: %+v", r)
	}
	if r := c.imports(head+"bob@uni.example,,18\n", false); !r.Applied || c.points("users")[c.bob] != 6 {
		t.Errorf("the second alone: %+v", r)
	}
	r := c.imports(head+"bob@uni.example,70,18\n", false)
	if r.Applied || !r.Refused() || !strings.Contains(r.Lines[len(r.Lines)-1].Mend, "two cells") {
		t.Errorf("columns that differ: %+v", r)
	}
	// A platform's own title may mean either.
	if _, err := c.Import(t.Context(), c.context, c.tessa, "x.csv", strings.NewReader("email,Networks (4711)\nbob@uni.example,1\n"), true); err == nil ||
		!strings.Contains(err.Error(), "Several tutorials") {
		t.Errorf("a title of two tutorials: %v", err)
	}
}
