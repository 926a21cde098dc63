// Package content reads courses: folders of Markdown with embedded check
// blocks. It compiles each tutorial once into pages with holes for what
// differs between students, and keeps scripts and answers apart from them.
//
// What authors write is described in docs/format.md. Nothing in this package
// runs a script or talks to a guest.
package content

import (
	"io/fs"
	"net/netip"
	"time"

	"github.com/labmark/labmark/internal/facts"
)

// Course is one loaded course. It is never changed after Load.
type Course struct {
	// ID is the course's name in addresses: lower-case letters, digits, "-".
	ID       string
	Title    string
	Summary  string
	Language string // BCP 47, "en" unless the author says otherwise
	Grading  Grading
	// Style is the CSS of the course's own theme; empty for none.
	Style string
	// Messages and Templates are what the theme lays over Labmark's own. Only
	// package themes knows what they mean: see server/look.
	Messages  []Message
	Templates []ThemeFile
	// Tutorials are in the order in which students meet them.
	Tutorials []*Tutorial
	// Revision is a digest of every file that was read.
	Revision string

	translations map[string]*Course // by language
	fsys         fs.FS
}

// Grading is how attempts become grades where an instructor sets nothing else.
type Grading struct {
	// Keep names the attempt at a check that counts: "best", "latest" or
	// "first". Empty means the best where points are sticky, else the latest.
	Keep string
	// Late is the share of a score, in [0,1], that each started day after the
	// due time costs.
	Late float64
}

// Tutorial is one lab: pages for students, and scripts that never leave the
// server. Everything reachable from Steps may be sent to a browser; nothing
// else may.
type Tutorial struct {
	ID      string
	Title   string
	Summary string
	// Language is what its pages are written in, BCP 47: the course's own one
	// where it is not translated.
	Language string
	Duration time.Duration // the author's estimate; 0 is unknown
	// Idle is after what time without use guests are suspended, Session how long
	// they run at most; 0 leaves both to the server.
	Idle, Session time.Duration
	Guests        []Guest   // at least one
	Networks      []Network // that join them; none for a guest on its own
	Vars          []Var
	Steps         []Step
	// Setups prepare the guests, in document order.
	Setups []*Setup

	// Checks are in document order, and questions among them. Solutions are
	// kept by check.
	Checks    []*Check
	Solutions []*Solution
	// Mistakes are typical wrong attempts, for "labmark test".
	Mistakes []*Mistake
	// Hints are sent to a student only when they are due.
	Hints []*Hint
	// FileBlocks are files that students may have written into a guest.
	FileBlocks []*FileBlock
	// Files are the pictures and other files that the pages link to: from the
	// name in addresses (pages say "TUTORIAL/files/NAME", relative to a page
	// at ".../TUTORIAL") to the path within the course. Open one by Course.File.
	Files map[string]string

	// Path is the tutorial's Markdown file within the course.
	Path string
}

// Guest is one machine of a tutorial.
type Guest struct {
	Name   string
	Image  string // an image's name, as "debian-12"
	Memory int64  // bytes; 0 takes the backend's default
	// User owns the terminal; "root" unless the author says otherwise.
	User string
	// Desktop asks for a screen beside the terminal.
	Desktop bool
	// Mirror opens the way to the gateway's package mirror, so that students
	// can install software. All else stays closed.
	Mirror bool
}

// Network joins guests of one student's tutorial, and nothing else.
type Network struct {
	Name string // also of the network's card in each guest
	// Guests are named in the order of their addresses.
	Guests []string
	// Subnet gives each guest an address: the first one the first, and so on.
	// Zero leaves the cards without, for students to set.
	Subnet netip.Prefix
	// Rate is in bits per second, in each direction of each card; 0 is unbounded.
	Rate int64
	// Delay is added one way.
	Delay time.Duration
	// Loss is the share of frames that vanish, in [0,1].
	Loss float64
	// Cut lets nothing pass, ever; CutAt while the student is at one of these
	// steps.
	Cut   bool
	CutAt []string
}

// Setup is one setup block: it prepares a guest before the student works in
// it. It may be run again at any time.
type Setup struct {
	// At is the ID of the step on whose entry it is run; empty for the start
	// of a fresh guest.
	At      string
	Guest   string
	User    string // empty means root
	Lang    string
	Timeout time.Duration
	Script  string
	// Deposit, unless nil, is a file to write instead of a script to run.
	Deposit *Deposit

	File string
	Line int

	place scriptPlace
}

