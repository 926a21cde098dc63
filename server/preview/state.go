package preview

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/labmark/labmark/content"
)

// State is what pages are told: the payload of the "course" event.
type State struct {
	// Revision is that of the version which is served; empty if none is.
	Revision string `json:"revision"`
	// Stale says that the newest version has errors, and an older one is shown.
	Stale    bool      `json:"stale"`
	Findings []Finding `json:"findings"`
}

// Finding is a content.Finding as a page shows it.
type Finding struct {
	Severity content.Severity `json:"severity"`
	Place    string           `json:"place"` // FILE:LINE:COLUMN, as far as known
	Message  string           `json:"message"`
	Mend     string           `json:"mend,omitempty"`
	// Editor opens the place; empty where no editor was named.
	Editor string `json:"editor,omitempty"`
	// Tutorial is whose page it belongs to, and Check whose blocks it is in;
	// both may be empty.
	Tutorial string `json:"tutorial,omitempty"`
	Check    string `json:"check,omitempty"`
}

// State tells how things stand.
func (c *Course) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := State{Stale: c.stale, Findings: []Finding{}}
	if c.good != nil {
		s.Revision = c.good.Revision
	}
	for _, f := range c.findings {
		s.Findings = append(s.Findings, c.shown(f))
	}
	return s
}

func (c *Course) shown(f content.Finding) Finding {
	out := Finding{Severity: f.Severity, Place: f.File, Message: f.Message, Mend: f.Mend}
	if f.Line > 0 {
		out.Place += ":" + strconv.Itoa(f.Line)
		if f.Column > 0 {
			out.Place += ":" + strconv.Itoa(f.Column)
		}
	}
	if c.editor != "" {
		out.Editor = strings.NewReplacer("%f", filepath.Join(c.dir, f.File), "%l", strconv.Itoa(max(f.Line, 1)),
			"%c", strconv.Itoa(max(f.Column, 1))).Replace(c.editor)
	}
	if c.good == nil {
		return out
	}
	for _, t := range c.good.Tutorials {
		if t.Path == f.File {
			out.Tutorial, out.Check = t.ID, checkAt(t, f.File, c.former(f.File, f.Line))
		}
	}
	return out
}

// former is the line of the good version that a line of the newest one comes
// from: what was changed since lies between a beginning and an end that both
// have in common.
func (c *Course) former(file string, line int) int {
	old := c.lines[file]
	text, err := os.ReadFile(filepath.Join(c.dir, file))
	if err != nil || old == nil || line == 0 {
		return line
	}
	now := strings.Split(string(text), "\n")
	same := 0
	for same < min(len(old), len(now)) && old[same] == now[same] {
		same++
	}
	end := 0
	for end < min(len(old), len(now))-same && old[len(old)-1-end] == now[len(now)-1-end] {
		end++
	}
	switch {
	case line <= same:
		return line
	case line > len(now)-end:
		return line + len(old) - len(now)
	}
	return min(line, max(len(old)-end, same+1)) // within the change: near enough
}

// checkAt finds the check whose block, solutions or mistakes stand at a line;
// empty if there is none.
func checkAt(t *content.Tutorial, file string, line int) string {
	found := ""
	within := func(check, in string, first int, script string) {
		// The fences, and up to two lines of messages, are not in the script.
		if in == file && first <= line && line <= first+strings.Count(script, "\n")+3 {
			found = check
		}
	}
	for _, ch := range t.Checks {
		within(ch.ID, ch.File, ch.Line, ch.Script)
	}
	for _, s := range t.Solutions {
		within(s.For, s.File, s.Line, s.Script)
	}
	for _, m := range t.Mistakes {
		within(m.For, m.File, m.Line, m.Script)
	}
	return found
}
