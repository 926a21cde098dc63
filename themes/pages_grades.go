package themes

import "time"

// Grades on their way to the platform, and how they come about.

// GradeView is a grade's way to the platform. It is also the payload of the
// "grade" event of a tutorial's stream.
type GradeView struct {
	// State is "" where the link takes no grades, "none" before there is
	// anything to send, "waiting", "sent" or "refused".
	State string `json:"state"`
	// Points of Of are what was sent or shall be.
	Points   float64 `json:"points"`
	Of       float64 `json:"of"`
	Platform string  `json:"platform,omitempty"` // "Moodle"
	// SentAt is when the platform took the last one.
	SentAt *time.Time `json:"sentAt,omitempty"`
	// Why it waits or was refused, in words that fit the student and the
	// teacher: "Moodle does not answer".
	Why     string     `json:"why,omitempty"`
	NextTry *time.Time `json:"nextTry,omitempty"`
	// Late, Excused and Override say in words why the grade is not plainly
	// what the checks give: "2 days late: 20 % less". Empty where it is.
	Late     string `json:"late,omitempty"`
	Excused  string `json:"excused,omitempty"`
	Override string `json:"override,omitempty"`
}

// OutboxPage shows which grades have not arrived. Its forms post to Action:
//
//	retry    an ID: try it again now
//	retry    "all": all that were refused
//	drop     an ID: leave it, the student's next mark makes a new one
//	compare  "1": read back what the platform shows
type OutboxPage struct {
	Layout
	TeachLinks
	Action                 string
	Sent, Waiting, Refused int
	Rows                   []OutboxRow   // refused first, then by next try
	Compared               *ComparedView // nil before it was asked for
}

// ComparedView is how the platform's gradebook differs from what was sent.
type ComparedView struct {
	Same   int      // as many grades stand there as they were sent
	Unread []string // why others could not be read
	Rows   []ComparedRow
}

// ComparedRow is one grade that differs.
type ComparedRow struct {
	Student, Tutorial Crumb
	Sent, Of          float64
	Has               *float64 // what the platform shows; nil is nothing
}

// OutboxRow is one grade on its way.
type OutboxRow struct {
	ID                string
	Student, Tutorial Crumb
	Platform          string // for pages over several; may be empty
	Grade             GradeView
	Tries             int
	LastError         string // what the platform answered, for people
	Mend              string // what to do about it; may be empty
	Since             time.Time
}

// SettingsPage is how one tutorial is graded in this context. Forms post to
//
//	Action   keep ("best", "latest", "first"), due, until (as "2026-11-22T09:30",
//	         or empty), zone (IANA name of their time zone), penalty (per cent
//	         a started day), weight (decimal ≥ 0)
//	Import   file (multipart, CSV), dry ("1" for a trial)
type SettingsPage struct {
	Layout
	TeachLinks
	Heading      string
	Action       string
	Keep         string
	Due, Until   *time.Time
	Penalty      float64 // per cent
	Weight       float64
	Defaults     string // what holds where nothing is set, in words
	Error        string
	Import       string // empty leaves the form out
	Imported     []ImportLine
	Dry, Applied bool // of Imported: it was a trial; its lines now hold
}

// ImportLine is what became of one line of a file.
type ImportLine struct {
	Line     int // from 1
	Student  string
	Points   string // as in the file
	Accepted bool
	Says     string // what changes, or what is wrong and how to mend it
}
