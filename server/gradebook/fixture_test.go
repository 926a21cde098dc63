package gradebook

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/store"
)

// class is a small class: Ada has done all of "users", Bob a part, Chen has
// never come, Dora's name is withheld, Tessa teaches.
type class struct {
	Book
	t                              *testing.T
	context                        uint
	ada, bob, chen, dora, tessa    uint
	linkUsers, linkNet, linkCourse store.ResourceLink
	attempts                       int
}

var course = &content.Course{ID: "linux", Title: "Linux: the basics", Tutorials: []*content.Tutorial{
	{ID: "users", Title: "Users and groups", Checks: []*content.Check{
		{ID: "add-user", Points: 6, Sticky: true}, {ID: "groups", Points: 4, Sticky: true}}},
	{ID: "net", Title: "Networks", Checks: []*content.Check{{ID: "ping", Points: 3, Sticky: true}}},
	{ID: "extra", Title: "For the curious", Checks: []*content.Check{{ID: "x", Points: 1, Sticky: true}}},
}}

func newClass(t *testing.T) *class {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "labmark.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	courses, err := catalog.New(nil, course)
	if err != nil {
		t.Fatal(err)
	}
	c := &class{Book: Book{Store: db, Catalog: courses}, t: t}
	p := store.Platform{Name: "Moodle", Issuer: "https://lms.example", ClientID: "one", State: store.PlatformActive}
	if err := db.AddPlatform(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	person := func(subject, given, family, number string, teaches bool, link string) (uint, store.ResourceLink) {
		u := store.User{PlatformID: &p.ID, Subject: &subject, GivenName: given, FamilyName: family,
			Username: subject, PlatformNumber: number, SourcedID: "S" + number}
		if given != "" {
			u.Name, u.Email = given+" "+family, subject+"@uni.example"
		}
		l, err := db.TakeLaunch(t.Context(), store.Launch{User: u,
			Context:    &store.Context{PlatformID: p.ID, Deployment: "1", LTIID: "7", Label: "LX", Title: "Linux 2026"},
			Membership: store.Membership{Learner: !teaches, Instructor: teaches}, Link: target(link)})
		if err != nil {
			t.Fatal(err)
		}
		c.context = l.Context.ID
		return l.User.ID, *l.Link
	}
	c.tessa, c.linkUsers = person("tessa", "Tessa", "Teacher", "1", true, "users")
	c.ada, c.linkNet = person("ada", "Ada", "Ansah", "11", false, "net")
	c.bob, c.linkCourse = person("bob", "Bob", "Brown", "12", false, "")
	c.chen, _ = person("chen", "Chen", "Liu", "13", false, "users")
	c.dora, _ = person("dora", "", "", "14", false, "users")
	c.try(c.ada, "users", "add-user", 1, "Well done.")
	c.try(c.ada, "users", "groups", 0, "ada is in no group.")
	c.try(c.ada, "users", "groups", 1, "Well done.")
	c.try(c.bob, "users", "add-user", 0.5, "1 of 2 done.")
	c.try(c.bob, "users", "groups", -1, "The connection broke off.")
	c.try(c.tessa, "users", "groups", 0, "tessa is in no group.")
	return c
}

// target is a link to a tutorial, or to the course if there is none.
func target(tutorial string) *store.ResourceLink {
	title := map[string]string{"users": "Lab 1: users", "net": "Networks", "": "The whole course"}[tutorial]
	return &store.ResourceLink{LTIID: "link-" + tutorial, Title: title, Course: "linux", Tutorial: tutorial}
}

// try stores a done attempt; a negative score could not tell.
func (c *class) try(user uint, tutorial, check string, score float64, message string) string {
	c.t.Helper()
	c.attempts++
	now, zero := time.Now().UTC(), 0
	a := store.Attempt{ID: fmt.Sprintf("attempt-%03d", c.attempts), UserID: user, ContextID: c.context, Course: "linux", Tutorial: tutorial,
		Check: check, Points: 1, GuestID: "guest-1", Vars: fmt.Sprintf(`{"who":%q}`, map[uint]string{c.ada: "ada", c.bob: "bob"}[user])}
	if _, _, err := c.Store.BeginAttempt(c.t.Context(), a); err != nil {
		c.t.Fatal(err)
	}
	a.Verdict, a.Score, a.Message, a.EndedAt, a.ExitStatus = "fail", score, message, &now, &zero
	a.Stdout, a.Stderr = "stdout of "+a.ID, "=cmd|' /C calc'!A0"
	switch {
	case score < 0:
		a.Verdict, a.Score = "unsure", 0
	case score == 1:
		a.Verdict = "pass"
	}
	if err := c.Store.FinishAttempt(c.t.Context(), a); err != nil {
		c.t.Fatal(err)
	}
	return a.ID
}

func (c *class) decide(o []store.Override, a []store.Allowance) {
	c.t.Helper()
	if err := c.Store.Decide(c.t.Context(), o, a); err != nil {
		c.t.Fatal(err)
	}
}

// points are what everybody has in a tutorial, by user.
func (c *class) points(tutorial string) map[uint]float64 {
	c.t.Helper()
	got, err := c.Class(c.t.Context(), c.context, "linux", tutorial)
	if err != nil {
		c.t.Fatal(err)
	}
	out := map[uint]float64{}
	for _, s := range got.Students {
		out[s.User.ID] = s.Standing.Points
	}
	return out
}
