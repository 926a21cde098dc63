package themes

import (
	"html/template"
	"time"
)

// TutorialPage is the work place: the tutorial and the terminal beside it.
type TutorialPage struct {
	Layout
	Spoken
	Heading, Summary string
	Duration         time.Duration
	// API is the path below which the page's requests go, without "/" at the end.
	API   string
	Steps []Step
	Score Score
	Guest GuestView
	// Guests are the tutorial's machines, for the terminal's tabs.
	Guests []string
	// Desktop says that there is a screen; DesktopGuest is whose.
	Desktop      bool
	DesktopGuest string
	// Trouble says that the preparation of the machine failed, in words for the
	// student; empty when all is well.
	Trouble string
	// Files is the address of the machine's files; empty where there are none.
	Files string
	// Next is the following tutorial; nil after the last.
	Next *Crumb
	// Grade goes to a platform; nil outside its launches.
	Grade *GradeView
	// Rules say in plain sentences what dates and late work do to the grade:
	// "Due 20 Nov 2026, 09:30 UTC." Empty where there are none.
	Rules []string
}

// Step is one part of a tutorial.
type Step struct {
	ID, Title string
	Body      []Part
}

// Part is one piece of a step. Exactly one field is set.
type Part struct {
	HTML     template.HTML // sanitised; may be an incomplete element
	Text     string        // a student's value; the template escapes it
	Check    *CheckView
	Question *QuestionView
	Hint     *HintView
	Solution *SolutionView
	Run      *RunView
	File     *FileView
}

// QuestionView is a question's form and what became of the last answer.
type QuestionView struct {
	CheckView
	// Type is "choice", "choices", "text", "number" or "order".
	Type string
	// Choices are in the order in which this student sees them.
	Choices []ChoiceView
	// Answer is the student's last one: IDs of choices, or one text.
	Answer []string
	// MaxAttempts is 0 where there is no bound; Cost is in points for each
	// failed attempt.
	MaxAttempts int
	Cost        float64
	// Feedback belongs to the last answer.
	Feedback []Part
}

// ChoiceView is one choice.
type ChoiceView struct {
	ID     string
	Body   []Part
	Chosen bool // in the last answer
}

// FileView is a file with a button that writes it into the machine.
type FileView struct {
	ID, Guest, Path string
	Body            []Part // its text
}

// CheckView is a check's button and what it last said.
type CheckView struct {
	ID       string
	Title    string // of its task; may be empty
	Points   float64
	Won      float64 // best so far
	Attempts int     // that counted
	Auto     time.Duration
	Last     *AttemptView // nil before the first
	Passed   bool         // by the attempt that counts, whatever it won
	Late     bool         // that attempt came after the due date
}

// AttemptView is one attempt as its student sees it. It is also the payload
// of the "attempt" event.
type AttemptView struct {
	ID    string `json:"id"`
	Check string `json:"check"`
	// State is "running" or "done".
	State string `json:"state"`
	// Verdict is "pass", "fail" or "unsure"; empty while running.
	Verdict string `json:"verdict,omitempty"`
	// Message is plain text.
	Message string    `json:"message,omitempty"`
	Won     float64   `json:"won"`    // points of this attempt
	Best    float64   `json:"best"`   // points kept for the check
	Points  float64   `json:"points"` // to be had
	At      time.Time `json:"at"`
	// Attempts counts those that count.
	Attempts int `json:"attempts"`
	// Left is how many answers a question still takes; nil where there is no
	// bound.
	Left *int `json:"left,omitempty"`
	// Feedback is HTML that belongs to an answer, ready for the page.
	Feedback template.HTML `json:"feedback,omitempty"`
	// Auto says that the page, not the student, asked for it.
	Auto bool `json:"auto,omitempty"`
}

// HintView is a hint's place. Its text is fetched when it is opened.
type HintView struct {
	ID     string
	After  int     // failed attempts that must come first
	Cost   float64 // points
	Due    bool    // it may be opened now
	Opened bool
	Body   []Part // only when Opened
}

// SolutionView is the place of a solution that the author shows after a pass.
type SolutionView struct {
	Check     string
	Available bool
}

// RunView is a command with a button that types it into the terminal.
type RunView struct {
	Guest   string
	Command string
}

// GuestView is the state of the student's machine. It is also the payload of
// the "guest" event.
type GuestView struct {
	// State is "none", "queued", "starting", "ready", "resetting", "stopping", "suspended" or "failed".
	State string `json:"state"`
	// Detail says what is happening, or what went wrong, in words.
	Detail string `json:"detail"`
	Image  string `json:"image,omitempty"`
	// Since is when the state was entered.
	Since time.Time `json:"since"`
	// Generation grows with every new machine, so that terminals know when
	// to connect afresh.
	Generation int `json:"generation"`
	// Place is that in the queue, from 1, and Estimate about how many minutes
	// are left until the turn, 0 where nobody can say; both only in "queued".
	Place    int `json:"place,omitempty"`
	Estimate int `json:"estimate,omitempty"`
	// KeptUntil is until when a machine that came by the queue waits for its
	// student to do something.
	KeptUntil *time.Time `json:"kept_until,omitempty"`
	// Machines are the guests of a tutorial that has several; the fields above
	// then sum them up.
	Machines []MachineView `json:"machines,omitempty"`
}

// NoticeView is something that a student should know now. It comes as an
// event; pages draw no notices.
type NoticeView struct {
	// ID is the student's only notice of that name.
	ID string `json:"id"`
	// Kind is "closing" or "replaced".
	Kind string `json:"kind"`
	Text string `json:"text"`
	// Left is in how many seconds what it tells of happens; 0 for none.
	Left int `json:"left,omitempty"`
	// Action is "stay" or empty.
	Action string `json:"action,omitempty"`
	// Gone says that it is not true any more.
	Gone bool `json:"gone,omitempty"`
}

// MachineView is one of several guests.
type MachineView struct {
	Name       string `json:"name"`
	State      string `json:"state"`
	Detail     string `json:"detail"`
	Generation int    `json:"generation"`
}

// SetupView is the payload of the "setup" event: what entering a step does to
// the machine.
type SetupView struct {
	Step string `json:"step"`
	// State is "running", "done" or "failed".
	State string `json:"state"`
	// Message is for the student; never about their work.
	Message string `json:"message,omitempty"`
}
