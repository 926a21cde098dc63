package gradebook

import (
	"context"
	"fmt"
	"slices"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// Only limits an export to one tutorial; empty means all.
type Only struct{ Course, Tutorial string }

func (o Only) takes(course, tutorial string) bool {
	return o == Only{} || o == Only{course, tutorial}
}

// sheet is the grades of a context: students × columns.
type sheet struct {
	context  store.Context // zero for context 0
	students []store.Member
	columns  []column
	work     userWork
}

// column is one line item of a platform, or a tutorial that has none.
type column struct {
	title    string // of the link, else of what it shows
	heading  string // title, made unique
	course   *content.Course
	tutorial *content.Tutorial // nil: the whole course
	link     store.ResourceLink
}

// sheet reads a context. Its columns are those of the platform's gradebook: one
// for each link. Tutorials without a link that somebody has worked in follow
// where loose is true, or where the export is limited to one.
func (b Book) sheet(ctx context.Context, contextID uint, only Only, loose bool) (sheet, error) {
	var s sheet
	var links []store.ResourceLink
	if contextID != 0 {
		var err error
		if s.context, err = b.Store.Context(ctx, contextID); err != nil {
			return sheet{}, err
		}
		if links, err = b.Store.Links(ctx, contextID); err != nil {
			return sheet{}, err
		}
	}
	w, err := b.Store.Work(ctx, store.Owner{Context: contextID, Course: only.Course, Tutorial: only.Tutorial})
	if err != nil {
		return sheet{}, err
	}
	s.work = byUser(w)
	if s.students, err = b.students(ctx, contextID, s.work); err != nil {
		return sheet{}, err
	}
	// Accounts with a password have no links: they may do whatever is served.
	s.columns = b.columns(links, only, func(in Only) bool { return contextID == 0 || loose && worked(w, in) })
	if len(s.columns) == 0 && only != (Only{}) {
		return sheet{}, fmt.Errorf("there is no tutorial %s/%s: name it as COURSE/TUTORIAL, of the courses that are served", only.Course, only.Tutorial)
	}
	return s, nil
}

func (b Book) columns(links []store.ResourceLink, only Only, loose func(Only) bool) []column {
	var out []column
	linked := map[Only]bool{}
	for _, l := range links {
		c := b.Catalog.Course(l.Course)
		if c == nil || !only.takes(l.Course, l.Tutorial) {
			continue
		}
		col := column{title: l.Title, course: c, link: l}
		if l.Tutorial != "" {
			if col.tutorial = c.Tutorial(l.Tutorial); col.tutorial == nil {
				continue
			}
		}
		if col.title == "" {
			col.title = col.shows()
		}
		linked[Only{l.Course, l.Tutorial}] = true
		out = append(out, col)
	}
	for _, c := range b.Catalog.Courses() {
		for _, t := range c.Tutorials {
			key := Only{c.ID, t.ID}
			asked := only == key || only == (Only{}) && loose(key)
			if asked && !linked[key] {
				out = append(out, column{title: t.Title, course: c, tutorial: t})
			}
		}
	}
	setHeadings(out)
	return out
}

func worked(w store.Work, in Only) bool {
	return slices.ContainsFunc(w.Attempts, func(a store.Attempt) bool { return a.Course == in.Course && a.Tutorial == in.Tutorial }) ||
		slices.ContainsFunc(w.Overrides, func(o store.Override) bool { return o.Course == in.Course && o.Tutorial == in.Tutorial })
}

// shows is the title of what a column shows.
func (c column) shows() string {
	if c.tutorial == nil {
		return c.course.Title
	}
	return c.tutorial.Title
}

// cell is one student's grade in one column.
type cell struct {
	progress.Grade
	begun bool // there is something to tell
}

func (s sheet) cell(user uint, c column) cell {
	if c.tutorial == nil {
		g := progress.CourseGrade(c.course, s.work.orNone(user), user)
		return cell{g, !g.At.IsZero()}
	}
	p := s.work.of(user, c.course, c.tutorial)
	return cell{p.Grade(c.tutorial), p.Newest() != nil || p.Override != nil}
}

func (w userWork) orNone(user uint) store.Work {
	if own := w[user]; own != nil {
		return *own
	}
	return *w[0]
}

// maximum of a column's points at the platform.
func (s sheet) maximum(c column) float64 {
	if c.link.Maximum > 0 {
		return c.link.Maximum
	}
	return s.cell(0, c).Maximum
}

// shown is a grade in the platform's points.
func (c cell) shown(maximum float64) float64 {
	if c.Maximum == 0 {
		return 0
	}
	return c.Given / c.Maximum * maximum
}
