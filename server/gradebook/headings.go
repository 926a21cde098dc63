package gradebook

import "fmt"

// setHeadings gives every column a heading of its own. It is the title, if
// that says what the column shows; titles that several tutorials go by are
// followed by COURSE/TUTORIAL. Of several links to one tutorial the second has
// " (2)" behind it. Made headings are no column's title, so that an import
// knows each again.
func setHeadings(columns []column) {
	means, taken := map[string]map[Only]bool{}, map[string]bool{}
	for _, c := range columns {
		for _, name := range []string{c.title, c.shows()} {
			if means[name] == nil {
				means[name] = map[Only]bool{}
			}
			means[name][c.place()] = true
		}
	}
	for i := range columns {
		c := &columns[i]
		first := c.title
		if len(means[first]) > 1 {
			first += " (" + c.place().String() + ")"
		}
		c.heading = first
		for n := 2; taken[c.heading] || c.heading != c.title && means[c.heading] != nil; n++ {
			c.heading = fmt.Sprintf("%s (%d)", first, n)
		}
		taken[c.heading] = true
	}
}

// place is what a column shows.
func (c column) place() Only {
	if c.tutorial == nil {
		return Only{Course: c.course.ID}
	}
	return Only{c.course.ID, c.tutorial.ID}
}

// String is COURSE/TUTORIAL, or COURSE.
func (o Only) String() string {
	if o.Tutorial == "" {
		return o.Course
	}
	return o.Course + "/" + o.Tutorial
}
