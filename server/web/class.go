package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

const classPath = "/class"

// classRoutes are the pages of those who teach. All of them stay within the
// context of the viewer's launch.
func (s *site) classRoutes(pages, api *gin.RouterGroup) {
	pages.GET("", s.class)
	pages.GET("/students/:user", s.studentPage)
	pages.POST("/students/:user/override", s.override)
	pages.POST("/students/:user/revoke", s.revoke)
	pages.POST("/students/:user/allowance", s.allow)
	pages.GET("/checks/:check", s.checkPage)
	pages.GET("/outbox", s.outboxPage)
	pages.POST("/outbox", s.outboxAction)
	pages.GET("/settings", s.settingsPage)
	pages.POST("/settings", s.saveSettings)
	pages.POST("/import", s.importGrades)
	pages.GET("/export/:format", s.exportGrades)
	api.GET("/events", s.classEvents)
}

// teaches lets those pass who teach the context of their launch.
func (s *site) teaches(c *gin.Context) {
	if in := seat(c).launch; in == nil || in.Context == 0 || !in.membership.Instructor {
		s.fail(c, errTeachers)
	}
}

// subject is one tutorial of the viewer's context, as class pages show it.
type subject struct {
	course   *content.Course
	tutorial *content.Tutorial
	context  uint
	link     *store.ResourceLink // that takes its grade
	graded   bool                // the platform takes grades for it
	platform string
}

func (b subject) name() string { return b.course.ID + "/" + b.tutorial.ID }

func (b subject) of(user uint) store.Owner {
	return store.Owner{UserID: user, Context: b.context, Course: b.course.ID, Tutorial: b.tutorial.ID}
}

// subject finds the tutorial that a request is about: ?tutorial=COURSE/TUTORIAL,
// else that of the launch, else the first of the context. Nil after an error
// page.
func (s *site) subject(c *gin.Context) *subject {
	in := seat(c).launch
	want := c.Query("tutorial")
	if want == "" {
		for _, l := range in.links {
			if l.ID == in.Link {
				want = l.Course + "/" + l.Tutorial
			}
		}
	}
	linked := s.linked(in)
	for _, b := range linked {
		if b.name() == want || b.course.ID+"/" == want {
			return &b
		}
	}
	if c.Query("tutorial") != "" || len(linked) == 0 {
		s.fail(c, errNoPage)
		return nil
	}
	return &linked[0]
}

// linked are the tutorials that a context shows, in the order of its links.
func (s *site) linked(in *launched) []subject {
	var out []subject
	for i := range in.links {
		l := &in.links[i]
		course := s.Catalog.Course(l.Course)
		if course == nil {
			continue
		}
		for _, t := range course.Tutorials {
			if l.Tutorial != t.ID && l.Tutorial != "" {
				continue
			}
			b := subject{course, t, in.Context, l, l.LineItem != "" || in.context.LineItems != "", in.platform.Name}
			switch known := slices.IndexFunc(out, func(b subject) bool { return b.tutorial == t }); {
			case known < 0:
				out = append(out, b)
			case out[known].link.Tutorial == "" && l.Tutorial != "":
				out[known] = b // as news.Desk has it for the student
			}
		}
	}
	return out
}

// teachPath is the address of a class page about one tutorial.
func teachPath(c *gin.Context, path string, b *subject) string {
	return at(c, classPath+path) + "?tutorial=" + url.QueryEscape(b.name())
}

func (s *site) teachLinks(c *gin.Context, b *subject, path string) themes.TeachLinks {
	links := themes.TeachLinks{Grid: teachPath(c, "", b), Outbox: teachPath(c, "/outbox", b), Settings: teachPath(c, "/settings", b)}
	for _, other := range s.linked(seat(c).launch) {
		links.Tutorials = append(links.Tutorials, themes.Link{Title: other.tutorial.Title, Href: teachPath(c, path, &other),
			Current: other.tutorial == b.tutorial})
	}
	return links
}

func (s *site) class(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	rows, err := s.rows(c, b)
	if err != nil {
		s.fail(c, err)
		return
	}
	in := seat(c).launch
	page := themes.ClassPage{Layout: s.layout(c, s.words(c).Say("Class"), themes.Crumb{Title: b.tutorial.Title, Href: tutorialPath(c, b.course, b.tutorial)}), TeachLinks: s.teachLinks(c, b, ""), Heading: b.tutorial.Title,
		Events: at(c, "/api"+classPath+"/events") + "?tutorial=" + url.QueryEscape(b.name()),
		Roster: rosterAge(s.words(c), in.context, s.Office.Now()), Exports: exports(c, s.words(c), b)}
	for _, check := range b.tutorial.Checks {
		page.Of += check.Points
		page.Checks = append(page.Checks, themes.ClassCheck{ID: check.ID, Title: checkTitle(check), Points: check.Points,
			Href: teachPath(c, "/checks/"+check.ID, b)})
	}
	page.Rows, page.Overview = rows, overview(s.words(c), rows)
	if page.Unprepared, err = s.unprepared(c, b, rows); err != nil {
		s.fail(c, err)
		return
	}
	if page.Changes, err = s.recentChanges(c, b.course.ID, b.tutorial.ID); err != nil {
		s.fail(c, err)
		return
	}
	for _, row := range rows {
		switch row.Grade.State {
		case "waiting":
			page.Waiting++
		case "refused":
			page.Refused++
		}
	}
	s.page(c, http.StatusOK, page)
}

func (s *site) gradebook() gradebook.Book {
	return gradebook.Book{Store: s.Store, Catalog: s.Catalog}
}

func checkTitle(check *content.Check) string {
	if check.Title != "" {
		return check.Title
	}
	return check.ID
}

// rosterAge says how old the list of students is, or why there is none.
func rosterAge(l *words.Language, ctx store.Context, now time.Time) string {
	switch {
	case ctx.RosterWhy != "":
		return l.Say("The list of students could not be read: {why}", "why", l.Translate(ctx.RosterWhy))
	case ctx.Memberships == "":
		return l.Say("The platform does not give its list of students: only those who came are shown.")
	case ctx.RosterAt == nil:
		return l.Say("The list of students is being read.")
	}
	if age := now.Sub(*ctx.RosterAt); age >= time.Minute {
		return l.Say("The list of students is {age} old.", "age", strings.TrimSuffix(age.Truncate(time.Minute).String(), "0s"))
	}
	return l.Say("The list of students has just been read.")
}

func exports(c *gin.Context, l *words.Language, b *subject) []themes.Link {
	var out []themes.Link
	for _, f := range exportFormats {
		out = append(out, themes.Link{Title: f.title, Note: l.Say(f.note), Href: teachPath(c, "/export/"+f.name, b)})
	}
	return out
}
