package gradebook

import (
	"context"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
)

// place is a tutorial in a sheet, whatever columns show it.
type place struct {
	course   *content.Course
	tutorial *content.Tutorial
}

// places are all tutorials that the columns show.
func (s sheet) places() []place {
	var out []place
	add := func(p place) {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, c := range s.columns {
		if c.tutorial != nil {
			add(place{c.course, c.tutorial})
			continue
		}
		for _, t := range c.course.Tutorials {
			add(place{c.course, t})
		}
	}
	return out
}

// attempts are a student's at one tutorial, with output.
func (b Book) attempts(ctx context.Context, contextID, user uint, p place) (list []store.Attempt, err error) {
	o := store.Owner{UserID: user, Context: contextID, Course: p.course.ID, Tutorial: p.tutorial.ID}
	err = b.Store.EachAttempt(ctx, o, func(a store.Attempt) error {
		list = append(list, a)
		return nil
	})
	return list, err
}

// evidenceHead is the first line of the plain table. The first eight columns
// and "reason" are also what an import reads.
var evidenceHead = []string{"user", "name", "id_number", "username", "email", "course", "tutorial", "points", "of",
	"excused", "override", "reason", "check", "attempt", "verdict", "score", "check_points", "started", "ended", "message",
	"exit_status", "stdout", "stdout_cut", "stderr", "stderr_cut", "revision", "guest", "image", "variables", "answer", "auto", "fits_values_of"}

// exportCSV writes a line for every attempt, and one for every check without.
func (b Book) exportCSV(ctx context.Context, w io.Writer, s sheet, contextID uint) error {
	out := csv.NewWriter(w)
	if err := out.Write(evidenceHead); err != nil {
		return err
	}
	for _, m := range s.students {
		for _, p := range s.places() {
			list, err := b.attempts(ctx, contextID, m.User.ID, p)
			if err != nil {
				return err
			}
			standing := s.work.of(m.User.ID, p.course, p.tutorial)
			for _, row := range evidenceRows(m.User, p, standing, list) {
				if err := out.Write(allHarmless(row)); err != nil {
					return err
				}
			}
		}
	}
	out.Flush()
	return out.Error()
}

func evidenceRows(u store.User, p place, standing progress.Tutorial, list []store.Attempt) [][]string {
	override, reason := "", ""
	if o := standing.Override; o != nil {
		override, reason = exact(standing.Points), o.Reason
	}
	excused := yes(standing.Allowance.Excused)
	head := []string{strconv.FormatUint(uint64(u.ID), 10), u.Called(), u.SourcedID, username(u), u.Email,
		p.course.ID, p.tutorial.ID, exact(standing.Points), exact(standing.Of), excused, override, reason}
	var rows [][]string
	tried := map[string]bool{}
	for _, a := range list {
		tried[a.Check] = true
		rows = append(rows, append(slices.Clone(head), attemptCells(a)...))
	}
	for _, c := range p.tutorial.Checks {
		if !tried[c.ID] {
			row := append(slices.Clone(head), c.ID)
			rows = append(rows, append(row, make([]string, len(evidenceHead)-len(row))...))
		}
	}
	if len(rows) == 0 { // a tutorial without checks
		rows = append(rows, append(head, make([]string, len(evidenceHead)-len(head))...))
	}
	return rows
}

func attemptCells(a store.Attempt) []string {
	ended, exit := "", ""
	if a.EndedAt != nil {
		ended = moment(*a.EndedAt)
	}
	if a.ExitStatus != nil {
		exit = strconv.Itoa(*a.ExitStatus)
	}
	verdict := a.Verdict
	if a.State == store.Running {
		verdict = store.Running
	}
	return []string{a.Check, a.ID, verdict, exact(a.Score), exact(a.Points), moment(a.StartedAt), ended, a.Message,
		exit, a.Stdout, strconv.FormatInt(a.StdoutCut, 10), a.Stderr, strconv.FormatInt(a.StderrCut, 10),
		a.Revision, a.GuestID, a.Image, a.Vars, strings.Join(a.Answered(), "\n"), yes(a.Auto), someone(a.Fits)}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// someone is the number of a user; empty for none.
func someone(user uint) string {
	if user == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(user), 10)
}

func moment(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
