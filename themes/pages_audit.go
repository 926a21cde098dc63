package themes

import "time"

// AuditPage shows what people did: all of them to an administrator, or their
// own acts to anybody.
type AuditPage struct {
	Layout
	Own    bool
	Filter AuditFilter
	Rows   []AuditRow // the newest first
	// Days is how long entries are kept; 0 is for ever.
	Days int
	// Older leads to what comes after the last row, Export to a file; empty
	// where there is none.
	Older, Export string
}

// AuditFilter is what was looked for, as it was typed.
type AuditFilter struct{ Person, Guest, Address, From, To string }

// AuditRow is one act, in the viewer's language.
type AuditRow struct {
	At                                                 time.Time
	Who, Address, What, Subject, Guest, About, Details string
}

func (AuditPage) template() string { return "audit" }

// Tab is the page's name among those of the administration.
func (AuditPage) Tab() string { return "audit" }
