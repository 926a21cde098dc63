package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
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
	page := themes.OutboxPage{Layout: s.layout(c, "Grades on their way", themes.Crumb{Title: "Class", Href: teachPath(c, "", b)}),
		TeachLinks: s.teachLinks(c, b, "/outbox"), Action: teachPath(c, "/outbox", b)}
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
	row := themes.OutboxRow{ID: outboxID(g), Tries: g.Tries, LastError: g.LastError, Since: g.ChangedAt,
		Student:  themes.Crumb{Title: name, Href: teachPath(c, "/students/"+userName(g.UserID), b)},
		Platform: b.platform}
	for _, l := range seat(c).launch.links {
		if l.ID != g.LinkID {
			continue
		}
		row.Tutorial = themes.Crumb{Title: cmp.Or(l.Title, l.Course+"/"+l.Tutorial)}
		if grade, err := s.book.Grade(c.Request.Context(), l, g.UserID); err == nil {
			row.Grade.Points, row.Grade.Of = grade.Given, grade.Maximum
		}
	}
	row.Grade.State, row.Grade.Why, row.Grade.Platform = "waiting", g.Why, b.platform
	if g.State == store.OutboxRefused {
		row.Grade.State = "refused"
		row.Mend = "Mend what the platform complains of, then try again."
	} else if g.Tries > 0 && g.NextTry.After(time.Now()) {
		next := g.NextTry
		row.Grade.NextTry = &next
	}
	return row
}

// outboxAction tries one grade again, or all that were refused.
func (s *site) outboxAction(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	if err := s.retry(c, b.context, c.PostForm("retry")); err != nil {
		s.fail(c, err)
		return
	}
	back := at(c, classPath+"/outbox")
	if q := c.Request.URL.RawQuery; q != "" && !strings.ContainsAny(q, "\r\n") {
		back += "?" + q
	}
	c.Redirect(http.StatusSeeOther, back)
}

// retry takes "all" or what outboxRow has given as an ID.
func (s *site) retry(c *gin.Context, contextID uint, what string) error {
	ctx := c.Request.Context()
	if what == "all" {
		_, err := s.Outbox.RetryAll(ctx, contextID)
		return err
	}
	all, err := s.Store.OutboxOf(ctx, contextID)
	if err != nil {
		return err
	}
	for _, g := range all {
		if outboxID(g) == what {
			err := s.Outbox.Retry(ctx, g.LinkID, g.UserID)
			if errors.Is(err, store.ErrNotFound) {
				return nil // it was sent meanwhile
			}
			return err
		}
	}
	return nil
}

func outboxID(g store.OutboxGrade) string { return fmt.Sprintf("%d-%d", g.LinkID, g.UserID) }
