package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// outboxPage shows which grades of the context have not arrived.
func (s *site) outboxPage(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	s.showOutbox(c, b, nil)
}

func (s *site) showOutbox(c *gin.Context, b *subject, compared *themes.ComparedView) {
	names, err := s.names(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	all, err := s.Store.OutboxOf(c.Request.Context(), b.context)
	if err != nil {
		s.fail(c, err)
		return
	}
	page := themes.OutboxPage{Compared: compared, Layout: s.layout(c, s.words(c).Say("Grades on their way"), themes.Crumb{Title: s.words(c).Say("Class"), Href: teachPath(c, "", b)}),
		TeachLinks: s.teachLinks(c, b, "/outbox"), Action: teachPath(c, "/outbox", b)}
	page.Flash = s.flash(c)
	slices.SortStableFunc(all, func(x, y store.OutboxGrade) int {
		return cmp.Or(cmp.Compare(urgency(x), urgency(y)), x.NextTry.Compare(y.NextTry))
	})
	for _, g := range all {
		switch g.State {
		case store.OutboxSent:
			page.Sent++
			continue
		case store.OutboxRefused:
			page.Refused++
		case store.OutboxNowhere:
			continue
		default:
			page.Waiting++
		}
		page.Rows = append(page.Rows, s.outboxRow(c, b, g, names[g.UserID]))
	}
	s.page(c, http.StatusOK, page)
}

// urgency puts what waits for a person first.
func urgency(g store.OutboxGrade) int {
	if g.State == store.OutboxRefused {
		return 0
	}
	return 1
}

func (s *site) outboxRow(c *gin.Context, b *subject, g store.OutboxGrade, name string) themes.OutboxRow {
	row := themes.OutboxRow{ID: outboxID(g), Tries: g.Tries, LastError: plainly(g.LastError), Since: g.ChangedAt,
		Student:  themes.Crumb{Title: name, Href: teachPath(c, "/students/"+userName(g.UserID), b)},
		Platform: b.platform}
	for _, l := range seat(c).launch.links {
		if l.ID != g.LinkID {
			continue
		}
		row.Tutorial = themes.Crumb{Title: linkTitle(l)}
		if grade, err := s.book.Grade(c.Request.Context(), l, g.UserID); err == nil {
			row.Grade.Points, row.Grade.Of = grade.Given, grade.Maximum
		}
	}
	row.Grade.State, row.Grade.Why, row.Grade.Platform = "waiting", plainly(s.words(c).Translate(g.Why)), b.platform
	if g.State == store.OutboxRefused {
		row.Grade.State = "refused"
		row.Mend = s.words(c).Say("Mend what the platform complains of, then try again.")
	} else if g.Tries > 0 && g.NextTry.After(time.Now()) {
		next := g.NextTry
		row.Grade.NextTry = &next
	}
	return row
}

var tags = regexp.MustCompile(`<[^<>]*>`)

// plainly is what a platform has answered, without the markup of error pages.
func plainly(text string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(text, " ")), " ")
}

// outboxAction does what a button of themes.OutboxPage asks for.
func (s *site) outboxAction(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	if c.PostForm("compare") != "" {
		s.compare(c, b)
		return
	}
	err := s.retry(c, b.context, c.PostForm("retry"))
	if err == nil {
		err = s.leaveGrade(c, b.context, c.PostForm("drop"))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, teachPath(c, "/outbox", b)+"&said=trying")
}

// retry takes "all" or what outboxRow has given as an ID.
func (s *site) retry(c *gin.Context, contextID uint, what string) error {
	ctx := c.Request.Context()
	if what == "all" {
		_, err := s.Outbox.RetryAll(ctx, contextID)
		return err
	}
	g, err := s.named(ctx, contextID, what)
	if g == nil || err != nil {
		return err
	}
	if err = s.Outbox.Retry(ctx, g.LinkID, g.UserID); errors.Is(err, store.ErrNotFound) {
		return nil // it was sent meanwhile
	}
	return err
}

// leaveGrade lets a refused grade be.
func (s *site) leaveGrade(c *gin.Context, contextID uint, what string) error {
	ctx := c.Request.Context()
	g, err := s.named(ctx, contextID, what)
	if g == nil || err != nil {
		return err
	}
	_, err = s.Store.LeaveGrade(ctx, g.LinkID, g.UserID)
	return err
}

// named finds a grade of a context by its ID, nil if there is none.
func (s *site) named(ctx context.Context, contextID uint, id string) (*store.OutboxGrade, error) {
	all, err := s.Store.OutboxOf(ctx, contextID)
	for i := range all {
		if outboxID(all[i]) == id {
			return &all[i], err
		}
	}
	return nil, err
}

// compare shows how the platform's gradebook differs from what was sent.
func (s *site) compare(c *gin.Context, b *subject) {
	found, err := s.Office.Compare(c.Request.Context(), b.context)
	if err != nil {
		s.fail(c, err)
		return
	}
	names, err := s.names(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	view := &themes.ComparedView{Same: found.Same}
	for _, why := range found.Unread {
		view.Unread = append(view.Unread, plainly(why))
	}
	for _, d := range found.Differences {
		row := themes.ComparedRow{Student: themes.Crumb{Title: names[d.User], Href: teachPath(c, "/students/"+userName(d.User), b)},
			Tutorial: themes.Crumb{Title: linkTitle(d.Link)}, Sent: d.Sent * d.Of, Of: d.Of}
		if d.Has != nil {
			has := *d.Has * d.Of
			row.Has = &has
		}
		view.Rows = append(view.Rows, row)
	}
	s.showOutbox(c, b, view)
}

func linkTitle(l store.ResourceLink) string { return cmp.Or(l.Title, l.Course+"/"+l.Tutorial) }

func outboxID(g store.OutboxGrade) string { return fmt.Sprintf("%d-%d", g.LinkID, g.UserID) }
