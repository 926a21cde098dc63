package web

import (
	"cmp"
	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/events"
	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/server/news"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
)

// classEvents streams what happens in a class: see themes.ClassPage.
func (s *site) classEvents(c *gin.Context) {
	b := s.subject(c)
	if b == nil {
		return
	}
	notes, done := s.Hub.Listen(news.ClassOf(b.context, b.course.ID, b.tutorial.ID))
	defer done()
	// A page that connects afresh is told everything: it may have missed news.
	rows, err := s.rows(c, b)
	if err != nil {
		s.fail(c, err)
		return
	}
	first := make([]events.Event, 0, len(rows))
	for _, row := range rows {
		first = append(first, events.Event{Name: "row", Data: row})
	}
	s.stream(c, first, notes, func(e events.Event) error {
		// A page may stay open for days: ask again what teaches has asked.
		if in, err := s.launchOf(c.Request.Context()); err != nil || !in.membership.Instructor {
			return cmp.Or[error](err, errTeachers)
		}
		return s.sendNote(c, b, e.Data.(news.Note))
	})
}

// sendNote tells the page how a student stands now.
func (s *site) sendNote(c *gin.Context, b *subject, n news.Note) error {
	if n.Running != "" {
		p, err := s.book.Tutorial(c.Request.Context(), b.of(n.User))
		if err != nil {
			return err
		}
		v := cell(s.words(c), p.Checks[n.Running], teachPath(c, "/students/"+userName(n.User), b))
		v.State = "running"
		return s.send(c, events.Event{Name: "cell", Data: themes.CellEvent{User: userName(n.User), Check: n.Running, Cell: v}})
	}
	members, err := s.Store.Members(c.Request.Context(), b.context)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Learner && (m.User.ID == n.User || n.User == 0) {
			if err := s.sendRow(c, b, m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *site) sendRow(c *gin.Context, b *subject, m store.Member) error {
	p, err := s.book.Tutorial(c.Request.Context(), b.of(m.User.ID))
	if err != nil {
		return err
	}
	sent, err := s.Store.OutboxGrade(c.Request.Context(), b.link.ID, m.User.ID)
	if err != nil {
		return err
	}
	row := s.row(c, b, gradebook.Student{Member: m, Standing: p}, sent)
	return s.send(c, events.Event{Name: "row", Data: row})
}
