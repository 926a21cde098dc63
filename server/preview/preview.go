// Package preview reads a course for its author: again at each save, and with
// all that is wrong in it beside the last version that was good.
package preview

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/look"
)

// Course is one course folder, watched. Its methods may be called from any
// goroutine.
type Course struct {
	dir    string
	editor string

	mu       sync.Mutex
	good     *content.Course // the last version without errors; nil if none was
	stale    bool            // the newest version has errors
	findings content.Findings
	lines    map[string][]string // of the good version's tutorials, by path
}

// Open reads the course in a folder. Errors in the course are no error here:
// they are findings. The editor is the address by which a finding is opened,
// with %f for the file and %l for the line; empty for none.
func Open(dir, editor string) (*Course, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("course %s: there is no such folder", dir)
	}
	c := &Course{dir: dir, editor: editor}
	c.keep(look.Load(os.DirFS(dir)))
	return c, nil
}

// Courses are what can be served: the last good version, if there was one.
func (c *Course) Courses() []*content.Course {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.good == nil {
		return nil
	}
	return []*content.Course{c.good}
}

// keep takes what was loaded, and returns the course if it is to be served.
func (c *Course) keep(course *content.Course, findings content.Findings) *content.Course {
	c.mu.Lock()
	defer c.mu.Unlock()
	if course != nil && c.good != nil && course.ID != c.good.ID {
		findings = append(findings, content.Finding{Severity: content.Error, File: "course.yaml", Length: 1,
			Message: fmt.Sprintf("The course's id was %q, and is %q now.", c.good.ID, course.ID),
			Mend:    "Give it back, or start the preview again."})
		course = nil
	}
	c.findings, c.stale = findings, course == nil
	if course == nil {
		return nil
	}
	c.good, c.lines = course, map[string][]string{}
	for _, t := range course.Tutorials {
		if text, err := os.ReadFile(filepath.Join(c.dir, t.Path)); err == nil {
			c.lines[t.Path] = strings.Split(string(text), "\n")
		}
	}
	return course
}

// known says whether what was loaded is what there is already.
func (c *Course) known(course *content.Course, findings content.Findings) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	same := course == nil && c.stale || course != nil && !c.stale && course.Revision == c.good.Revision
	return same && slices.Equal(findings, c.findings)
}

const (
	// beat is the pause between looks at the folder's files.
	beat = 10 * time.Millisecond
	// calm is how long files must stay as they are before errors in them are
	// told: editors write files bit by bit.
	calm = 80 * time.Millisecond
)

// Run looks for changes until ctx ends. changed is told of every look that
// found something new, with the course where there is a new good version.
func (c *Course) Run(ctx context.Context, changed func(*content.Course)) {
	seen := ""           // the first look reads again: something may have been saved since Open
	var broken time.Time // when errors were seen that have not been told
	pause := beat
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		begun := time.Now()
		now := c.stamp()
		// A huge folder is looked at less often.
		pause = max(beat, 20*time.Since(begun))
		if now == seen && (broken.IsZero() || time.Since(broken) < calm) {
			continue
		}
		if now != seen {
			broken = time.Time{}
		}
		seen = now
		course, findings := look.Load(os.DirFS(c.dir))
		if course == nil && broken.IsZero() {
			broken = time.Now()
			continue
		}
		broken = time.Time{}
		if c.known(course, findings) {
			continue
		}
		changed(c.keep(course, findings))
	}
}
