// Package checks decides whether a student's work is done: it runs a check's
// script in the student's own guest over SSH and turns what happened into a
// verdict, points and evidence.
//
// It knows nothing of how guests are provided, how courses are written or
// where results are kept.
package checks

import (
	"errors"
	"time"

	"github.com/labmark/labmark/internal/facts"
)

// Verdict is the outcome of one check run.
type Verdict string

// Unsure ("could not tell") never lowers a score and never counts as an
// attempt: the guest or the way to it failed, not the student.
const (
	Pass   Verdict = "pass"
	Fail   Verdict = "fail"
	Unsure Verdict = "unsure"
)

// ExitUnsure is the exit status by which a script says that it could not
// tell: EX_TEMPFAIL of sysexits.h.
const ExitUnsure = 75

// Script is one check, ready to run.
type Script struct {
	// ID is the check's name, for messages and logs.
	ID string
	// Lang is the interpreter: "bash" (also for ""), "sh" or "python".
	Lang string
	// Body is the author's script, without message lines.
	Body string
	// PassMessage and FailMessage are the author's :pass: and :fail: lines;
	// $name and ${name} stand for the script's variables at its end.
	PassMessage, FailMessage string
	// User runs the script; empty means root. The client given to Run is
	// always root's.
	User string
	// Timeout bounds the run; 0 means DefaultTimeout.
	Timeout time.Duration
	// GuestTools runs the script with the guest's own shell and programs. So
	// does a Script without Tools, and one in Python.
	GuestTools bool `json:",omitempty"`
	// Facts are looked at in the place of a Body. Each that holds gives its
	// share of the points; with Whole there are none before all hold.
	Facts []facts.Fact `json:",omitempty"`
	Whole bool         `json:",omitempty"`
	// Tools are what a check brings along; nil for nothing.
	Tools *Tools `json:"-"`
	// Vars are the student's variables, set in the script's environment; for
	// Python as strings among its globals, too.
	Vars map[string]string
}

// DefaultTimeout bounds a script that names no limit of its own.
const DefaultTimeout = 10 * time.Second

// MaxOutput is how many bytes of each output stream are kept as evidence.
const MaxOutput = 16 << 10

// MaxFlood is how many bytes a script may print in all before it is ended.
const MaxFlood = 64 << 20

// MaxMessage is the length in bytes beyond which messages are cut.
const MaxMessage = 2 << 10

// Result is what one run of a Script came to.
type Result struct {
	Verdict Verdict
	// Score is the share of the check's points that was won, in [0,1]. It is
	// 1 exactly when Verdict is Pass, and 0 when Verdict is Unsure.
	Score float64
	// Message tells the student what was seen. Plain text, never empty, at
	// most about MaxMessage bytes; it may have line breaks.
	Message string
	// Theirs is what in Message the author or the guest has said, "" where all
	// of it is Labmark's own.
	Theirs   string
	Evidence Evidence
	// Err says, for logs, what kept Run from a verdict. It is nil unless
	// Verdict is Unsure, and nil too where the script itself was unsure.
	Err error
}

// Errors of Result.Err, for errors.Is. After ErrConnection the ssh.Client is
// of no more use: dial the guest anew.
var (
	ErrConnection = errors.New("the connection to the guest failed")
	ErrRefused    = errors.New("the guest's SSH server refused to run the check")
	ErrNoStart    = errors.New("the check's script did not start")
	ErrKilled     = errors.New("the check's script was killed")
	ErrTimeout    = errors.New("the check took too long")
	ErrFlood      = errors.New("the check printed too much")
	ErrScript     = errors.New("the check itself is faulty")
)

// Evidence is what is kept of a run, for graders.
type Evidence struct {
	// Revision is a digest of the Script (without Vars).
	Revision string
	// ExitStatus is the script's; nil when it did not end by itself.
	ExitStatus     *int
	Stdout, Stderr Output
	Started, Ended time.Time
}

// Output is one captured stream.
type Output struct {
	// Text is valid UTF-8 without NUL: other bytes are replaced by U+FFFD.
	Text string
	// Cut is how many bytes were left out after Text.
	Cut int64
}
