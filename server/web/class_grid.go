package web

import (
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// rows are all students of the grid, in order of name.
func (s *site) rows(c *gin.Context, b *subject) ([]themes.RowView, error) {
	class, err := s.gradebook().Class(c.Request.Context(), b.context, b.course.ID, b.tutorial.ID)
	if err != nil {
		return nil, err
	}
	sent, err := s.sent(c, b)
	if err != nil {
		return nil, err
	}
	rows := make([]themes.RowView, 0, len(class.Students))
	for _, st := range class.Students {
		rows = append(rows, s.row(c, b, st, sent[st.User.ID]))
	}
	return rows, nil
}

// sent are the grades of a tutorial's link, by user.
func (s *site) sent(c *gin.Context, b *subject) (map[uint]*store.OutboxGrade, error) {
	all, err := s.Store.OutboxOf(c.Request.Context(), b.context)
	out := map[uint]*store.OutboxGrade{}
	for i, g := range all {
		if g.LinkID == b.link.ID {
			out[g.UserID] = &all[i]
		}
	}
	return out, err
}

// row shows one student of the grid.
func (s *site) row(c *gin.Context, b *subject, st gradebook.Student, sent *store.OutboxGrade) themes.RowView {
	o := b.of(st.User.ID)
	r := themes.RowView{User: userName(st.User.ID), Name: st.User.Called(), Detail: detail(st.User),
		Points: st.Standing.Points, Grade: views.Grade(st.Standing, sent, b.graded, b.platform),
		Running: s.Guests.Status(o).State == guests.Ready, LastSeen: st.LastLaunch}
	last := newest(st.Standing)
	if last != nil && (r.LastSeen == nil || last.After(*r.LastSeen)) {
		r.LastSeen = last
	}
	if r.LastSeen != nil {
		r.Href = teachPath(c, "/students/"+r.User, b)
	}
	if last == nil {
		return r
	}
	for _, check := range b.tutorial.Checks {
		r.Cells = append(r.Cells, cell(s.words(c), st.Standing.Checks[check.ID], r.Href))
	}
	return r
}

func userName(id uint) string { return strconv.FormatUint(uint64(id), 10) }

// detail tells namesakes apart.
func detail(u store.User) string {
	for _, d := range []string{u.Username, u.SourcedID, u.Email} {
		if d != "" && d != u.Called() {
			return d
		}
	}
	return ""
}

func newest(p progress.Tutorial) (last *time.Time) {
	for _, check := range p.Checks {
		if check.Last != nil && (last == nil || check.Last.StartedAt.After(*last)) {
			last = &check.Last.StartedAt
		}
	}
	return last
}

// cell shows how one student stands at one check.
func cell(l *words.Language, p progress.Check, student string) themes.CellView {
	v := themes.CellView{State: "idle", Won: p.Points, Points: p.Of, Attempts: p.Attempts, Late: p.LateDays > 0}
	switch {
	case p.Passed:
		v.State = "pass"
	case p.Counts != nil && p.Counts.Score > 0:
		v.State = "part"
	case p.Counts != nil:
		v.State = "fail"
	case p.Last != nil:
		v.State = "unsure"
	}
	if p.Fits != 0 {
		v.Note = l.Say("a wrong answer of theirs is right with another student's values")
	}
	if p.Last != nil {
		v.Href = student + "#attempt-" + p.Last.ID
	}
	return v
}

// overview is the class in a sentence.
func overview(l *words.Language, rows []themes.RowView) string {
	done := 0
	for _, r := range rows {
		if len(r.Cells) > 0 && !slices.ContainsFunc(r.Cells, func(c themes.CellView) bool { return c.State != "pass" }) {
			done++
		}
	}
	return l.Say("{done} of {n} have passed everything. A tutorial appears here once somebody has opened its activity.", "done", done, "n", len(rows))
}
