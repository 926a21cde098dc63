// Package catalog holds the courses that are served.
package catalog

import (
	"fmt"
	"slices"
	"sync"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// Catalog holds one version of each course. Its methods may be called from any
// goroutine; what they return is never changed, but may be replaced: who keeps
// a course for longer than a request keeps an old one.
type Catalog struct {
	seed []byte

	mu      sync.RWMutex
	courses []*content.Course // a fresh slice at every change
}

// New refuses two courses with one ID. The seed is the key from which
// students' variables are drawn; another seed means other variables for all.
func New(seed []byte, courses ...*content.Course) (*Catalog, error) {
	ids := map[string]bool{}
	for _, c := range courses {
		if ids[c.ID] {
			return nil, fmt.Errorf("two courses have the id %q: give one of them another in its course.yaml", c.ID)
		}
		ids[c.ID] = true
	}
	return &Catalog{courses: courses, seed: seed}, nil
}

// Replace puts a new version in the place of the course with its ID, or adds
// the course behind the others. It returns the former version, nil if there
// was none.
func (c *Catalog) Replace(course *content.Course) (former *content.Course) {
	c.mu.Lock()
	defer c.mu.Unlock()
	courses := slices.Clone(c.courses)
	if i := slices.IndexFunc(courses, func(o *content.Course) bool { return o.ID == course.ID }); i >= 0 {
		former, courses[i] = courses[i], course
	} else {
		courses = append(courses, course)
	}
	c.courses = courses
	return former
}

// Courses are in the order in which they were given.
func (c *Catalog) Courses() []*content.Course {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.courses
}

// Course returns nil if there is none.
func (c *Catalog) Course(id string) *content.Course {
	for _, course := range c.Courses() {
		if course.ID == id {
			return course
		}
	}
	return nil
}

// Tutorial returns an owner's tutorial and its course, or nil.
func (c *Catalog) Tutorial(o store.Owner) (*content.Tutorial, *content.Course) {
	course := c.Course(o.Course)
	if course == nil {
		return nil, nil
	}
	for _, t := range course.Tutorials {
		if t.ID == o.Tutorial {
			return t, course
		}
	}
	return nil, nil
}

// Values are an owner's variables; empty where there is no such tutorial.
func (c *Catalog) Values(o store.Owner) content.Values {
	t, course := c.Tutorial(o)
	if t == nil {
		return content.Values{}
	}
	return t.Draw(c.seed, course.ID, fmt.Sprint(o.UserID))
}

// Choices are a question's, in the order in which an owner sees them.
func (c *Catalog) Choices(o store.Owner, check string) []content.Choice {
	t, course := c.Tutorial(o)
	if t == nil {
		return nil
	}
	return t.Shuffle(c.seed, course.ID, fmt.Sprint(o.UserID), check)
}
