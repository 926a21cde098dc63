package themes

import "time"

// The pages of those who teach. Everything that they show of people is of one
// context (a course of a platform), which the server has to see to.

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

// Link is an address with its name.
type Link struct {
	Title, Href string
	Current     bool // it leads to where one is
	Note        string
}

// TeachLinks are the addresses that the pages of one tutorial in one context
// share; empty ones are not shown.
type TeachLinks struct {
	Tutorials []Link // of the context, for the tabs
	Grid      string // ClassPage of this tutorial
	Outbox    string
	Settings  string
}

// ClassPage is the grid: students × checks of one tutorial. It lives by the
// server-sent events of Events: "cell" (CellEvent) and "row" (RowView, whose
// Cells may be left out to keep them).
type ClassPage struct {
	Layout
	TeachLinks
	Heading  string // the tutorial's title
	Of       float64
	Checks   []ClassCheck
	Rows     []RowView
	Events   string // URL; empty if nothing changes
	Exports  []Link
	Roster   string // how old the list of students is, or why there is none, in words
	Waiting  int    // grades in the outbox of this context
	Refused  int
	Overview string // a sentence below the heading; may be empty
}

// ClassCheck is one column.
type ClassCheck struct {
	ID, Title string
	Href      string // of its CheckPage
	Points    float64
}

// RowView is one student. It is also the payload of the "row" event.
type RowView struct {
	User   string `json:"user"` // opaque, the same in all events
	Name   string `json:"name"`
	Detail string `json:"detail,omitempty"` // what tells namesakes apart: a login, a number
	Href   string `json:"href,omitempty"`   // of the StudentPage; empty who never came
	// Points are those of the grade, of ClassPage.Of.
	Points   float64    `json:"points"`
	Grade    GradeView  `json:"grade"`
	Running  bool       `json:"running"` // the student's guest runs
	LastSeen *time.Time `json:"lastSeen,omitempty"`
	// Cells stand in the order of ClassPage.Checks. Those who never came have none.
	Cells []CellView `json:"cells,omitempty"`
}

// CellView is how one student stands at one check.
type CellView struct {
	// State is "idle", "running", "pass", "part", "fail" or "unsure".
	State    string  `json:"state"`
	Won      float64 `json:"won"`
	Points   float64 `json:"points"`
	Attempts int     `json:"attempts"`
	Late     bool    `json:"late,omitempty"`
	Href     string  `json:"href,omitempty"` // of the newest attempt
}

// CellEvent is the payload of the "cell" event.
type CellEvent struct {
	User  string   `json:"user"`
	Check string   `json:"check"`
	Cell  CellView `json:"cell"`
}

// StudentPage is one student's work in one tutorial, for those who teach; a
// submission review shows it too. Its forms post to
//
//	OverrideAction   points (decimal), reason
//	RevokeAction     reason; offered while an override holds
//	AllowanceAction  minutes (extra time, whole, ≥ 0), excused ("1" or absent), reason
//
// An empty action leaves its form out.
type StudentPage struct {
	Layout
	TeachLinks
	Name, Detail   string
	Heading        string // the tutorial's title
	Score          Score  // what the checks give, before dates and overrides
	Grade          GradeView
	Explain        []string // how the grade came about, line by line
	Checks         []CheckView
	Attempts       []EvidenceView // in order of time, oldest first
	Vars           []VarView
	Guest          *GuestView // nil where the student has none
	Previous, Next *Crumb     // students, in the grid's order

	OverrideAction, RevokeAction, AllowanceAction string
	Overrides                                     []OverrideView // newest first
	ExtraMinutes                                  int
	Excused                                       bool
	AllowanceReason                               string
	Error                                         string // why the last form was refused
}

// EvidenceView is an attempt with all that is known of it.
type EvidenceView struct {
	AttemptView
	Title     string // of the check
	Counts    bool   // towards the grade
	Note      string // why it does not count, or for less: "1 day late"; may be empty
	Exit      *int   // the script's exit status; nil where it has none
	Took      time.Duration
	Stdout    string
	Stderr    string
	StdoutCut int64 // bytes left out
	StderrCut int64
	Revision  string // of the script
	Image     string // digest of the machine's image
	Machine   string
}

// VarView is one of the student's own values in the tutorial.
type VarView struct{ Name, Value string }

// OverrideView is one line of the history of overrides.
type OverrideView struct {
	At      time.Time
	By      string
	Points  float64
	Reason  string
	Revoked bool // this line took the override back
	Current bool
}

// CheckPage is one check over the whole class.
type CheckPage struct {
	Layout
	TeachLinks
	Heading   string // the check's title
	Tutorial  string
	Points    float64
	Passed    int // students, by how they stand now
	Partly    int
	Failed    int
	Unsure    int
	Never     int
	Clusters  []Cluster // most students first
	History   []Bar     // attempts by day, oldest first, days without any too
	Attempts  int
	Following []Link // other checks of the tutorial
}

// Cluster is students of whom the check saw much the same.
type Cluster struct {
	State    string  // as CellView.State
	Message  string  // with placeholders for what differs
	Example  string  // one message as it was
	Count    int     // attempts
	Students []Crumb // to their attempts
}

// Bar is one bar of a history.
type Bar struct {
	Label                  string // "20 Nov"
	Passed, Failed, Unsure int
}

// OutboxPage shows which grades have not arrived. Its forms post to Action:
//
//	retry    an ID: try it again now
//	retry    "all": all that were refused
//	drop     an ID: leave it, the student's next mark makes a new one
type OutboxPage struct {
	Layout
	TeachLinks
	Action                 string
	Sent, Waiting, Refused int
	Rows                   []OutboxRow // refused first, then by next try
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

var classPages = []Page{ClassPage{}, StudentPage{}, CheckPage{}, OutboxPage{}, SettingsPage{}}

func (ClassPage) template() string    { return "class" }
func (StudentPage) template() string  { return "student" }
func (CheckPage) template() string    { return "check-history" }
func (OutboxPage) template() string   { return "outbox" }
func (SettingsPage) template() string { return "settings" }
