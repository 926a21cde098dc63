package ltitest

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// serveResults is the result service (AGS 2.0, section 3.3).
func (p *Platform) serveResults(w http.ResponseWriter, r *http.Request) {
	g, ok := p.grader(w, r, resultType, ScopeResult)
	if !ok {
		return
	}
	q := r.URL.Query()
	if p.cfg.Kind == Moodle && q.Has("limit") {
		// As seen on Moodle 5.1.
		p.fail(w, http.StatusInternalServerError, "Exception - Unknown named parameter")
		return
	}
	p.mu.Lock()
	list := []any{}
	for _, u := range p.users {
		c := g.item.cells[u.ID]
		if c == nil || c.stamp.IsZero() || q.Get("user_id") != "" && q.Get("user_id") != u.ID {
			continue
		}
		result := map[string]any{
			"id": p.resultURL(g.course, g.tool, g.item, u), "userId": u.ID,
			"scoreOf": p.lineItemURL(g.course, g.tool, g.item), "resultMaximum": g.item.max,
		}
		if c.shown != nil {
			result["resultScore"] = *c.shown
		}
		if c.comment != "" {
			result["comment"] = c.comment
		}
		if p.cfg.Kind == Moodle {
			result["timestamp"] = iso(c.stamp)
		}
		list = append(list, result)
	}
	p.mu.Unlock()
	w.Header().Set("Content-Type", resultType)
	size := p.Faults().PageSize
	if p.cfg.Kind == Canvas {
		size = p.size(r, 0, 10)
	}
	part := p.page(w, r, list, size, false)
	if p.Faults().HugeBodies {
		write(w, hugeBody())
		return
	}
	answer(w, http.StatusOK, part)
}

// Column is a line item with its grades.
type Column struct {
	Number          int // in addresses
	Course, Link    string
	Client          string
	Label           string
	Maximum         float64
	ResourceID, Tag string
	Coupled         bool
	Cells           map[string]Cell // by user id
}

// Cell is one user's grade in a column, and every score that was posted for it.
type Cell struct {
	Shown       *float64 // in points of the column; nil is no grade
	Comment     string
	Stamp       time.Time // of the last accepted score
	Submissions int       // Canvas's attempts
	Posts       []Post
}

// Accepted are the posts that were taken, in order.
func (c Cell) Accepted() []Post {
	var taken []Post
	for _, p := range c.Posts {
		if p.Status < 300 {
			taken = append(taken, p)
		}
	}
	return taken
}

// Gradebook is a snapshot of all columns of all courses.
func (p *Platform) Gradebook() []Column {
	p.mu.Lock()
	defer p.mu.Unlock()
	var book []Column
	for _, i := range p.items {
		c := Column{
			Number: i.number, Course: i.course, Link: i.link, Client: i.client, Label: i.label, Maximum: i.max,
			ResourceID: i.resourceID, Tag: i.tag, Coupled: i.coupled, Cells: map[string]Cell{},
		}
		for user, cell := range i.cells {
			c.Cells[user] = Cell{
				Shown: cell.shown, Comment: cell.comment, Stamp: cell.stamp, Submissions: cell.submissions,
				Posts: slices.Clone(cell.posts),
			}
		}
		book = append(book, c)
	}
	slices.SortStableFunc(book, func(a, b Column) int { return cmp.Compare(a.Number, b.Number) })
	return book
}

// Cell is the first column's cell of a link and a user; empty where nothing
// was posted yet.
func (p *Platform) Cell(link, user string) Cell {
	for _, c := range p.Gradebook() {
		if c.Link == link {
			return c.Cells[user]
		}
	}
	return Cell{}
}

// SetGrade is what a teacher types into the gradebook, nil to clear it. As
// with the real ones, it makes older scores of the tool stale.
func (p *Platform) SetGrade(link, user string, points *float64) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.coupled(link); i != nil {
		c := i.cell(user)
		c.shown, c.stamp = points, now
	}
}
