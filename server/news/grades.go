package news

import (
	"context"
	"errors"

	"github.com/labmark/labmark/server/events"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/server/views"
	"github.com/labmark/labmark/themes"
)

// Note is what a class's page is told: something of a student's has changed.
type Note struct {
	User uint // 0 means everybody
	// Running is the check that has just begun; empty otherwise.
	Running string
}

// ClassOf is whom to listen to for all students of a context and tutorial.
func ClassOf(contextID uint, course, tutorial string) store.Owner {
	return store.Owner{Context: contextID, Course: course, Tutorial: tutorial}
}

// note tells the class's pages of one student.
func (d *Desk) note(o store.Owner, running string) {
	d.Hub.Publish(ClassOf(o.Context, o.Course, o.Tutorial), events.Event{Data: Note{o.UserID, running}})
}

// Regraded tells that the grades of all students may have changed.
func (d *Desk) Regraded(contextID uint, course, tutorial string) {
	d.note(ClassOf(contextID, course, tutorial), "")
}

// Graded tells a student and the class that a grade was decided upon.
func (d *Desk) Graded(ctx context.Context, o store.Owner) {
	p, err := d.Book.Tutorial(ctx, o)
	if err != nil {
		d.Log.Error("can't tell of a grade", "user", o.UserID, "err", err)
		return
	}
	d.Score(o, p)
	d.tellGrade(ctx, o)
}

// Grade tells that a grade has moved on its way to the platform.
func (d *Desk) Grade(link, user uint) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	l, err := d.Store.Link(ctx, link)
	if err != nil {
		d.Log.Error("can't tell of a grade", "link", link, "user", user, "err", err)
		return
	}
	course := d.Book.Catalog.Course(l.Course)
	if course == nil {
		return
	}
	for _, t := range course.Tutorials {
		if l.Tutorial == "" || l.Tutorial == t.ID {
			d.tellGrade(ctx, store.Owner{UserID: user, Context: l.ContextID, Course: course.ID, Tutorial: t.ID})
		}
	}
}

func (d *Desk) tellGrade(ctx context.Context, o store.Owner) {
	v, err := d.GradeOf(ctx, o)
	if err != nil {
		d.Log.Error("can't tell of a grade", "user", o.UserID, "err", err)
		return
	}
	if v != nil {
		d.Hub.Publish(o, events.Event{Name: "grade", Data: *v})
	}
	d.note(o, "")
}

// GradeOf shows an owner's grade and its way to the platform; nil where it
// goes nowhere.
func (d *Desk) GradeOf(ctx context.Context, o store.Owner) (*themes.GradeView, error) {
	if o.Context == 0 {
		return nil, nil
	}
	link, err := d.linkOf(ctx, o)
	if link == nil || err != nil {
		return nil, err
	}
	m, err := d.Store.Membership(ctx, o.Context, o.UserID)
	if errors.Is(err, store.ErrNotFound) || err == nil && !m.Learner {
		return nil, nil // who teaches has no grade
	}
	if err != nil {
		return nil, err
	}
	p, err := d.Book.Tutorial(ctx, o)
	if err != nil {
		return nil, err
	}
	row, err := d.Store.OutboxGrade(ctx, link.ID, o.UserID)
	if err != nil {
		return nil, err
	}
	name, err := d.platformName(ctx, o.Context)
	if err != nil {
		return nil, err
	}
	v := views.Grade(p, row, link.LineItem != "", name)
	return &v, nil
}

// linkOf is the link whose line item shows a tutorial's grade: that of the
// tutorial itself before that of its whole course.
func (d *Desk) linkOf(ctx context.Context, o store.Owner) (best *store.ResourceLink, err error) {
	links, err := d.Store.Links(ctx, o.Context)
	for i, l := range links {
		if l.Course == o.Course && (l.Tutorial == o.Tutorial || l.Tutorial == "" && best == nil) {
			best = &links[i]
		}
	}
	return best, err
}

func (d *Desk) platformName(ctx context.Context, contextID uint) (string, error) {
	c, err := d.Store.Context(ctx, contextID)
	if err != nil {
		return "", err
	}
	p, err := d.Store.Platform(ctx, c.PlatformID)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return p.Name, err
}
