// Package views puts what the server knows into the plain data that pages and
// events show. What is not in here reaches no browser.
package views

import (
	"html/template"
	"slices"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/words"
)

// Attempt shows an attempt together with where its check stands now.
func Attempt(a store.Attempt, c progress.Check) themes.AttemptView {
	v := themes.AttemptView{
		ID: a.ID, Check: a.Check, State: a.State, Verdict: a.Verdict, Message: a.Message,
		Won: max(0, a.Score*a.Points-c.Cost(a.ID)), Best: c.Points, Points: c.Of, At: a.StartedAt, Attempts: c.Attempts,
		Left: c.Left, Auto: a.Auto,
	}
	if a.EndedAt != nil {
		v.At = *a.EndedAt
	}
	return v
}

// Said is an attempt's message in a language, as far as it is Labmark's own. Of
// attempts from before that was kept only what needs no guessing is said again.
func Said(l *words.Language, a store.Attempt) string {
	if a.Theirs == nil {
		return l.Exactly(a.Message)
	}
	return l.Around(a.Message, *a.Theirs)
}

// AttemptIn is Attempt with its message in a language.
func AttemptIn(l *words.Language, a store.Attempt, c progress.Check) themes.AttemptView {
	v := Attempt(a, c)
	v.Message = Said(l, a)
	return v
}

// GuestIn says in a language how guests stand.
func GuestIn(l *words.Language, v themes.GuestView) themes.GuestView {
	v.Detail = l.Translate(v.Detail)
	v.Machines = slices.Clone(v.Machines)
	for i := range v.Machines {
		v.Machines[i].Detail = l.Translate(v.Machines[i].Detail)
	}
	return v
}

// Guest shows a student's guests.
func Guest(s guests.Status) themes.GuestView {
	v := themes.GuestView{State: string(s.State), Detail: s.Detail, Image: s.Image,
		Since: s.Since, Generation: s.Generation,
		Place: s.Place, Estimate: int(s.Estimate / time.Minute), KeptUntil: s.KeptUntil}
	for _, g := range s.Machines {
		v.Machines = append(v.Machines, themes.MachineView{Name: g.Name, State: string(g.State), Detail: g.Detail, Generation: g.Generation})
	}
	return v
}

// Notice shows one of a student's notices.
func Notice(n guests.Notice) themes.NoticeView {
	v := themes.NoticeView{ID: n.ID, Kind: string(n.Kind), Text: n.Text, Action: string(n.Action), Gone: n.Gone}
	if !n.Until.IsZero() {
		v.Left = max(1, int(time.Until(n.Until).Seconds()))
	}
	return v
}

// Score shows the points of one tutorial.
func Score(p progress.Tutorial) themes.Score { return themes.Score{Points: p.Points, Of: p.Of} }

// Sum adds up the points of several tutorials.
func Sum(ps ...progress.Tutorial) themes.Score {
	var s themes.Score
	for _, p := range ps {
		s.Points += p.Points
		s.Of += p.Of
	}
	return s
}

// Check shows one check's button.
func Check(c *content.Check, values content.Values, p progress.Check) themes.CheckView {
	v := themes.CheckView{ID: c.ID, Title: values.Fill(c.Title), Points: p.Of, Won: p.Points, Attempts: p.Attempts, Auto: c.Auto,
		Passed: p.Passed, Late: p.LateDays > 0}
	if v.Title == "" {
		v.Title = c.ID
	}
	if p.Last != nil {
		last := Attempt(*p.Last, p)
		v.Last = &last
	}
	return v
}

// Student is all that a tutorial's pages differ by between students.
type Student struct {
	// Language is the one in which Labmark speaks.
	Language *words.Language
	Tutorial *content.Tutorial
	Values   content.Values
	Progress progress.Tutorial
	// Choices are a question's, in the order in which the student sees them.
	Choices func(check string) []content.Choice
}

// Body fills a body's holes for a student.
func (s Student) Body(b content.Body) []themes.Part {
	parts := make([]themes.Part, 0, len(b))
	for _, p := range b {
		parts = append(parts, s.part(p))
	}
	return parts
}

func (s Student) part(p content.Part) themes.Part {
	switch {
	case p.Var != "":
		return themes.Part{Text: s.Values[p.Var]}
	case p.Check != "":
		return themes.Part{Check: s.check(p.Check)}
	case p.Question != "":
		return themes.Part{Question: s.question(p.Question)}
	case p.File != "":
		return themes.Part{File: s.file(p.File)}
	case p.Hint != "":
		return themes.Part{Hint: s.hint(p.Hint)}
	case p.Solution != "":
		return themes.Part{Solution: &themes.SolutionView{
			Check: p.Solution, Available: s.Progress.Checks[p.Solution].Passed}}
	case p.Run != nil:
		return themes.Part{Run: &themes.RunView{Guest: p.Run.Guest, Command: p.Run.Fill(s.Values)}}
	}
	// The content package has sanitised it.
	return themes.Part{HTML: template.HTML(p.HTML)}
}

func (s Student) check(id string) *themes.CheckView {
	if c := s.find(id); c != nil {
		v := s.view(c)
		return &v
	}
	return nil
}

func (s Student) view(c *content.Check) themes.CheckView {
	p := s.Progress.Checks[c.ID]
	v := Check(c, s.Values, p)
	if v.Last != nil {
		v.Last.Message = Said(s.Language, *p.Last)
	}
	return v
}

func (s Student) find(check string) *content.Check {
	if s.Tutorial == nil {
		return nil // withdrawn a moment ago
	}
	for _, c := range s.Tutorial.Checks {
		if c.ID == check {
			return c
		}
	}
	return nil
}

func (s Student) file(id string) *themes.FileView {
	for _, f := range s.Tutorial.FileBlocks {
		if f.ID == id {
			return &themes.FileView{ID: id, Guest: f.Guest, Path: f.Path, Body: s.Body(f.Body)}
		}
	}
	return nil
}

func (s Student) hint(id string) *themes.HintView {
	for _, h := range s.Tutorial.Hints {
		if h.ID != id {
			continue
		}
		state := s.Progress.Hints[id]
		v := &themes.HintView{ID: id, After: h.After, Cost: h.Cost, Due: state.Due, Opened: state.Opened}
		if state.Opened {
			v.Body = s.Body(h.Body)
		}
		return v
	}
	return nil
}

// Solutions shows a check's solutions, as far as the author lets students
// read them and the student has passed the check.
func (s Student) Solutions(check string) []themes.Part {
	var parts []themes.Part
	for _, sol := range s.Tutorial.Solutions {
		if sol.For != check || !sol.Shown || !s.Progress.Checks[check].Passed {
			continue
		}
		for _, text := range []string{sol.Script, s.Values.Fill(sol.Answer)} {
			if text != "" {
				parts = append(parts, themes.Part{HTML: `<pre tabindex="0"><code>`}, themes.Part{Text: text}, themes.Part{HTML: "</code></pre>"})
			}
		}
	}
	return parts
}
