package progress

import (
	"context"
	"fmt"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// Progress of a Grade, in the words of AGS 2.0, section 3.4.7.
const (
	InProgress = "InProgress"
	Completed  = "Completed"
)

// Grade is what a resource link's line item should show of one user.
type Grade struct {
	// Given and Maximum are in points, or in weights for a whole course, with
	// at most four decimals.
	// Maximum is 0 where there is nothing to win.
	Given, Maximum float64
	Comment        string    // plain text for the student and the grader
	Progress       string    // InProgress or Completed
	At             time.Time // of the newest attempt that counts; zero if none does
	// Excused is true where nothing of what the link shows counts for the user.
	Excused bool
}

// Grade works out the grade of one user at one resource link;
// store.ErrNotFound if the link shows nothing that is served.
func (b Book) Grade(ctx context.Context, link store.ResourceLink, user uint) (Grade, error) {
	o := store.Owner{UserID: user, Context: link.ContextID, Course: link.Course, Tutorial: link.Tutorial}
	if link.Tutorial != "" {
		p, err := b.Tutorial(ctx, o)
		if err != nil {
			return Grade{}, err
		}
		t, _ := b.Catalog.Tutorial(o)
		return p.Grade(t), nil
	}
	course := b.Catalog.Course(link.Course)
	if course == nil {
		return Grade{}, store.ErrNotFound
	}
	w, err := b.Store.Work(ctx, o)
	if err != nil {
		return Grade{}, err
	}
	return CourseGrade(course, w, user), nil
}

// Grade is what the standing comes to at a platform.
func (p Tutorial) Grade(t *content.Tutorial) Grade {
	return Grade{Given: p.Points, Maximum: p.Of, Comment: p.comment(t), Progress: p.progress(),
		At: p.at(), Excused: p.Allowance.Excused}
}

func (p Tutorial) progress() string {
	if p.Override != nil || p.PassedAll() {
		return Completed
	}
	return InProgress
}

// at is when there was last something to tell.
func (p Tutorial) at() time.Time {
	switch {
	case p.At != nil:
		return *p.At
	case p.Override != nil:
		return p.Override.At
	}
	return time.Time{}
}

// weight of the tutorial in its course's grade.
func (p Tutorial) weight() float64 {
	if p.Policy.Weight != nil {
		return *p.Policy.Weight
	}
	return p.Of
}

// CourseGrade adds up the tutorials of a course by their weights. One that the
// user is excused from, or that has no points, is left out of both sides. The
// attempts in w must be of that user alone.
func CourseGrade(c *content.Course, w store.Work, user uint) Grade {
	g := Grade{Progress: Completed}
	text := &parts{}
	counting, excused := 0, 0
	for _, t := range c.Tutorials {
		p := Of(c.ID, t, Select(w, c, t, user))
		if p.Allowance.Excused {
			excused++
			text.add(t.Title + " excused")
			continue
		}
		if p.Of == 0 || p.weight() == 0 {
			continue
		}
		counting++
		g.Given += p.weight() * (p.Points / p.Of)
		g.Maximum += p.weight()
		text.add(fmt.Sprintf("%s %s/%s", t.Title, number(p.Points), number(p.Of)))
		if p.progress() != Completed {
			g.Progress = InProgress
		}
		if at := p.at(); at.After(g.At) {
			g.At = at
		}
	}
	g.Given, g.Maximum = Rounded(g.Given, g.Maximum), Rounded(g.Maximum, g.Maximum)
	if counting == 0 {
		g.Excused = excused > 0
	}
	g.Comment = text.after(fmt.Sprintf("%s of %s points in %d tutorials", number(g.Given), number(g.Maximum), counting))
	return g
}