// Deposit is a file to be written into a guest.
type Deposit struct {
	Path  string // absolute
	Owner string // empty means root
	Mode  fs.FileMode
	// Text is filled for each student: see Deposit.Fill.
	Text []TextPart

	lists map[string]bool // variables with a line for each entry
}

// FileBlock is a file block: a deposit that the page shows, with a button.
type FileBlock struct {
	ID    string // given by the author, or "file-1", "file-2" …
	Guest string
	Deposit
	// Body is the file's text as the page shows it.
	Body Body
}

// Step is one part of a tutorial, from a "##" heading to the next. Text
// before the first heading makes a step without title and ID.
type Step struct {
	ID string
	// Title may have holes: see Values.Fill.
	Title string
	Body  Body
}

// Body is a run of parts that together make up HTML.
type Body []Part

// Part is one piece of a Body. Exactly one field is set.
type Part struct {
	// HTML is sanitised, ready for a page. It may be an incomplete element:
	// only a whole Body balances.
	HTML string
	// Var names a variable, whose value goes here, escaped for HTML.
	Var string
	// Check, Question, Hint, Solution and File are places for widgets, by ID.
	// A question's ID is that of its check.
	Check    string
	Question string
	Hint     string
	Solution string
	File     string
	// Run is a command with a button that types it into the terminal.
	Run *Run
}

// Run is a command that the student may type by a button.
type Run struct {
	Guest string // empty: the first guest
	// Command is plain text; its holes are filled like those of prose.
	Command []TextPart
}

// TextPart is plain text (not HTML) or the name of a variable. One is set.
type TextPart struct {
	Text string
	Var  string
}

// Check is one check, assert or question block: whatever gives points. Only
// ID, Task, Points and Auto may be shown, and of a question what Question says.
type Check struct {
	ID    string
	Task  string // ID of the task it stands in; may be empty
	Title string // of that task, or a question's own
	Step  string // ID of its step; may be empty
	// Guest names the machine it runs in.
	Guest  string
	Points float64
	// Auto is the pause between automatic runs; 0 means by button only.
	Auto time.Duration
	// Sticky keeps points once won, whatever later attempts say.
	Sticky bool
	// PassesAtStart is set where the author expects the check to pass on a
	// fresh guest.
	PassesAtStart bool

	Lang        string // "bash", "sh" or "python"
	User        string // empty means root
	Timeout     time.Duration
	PassMessage string
	FailMessage string
	Script      string
	// GuestTools lets the script use the guest's own programs, which a student
	// may have replaced, before the toolbox's.
	GuestTools bool
	// Facts of an assert block stand in the place of a script. Whole gives no
	// points before all of them hold; otherwise each gives its share.
	Facts []facts.Fact
	Whole bool
	// Question is set where a student answers. With a Script, that decides in
	// the guest, with the answer as $ANSWER; else Question.Judge does.
	Question *Question

	// File and Line are where the block stands, for messages.
	File string
	Line int

	place  scriptPlace
	source *Check // of which this is a translation
}

// Solution is one solve block.
type Solution struct {
	For    string // a check's ID
	Guest  string
	User   string
	Lang   string
	Script string // may be empty where there is an Answer
	// Answer, unless empty, is to be given to a question: see Question.Find.
	Answer string
	// Shown lets students read it once they have passed the check.
	Shown bool

	File string
	Line int

	place scriptPlace
}

// Mistake is one mistake block: commands after which a check must fail, with
// a message that contains Expect.
type Mistake struct {
	For    string // a check's ID
	Guest  string
	User   string
	Lang   string
	Script string // may be empty where there is an Answer
	// Answer, unless empty, is given to a question, as a Solution's.
	Answer string
	Expect string

	File string
	Line int

	place scriptPlace
}

// Hint is help on demand.
type Hint struct {
	ID string // given by the author, or "hint-1", "hint-2" …
	// Task is the ID of the task it stands in; may be empty.
	Task string
	// After is the number of failed attempts at the task's checks that must
	// come first.
	After int
	// Cost is taken off the task's points once the hint has been opened.
	Cost float64
	Body Body
}
