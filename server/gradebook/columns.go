package gradebook

import (
	"fmt"
	"regexp"
	"strings"
)

// grades takes a table apart into single grades, in the file's order.
func (in *importing) grades(t table) (list []given, ignored []string, err error) {
	who, at := map[int]string{}, map[string]int{}
	for i, name := range t.head {
		name = strings.ToLower(strings.TrimSpace(name))
		if kind := identityColumns[name]; kind != "" {
			who[i] = kind
		}
		if _, twice := at[name]; !twice {
			at[name] = i
		}
	}
	if len(who) == 0 {
		return nil, nil, &BadFile{Line: 1, Says: "No column says who the student is.", Mend: "Add one named email, username, id_number or user."}
	}
	_, long := at["tutorial"]
	if _, has := at["points"]; long && has {
		return in.long(t, who, at), nil, nil
	}
	return in.wide(t, who)
}

// long is a table with a tutorial in each line.
func (in *importing) long(t table, who map[int]string, at map[string]int) (list []given) {
	get := func(r tableRow, name string) string {
		if i, ok := at[name]; ok {
			return r.cell(i)
		}
		return ""
	}
	for _, r := range t.rows {
		text := get(r, "points")
		if strings.EqualFold(get(r, "excused"), "yes") {
			text = "EX"
		}
		if text == "" {
			continue
		}
		g := given{line: r.line, who: person(r, who), text: text, reason: get(r, "reason")}
		name := get(r, "tutorial")
		if course := get(r, "course"); course != "" && !strings.Contains(name, "/") {
			name = course + "/" + name
		}
		g.column = in.named(name)
		if g.column.course == nil {
			g.unknown = name
		}
		list = append(list, g)
	}
	return list
}

// named finds COURSE/TUTORIAL among what is served, worked in or not.
func (in *importing) named(name string) column {
	course, id, _ := strings.Cut(name, "/")
	t, c := in.book.tutorial(course, id)
	if t == nil {
		return column{}
	}
	return column{course: c, tutorial: t}
}

// furniture are columns of platforms' exports that nobody expects to be read.
var furniture = regexp.MustCompile(`(?i)^(section|institution|department|integration id|root account)$|\(Feedback\)$`)

// wide is a table with a column for each line item.
func (in *importing) wide(t table, who map[int]string) (list []given, ignored []string, err error) {
	possible, rows := pointsPossible(t.rows)
	columns := map[int]column{}
	for i, name := range t.head {
		if who[i] != "" || furniture.MatchString(name) {
			continue
		}
		c, several := in.titled(name)
		switch {
		case several:
			return nil, nil, &BadFile{Line: 1, Says: fmt.Sprintf("Several tutorials are called %q.", name), Mend: "Name the column COURSE/TUTORIAL."}
		case c.course == nil || strings.Contains(possible.cell(i), "read only"):
			ignored = append(ignored, name)
		default:
			columns[i] = c
		}
	}
	if len(columns) == 0 {
		return nil, nil, &BadFile{Line: 1, Says: "No column is the title of a tutorial.",
			Mend: "Name columns as the export does, or COURSE/TUTORIAL; or give each line a tutorial and points."}
	}
	for _, r := range rows {
		for i := range t.head {
			c, is := columns[i]
			text := r.cell(i)
			if !is || text == "" || text == "-" || text == "N/A" {
				continue
			}
			of, _ := parseNumber(possible.cell(i))
			if of <= 0 {
				of = in.maximum(c)
			}
			list = append(list, given{line: r.line, who: person(r, who), column: c, text: text, of: of})
		}
	}
	return list, ignored, nil
}

// pointsPossible takes Canvas's lines that are no students out of a table.
func pointsPossible(all []tableRow) (possible tableRow, rows []tableRow) {
	for _, r := range all {
		if strings.Contains(r.cell(0), "Points Possible") {
			possible = r
			continue
		}
		rows = append(rows, r)
	}
	if len(possible.cells) == 0 {
		return possible, rows
	}
	students := rows[:0]
	for _, r := range rows {
		if !postingOnly(r) {
			students = append(students, r)
		}
	}
	return possible, students
}

// postingOnly says whether a line has only Canvas's notes on posting.
func postingOnly(r tableRow) bool {
	for i := range r.cells {
		if s := r.cell(i); s != "" && s != "Muted" && !strings.HasPrefix(s, "Manual Posting") {
			return false
		}
	}
	return true
}

// titled finds the column that a heading means.
func (in *importing) titled(heading string) (found column, several bool) {
	heading = strings.TrimSpace(heading)
	if c := in.named(heading); c.course != nil {
		return c, false
	}
	for _, title := range titles(heading) {
		for _, c := range in.columns {
			if title == c.heading {
				return c, false
			}
		}
		for _, c := range in.columns {
			if title != c.title && title != c.shows() {
				continue
			}
			if found.course != nil && (found.course != c.course || found.tutorial != c.tutorial) {
				return column{}, true
			}
			if found.course == nil {
				found = c
			}
		}
		if found.course != nil {
			return found, false
		}
	}
	return column{}, false
}

// decoration is what platforms put behind the title of a line item: Moodle how
// the grade is shown, Canvas the assignment's number.
var decoration = regexp.MustCompile(` \((?:Real|\d+)\)$`)

// titles are what a heading may mean, the most literal first. Moodle puts the
// activity's type before the title.
func titles(heading string) []string {
	bare := decoration.ReplaceAllString(heading, "")
	list := []string{heading, bare}
	if _, rest, ok := strings.Cut(bare, ": "); ok && bare != heading {
		list = append(list, rest)
	}
	return list
}

// person collects what a line says of who it is.
func person(r tableRow, who map[int]string) map[string]string {
	out := map[string]string{}
	for i, kind := range who {
		if s := r.cell(i); s != "" {
			out[kind] = s
		}
	}
	if name := strings.TrimSpace(out["given"] + " " + out["family"]); name != "" && out["name"] == "" {
		out["name"] = name
	}
	return out
}
