package gradebook

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/labmark/labmark/server/store"
)

// Format is a form of table.
type Format string

// Moodle and Canvas are what their gradebooks import: a line a student, a
// column a line item. CSV and JSON have every check and attempt with all its
// evidence.
const (
	Moodle Format = "moodle"
	Canvas Format = "canvas"
	CSV    Format = "csv"
	JSON   Format = "json"
)

// Formats are all there are.
var Formats = []Format{Moodle, Canvas, CSV, JSON}

// ContentType of a format, and what its files' names end with.
func (f Format) ContentType() (mime, extension string) {
	if f == JSON {
		return "application/json", ".json"
	}
	return "text/csv; charset=utf-8", ".csv"
}

// Export writes a context's grades; store.ErrNotFound if there is no such
// context. The same grades give the same bytes.
func (b Book) Export(ctx context.Context, w io.Writer, contextID uint, f Format, only Only) error {
	s, err := b.sheet(ctx, contextID, only, f == CSV || f == JSON)
	if err != nil {
		return err
	}
	switch f {
	case Moodle:
		return writeCSV(w, s.moodle())
	case Canvas:
		return writeCSV(w, s.canvas())
	case CSV:
		return b.exportCSV(ctx, w, s, contextID)
	case JSON:
		return b.exportJSON(ctx, w, s, contextID)
	}
	return fmt.Errorf("there is no format %q: take one of moodle, canvas, csv, json", f)
}

// moodle is the form of Moodle's own grade export, which its import maps by
// ID number, username or email address. "-" is a grade that is not there.
// Moodle knows no excuses in it: who is excused has no grade.
func (s sheet) moodle() [][]string {
	head := []string{"First name", "Last name", "ID number", "Institution", "Department", "Email address", "Username"}
	maxima := make([]float64, len(s.columns))
	for i, c := range s.columns {
		maxima[i] = s.maximum(c)
		name := "External tool: " + c.heading
		head = append(head, name+" (Real)", name+" (Feedback)")
	}
	rows := [][]string{head}
	for _, m := range s.students {
		given, family := names(m.User)
		row := []string{given, family, m.SourcedID, "", "", m.Email, username(m.User)}
		for i, c := range s.columns {
			grade, feedback := "-", ""
			if g := s.cell(m.User.ID, c); g.begun {
				feedback = g.Comment
				if !g.Excused {
					grade = rounded(g.shown(maxima[i]))
				}
			}
			row = append(row, grade, feedback)
		}
		rows = append(rows, row)
	}
	return rows
}

// canvas is the form of Canvas's gradebook export: a second line has the
// points possible, EX is a student who is excused, an empty cell no grade.
// Canvas finds students by ID, else by SIS User ID or SIS Login ID.
func (s sheet) canvas() [][]string {
	head := []string{"Student", "ID", "SIS User ID", "SIS Login ID", "Section"}
	possible := []string{"    Points Possible", "", "", "", ""}
	for _, c := range s.columns {
		head = append(head, c.heading)
		possible = append(possible, rounded(s.maximum(c)))
	}
	rows := [][]string{head, possible}
	section := s.context.Label
	if section == "" {
		section = s.context.Title
	}
	for _, m := range s.students {
		row := []string{sortable(m.User), m.PlatformNumber, m.SourcedID, username(m.User), section}
		for _, c := range s.columns {
			text := ""
			switch g := s.cell(m.User.ID, c); {
			case g.Excused:
				text = "EX"
			case g.begun:
				text = rounded(g.shown(s.maximum(c)))
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return rows
}

// names guesses where a platform tells only a full name: the last word is the
// family's.
func names(u store.User) (given, family string) {
	if u.GivenName != "" || u.FamilyName != "" {
		return u.GivenName, u.FamilyName
	}
	name := u.Called()
	if i := strings.LastIndex(name, " "); i > 0 {
		return name[:i], name[i+1:]
	}
	return name, ""
}

// username is the login at the platform, or that of an account of Labmark's.
func username(u store.User) string {
	if u.PlatformID == nil {
		return u.Login
	}
	return u.Username
}

// sortable is "Family, Given".
func sortable(u store.User) string {
	given, family := names(u)
	if given == "" || family == "" {
		return given + family
	}
	return family + ", " + given
}
