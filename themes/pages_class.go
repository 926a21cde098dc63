package themes

import "time"

// The pages of those who teach. Everything that they show of people is of one
// context (a course of a platform), which the server has to see to.

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

// ClassPage is the grid: students × checks of one tutorial. Rows come in the
// order of names, as a list of students has them. It lives by the
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
	// Unprepared are the students whose machines could not be prepared.
	Unprepared []Crumb
	// Changes are what authors changed in the checks lately, in sentences.
	Changes []string
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
	// Note is for whoever teaches: "answered with Bob's value".
	Note string `json:"note,omitempty"`
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
	Setups         []SetupRunView // how the machines were prepared, oldest first
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
	Answer    []string // to a question, as one reads it
}

// SetupRunView is one preparation of a machine.
type SetupRunView struct {
	At     time.Time
	Where  string // the block: "tutorials/one.md:12"
	Guest  string // the machine's name
	Step   string // empty: at the start
	Failed bool
	// Message, Stdout and Stderr are for whoever teaches.
	Message, Stdout, Stderr string
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

var classPages = []Page{ClassPage{}, StudentPage{}, CheckPage{}, OutboxPage{}, SettingsPage{}}

func (ClassPage) template() string    { return "class" }
func (StudentPage) template() string  { return "student" }
func (CheckPage) template() string    { return "check-history" }
func (OutboxPage) template() string   { return "outbox" }
func (SettingsPage) template() string { return "settings" }
