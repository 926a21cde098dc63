package gradebook

import (
	"encoding/json"
	"time"

	"github.com/labmark/labmark/server/store"
)

// The JSON form of an export. Times are RFC 3339 in UTC, pauses in seconds,
// shares in [0,1].
type (
	jsonTutorial struct {
		Course   string      `json:"course"`
		Tutorial string      `json:"tutorial"`
		Title    string      `json:"title"`
		Of       float64     `json:"of"`
		Keep     string      `json:"keep"` // best, latest, first, or empty: as each check says
		Due      *time.Time  `json:"due,omitempty"`
		Until    *time.Time  `json:"until,omitempty"`
		Penalty  float64     `json:"penalty"`
		Weight   *float64    `json:"weight,omitempty"` // absent: its points
		Checks   []jsonCheck `json:"checks"`
	}
	jsonCheck struct {
		ID     string  `json:"id"`
		Points float64 `json:"points"`
		Sticky bool    `json:"sticky"`
	}
	jsonStudent struct {
		User      uint        `json:"user"`
		Name      string      `json:"name"`
		IDNumber  string      `json:"idNumber,omitempty"`
		Username  string      `json:"username,omitempty"`
		Email     string      `json:"email,omitempty"`
		Active    bool        `json:"active"`
		Standings []jsonStand `json:"tutorials"`
	}
	jsonStand struct {
		Course   string         `json:"course"`
		Tutorial string         `json:"tutorial"`
		Points   float64        `json:"points"`
		Of       float64        `json:"of"`
		Earned   float64        `json:"earned"`
		Extra    float64        `json:"extraTime,omitempty"`
		Excused  bool           `json:"excused,omitempty"`
		Override *jsonOverride  `json:"override,omitempty"`
		Explain  []string       `json:"explain"`
		Checks   []jsonCheckNow `json:"checks"`
		Attempts []jsonAttempt  `json:"attempts"`
	}
	jsonOverride struct {
		Points float64   `json:"points"`
		Reason string    `json:"reason"`
		By     uint      `json:"by"`
		At     time.Time `json:"at"`
	}
	jsonCheckNow struct {
		ID       string  `json:"id"`
		Points   float64 `json:"points"`
		Attempts int     `json:"attempts"`
		Passed   bool    `json:"passed"`
		Counts   string  `json:"counts,omitempty"` // ID of the attempt
	}
	jsonAttempt struct {
		ID        string          `json:"id"`
		Check     string          `json:"check"`
		State     string          `json:"state"`
		Verdict   string          `json:"verdict,omitempty"`
		Score     float64         `json:"score"`
		Points    float64         `json:"points"` // of the check at that time
		Started   time.Time       `json:"started"`
		Ended     *time.Time      `json:"ended,omitempty"`
		Message   string          `json:"message"`
		Exit      *int            `json:"exitStatus,omitempty"`
		Stdout    string          `json:"stdout"`
		StdoutCut int64           `json:"stdoutCut,omitempty"` // bytes left out
		Stderr    string          `json:"stderr"`
		StderrCut int64           `json:"stderrCut,omitempty"`
		Revision  string          `json:"revision"` // of the script
		Guest     string          `json:"guest"`
		Image     string          `json:"image"`
		Variables json.RawMessage `json:"variables,omitempty"`
		Answer    []string        `json:"answer,omitempty"`       // to a question: IDs of choices, or one text
		Auto      bool            `json:"auto,omitempty"`         // the page has asked by itself
		Fits      uint            `json:"fitsValuesOf,omitempty"` // a user for whom the wrong answer would be right
	}
)

func jsonAttempts(list []store.Attempt) []jsonAttempt {
	out := make([]jsonAttempt, 0, len(list))
	for _, a := range list {
		j := jsonAttempt{ID: a.ID, Check: a.Check, State: a.State, Verdict: a.Verdict, Score: a.Score, Points: a.Points,
			Started: a.StartedAt, Ended: a.EndedAt, Message: a.Message, Exit: a.ExitStatus,
			Stdout: a.Stdout, StdoutCut: a.StdoutCut, Stderr: a.Stderr, StderrCut: a.StderrCut,
			Revision: a.Revision, Guest: a.GuestID, Image: a.Image, Answer: a.Answered(), Auto: a.Auto, Fits: a.Fits}
		if json.Valid([]byte(a.Vars)) {
			j.Variables = json.RawMessage(a.Vars)
		}
		out = append(out, j)
	}
	return out
}
