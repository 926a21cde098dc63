package web

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// pupil finds the student of the viewer's context that a path names. Nil after
// an error page.
func (s *site) pupil(c *gin.Context) (*subject, *gradebook.StudentWork) {
	b := s.subject(c)
	if b == nil {
		return nil, nil
	}
	id, _ := strconv.ParseUint(c.Param("user"), 10, 32)
	w, err := s.gradebook().Student(c.Request.Context(), b.of(uint(id)))
	if err != nil {
		s.fail(c, err)
		return nil, nil
	}
	return b, &w
}

func (s *site) studentPage(c *gin.Context) {
	if b, w := s.pupil(c); b != nil {
		s.showStudent(c, http.StatusOK, b, w, "")
	}
}

func (s *site) showStudent(c *gin.Context, status int, b *subject, w *gradebook.StudentWork, problem string) {
	row, err := s.Store.OutboxGrade(c.Request.Context(), b.link.ID, w.User.ID)
	if err != nil {
		s.fail(c, err)
		return
	}
	by, err := s.names(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	path := "/students/" + userName(w.User.ID)
	name := w.User.Called()
	page := themes.StudentPage{Layout: s.layout(c, name, themes.Crumb{Title: s.words(c).Say("Class"), Href: teachPath(c, "", b)}),
		TeachLinks: s.teachLinks(c, b, path), Name: name, Detail: detail(w.User), Heading: b.tutorial.Title,
		Score: themes.Score{Points: w.Standing.Earned, Of: w.Standing.Of}, Explain: w.Standing.Explain(s.words(c), w.Tutorial), Error: problem,
		Grade:           views.GradeIn(s.words(c), views.Grade(w.Standing, row, b.graded, b.platform)),
		OverrideAction:  teachPath(c, path+"/override", b),
		AllowanceAction: teachPath(c, path+"/allowance", b),
		ExtraMinutes:    int(w.Standing.Allowance.Extra / time.Minute), Excused: w.Standing.Allowance.Excused,
		AllowanceReason: w.Standing.Allowance.Reason, Overrides: overrides(s.words(c), w, by),
		Previous: neighbour(c, b, w.Previous), Next: neighbour(c, b, w.Next)}
	page.Flash = s.flash(c)
	if w.Standing.Override != nil {
		page.RevokeAction = teachPath(c, path+"/revoke", b)
	}
	if g := s.Guests.Status(b.of(w.User.ID)); g.State != guests.None {
		v := views.GuestIn(s.words(c), views.Guest(g))
		page.Guest = &v
	}
	for _, check := range b.tutorial.Checks {
		page.Checks = append(page.Checks, views.Check(check, w.Values, w.Standing.Checks[check.ID]))
	}
	for _, a := range w.Attempts {
		page.Attempts = append(page.Attempts, evidence(s.words(c), a, b.tutorial, w, by))
	}
	for _, r := range w.Setups {
		page.Setups = append(page.Setups, themes.SetupRunView{At: r.StartedAt, Where: fmt.Sprintf("%s:%d", r.File, r.Line),
			Guest: r.Guest, Step: r.Step, Failed: r.Failed(), Message: s.words(c).Translate(r.Message), Stdout: r.Stdout, Stderr: r.Stderr})
	}
	for _, v := range b.tutorial.Vars {
		page.Vars = append(page.Vars, themes.VarView{Name: v.Name, Value: w.Values[v.Name]})
	}
	s.page(c, status, page)
}

// names are what the people of the viewer's context are called.
func (s *site) names(c *gin.Context) (map[uint]string, error) {
	members, err := s.Store.Members(c.Request.Context(), seat(c).contextID())
	out := map[uint]string{}
	for _, m := range members {
		out[m.User.ID] = m.User.Called()
	}
	return out, err
}

func neighbour(c *gin.Context, b *subject, m *store.Member) *themes.Crumb {
	if m == nil {
		return nil
	}
	return &themes.Crumb{Title: m.User.Called(), Href: teachPath(c, "/students/"+userName(m.User.ID), b)}
}

func overrides(l *words.Language, w *gradebook.StudentWork, by map[uint]string) []themes.OverrideView {
	var out []themes.OverrideView
	for _, o := range w.Overrides {
		v := themes.OverrideView{At: o.At, By: by[o.By], Reason: o.Reason, Revoked: o.Points == nil,
			Current: w.Standing.Override != nil && w.Standing.Override.ID == o.ID}
		if v.By == "" {
			v.By = l.Say("command line")
		}
		if o.Points != nil {
			v.Points = *o.Points
		}
		out = append(out, v)
	}
	return out
}

// evidence shows an attempt with all that is known of it. by are the names of
// the people of the class.
func evidence(l *words.Language, a store.Attempt, t *content.Tutorial, w *gradebook.StudentWork, by map[uint]string) themes.EvidenceView {
	standing := w.Standing.Checks[a.Check]
	v := themes.EvidenceView{AttemptView: views.AttemptIn(l, a, standing), Title: a.Check, Exit: a.ExitStatus,
		Counts: standing.Counts != nil && standing.Counts.ID == a.ID, Stdout: a.Stdout, Stderr: a.Stderr,
		StdoutCut: a.StdoutCut, StderrCut: a.StderrCut, Revision: a.Revision, Image: a.Image, Machine: a.GuestID}
	v.Answer = answered(a, t, w.Values)
	title := titleOf(t, a.Check)
	if title != "" {
		v.Title = title
	}
	if a.EndedAt != nil {
		v.Took = a.EndedAt.Sub(a.StartedAt)
	}
	switch {
	case title == "":
		v.Note = l.Say("the course no longer has this check")
	case a.Verdict == "unsure":
		v.Note = l.Say("could not tell: counts nowhere")
	case v.Counts && standing.LateDays > 0:
		v.Note = l.Count(float64(standing.LateDays), "{n} day late", "{n} days late")
	case v.Counts:
		v.Note = ""
	default:
		v.Note = l.Say("another attempt counts")
	}
	for _, more := range []string{fits(l, a.Fits, by), looked(l, a)} {
		if more != "" {
			v.Note = strings.TrimPrefix(v.Note+"; "+more, "; ")
		}
	}
	return v
}

// fits says that an answer would have been right for somebody else.
func fits(l *words.Language, user uint, by map[uint]string) string {
	if user == 0 {
		return ""
	}
	name := by[user]
	if name == "" {
		name = l.Say("somebody who has left")
	}
	return l.Say("this wrong answer is right with the values of {name}", "name", name)
}

func looked(l *words.Language, a store.Attempt) string {
	if a.Auto {
		return l.Say("the page had looked by itself: it is not counted as an attempt")
	}
	return ""
}

// answered is what a student answered, as one reads it.
func answered(a store.Attempt, t *content.Tutorial, values content.Values) []string {
	answer := a.Answered()
	for _, c := range t.Checks {
		if c.ID == a.Check && c.Question != nil && answer != nil && c.Question.Accepts(answer) == nil {
			return strings.Split(c.Question.Spoken(answer, values), "\n")
		}
	}
	return answer
}

// reason is why an instructor decides something. Without one nothing is.
func reason(c *gin.Context) string { return strings.TrimSpace(c.PostForm("reason")) }

const needReason = "Give a reason: it stays with the decision, for the student's sake and yours."

func (s *site) override(c *gin.Context) {
	b, w := s.pupil(c)
	if b == nil {
		return
	}
	points, err := strconv.ParseFloat(strings.ReplaceAll(c.PostForm("points"), ",", "."), 64)
	switch {
	case err != nil || points < 0 || math.IsNaN(points) || points > w.Standing.Of:
		s.showStudent(c, http.StatusUnprocessableEntity, b, w,
			s.words(c).Say("“{text}” can't be the points: give a number from 0 to {n}.", "text", c.PostForm("points"), "n", s.words(c).Number(w.Standing.Of)))
	case reason(c) == "":
		s.showStudent(c, http.StatusUnprocessableEntity, b, w, s.words(c).Say(needReason))
	default:
		s.decide(c, b, w, &points)
	}
}

func (s *site) revoke(c *gin.Context) {
	b, w := s.pupil(c)
	if b == nil {
		return
	}
	if reason(c) == "" {
		s.showStudent(c, http.StatusUnprocessableEntity, b, w, s.words(c).Say(needReason))
		return
	}
	s.decide(c, b, w, nil)
}

// decide stores an override, or takes the one that holds back.
func (s *site) decide(c *gin.Context, b *subject, w *gradebook.StudentWork, points *float64) {
	err := s.Store.Decide(c.Request.Context(), []store.Override{{ContextID: b.context, UserID: w.User.ID,
		Course: b.course.ID, Tutorial: b.tutorial.ID, Points: points, Reason: reason(c), By: viewer(c).ID}}, nil)
	s.decided(c, b, w, err)
}

// decided tells everybody of a decision and leads back to the student.
func (s *site) decided(c *gin.Context, b *subject, w *gradebook.StudentWork, err error) {
	if err != nil {
		s.fail(c, err)
		return
	}
	s.Outbox.Kick()
	s.Desk.Graded(c.Request.Context(), b.of(w.User.ID))
	c.Redirect(http.StatusSeeOther, teachPath(c, "/students/"+userName(w.User.ID), b)+"&said=decided")
}

// longest is the most extra time that can be given.
const longest = 366 * 24 * time.Hour

func (s *site) allow(c *gin.Context) {
	b, w := s.pupil(c)
	if b == nil {
		return
	}
	minutes, err := strconv.Atoi(c.DefaultPostForm("minutes", "0"))
	extra := time.Duration(minutes) * time.Minute
	switch {
	case err != nil || minutes < 0 || minutes > int(longest/time.Minute):
		s.showStudent(c, http.StatusUnprocessableEntity, b, w, s.words(c).Say("Give the extra time as whole minutes, 0 or more, up to a year."))
		return
	case reason(c) == "":
		s.showStudent(c, http.StatusUnprocessableEntity, b, w, s.words(c).Say(needReason))
		return
	}
	err = s.Store.Decide(c.Request.Context(), nil, []store.Allowance{{ContextID: b.context, UserID: w.User.ID,
		Course: b.course.ID, Tutorial: b.tutorial.ID, Extra: extra, Excused: c.PostForm("excused") == "1",
		Reason: reason(c), By: viewer(c).ID}})
	s.decided(c, b, w, err)
}
