// Package gradebook is what those who teach and administer want to see, take
// out and put in: a class at a glance, one student's work, one check's
// history, tables for other programs, and all that is kept about a person.
package gradebook

import (
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// Book looks things up. Everything but the functions about persons stays
// within one context; context 0 are the accounts that sign in by password.
// Who may ask is for the caller to see to.
type Book struct {
	Store   *store.Store
	Catalog *catalog.Catalog
}

// Student is a person in a context, with where they stand in one tutorial.
type Student struct {
	store.Member
	Standing progress.Tutorial
}

// tutorial returns nil if there is none.
func (b Book) tutorial(course, tutorial string) (*content.Tutorial, *content.Course) {
	return b.Catalog.Tutorial(store.Owner{Course: course, Tutorial: tutorial})
}
