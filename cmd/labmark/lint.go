package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/look"
)

// errFindings ends a command whose findings have been printed.
var errFindings = errors.New("the course has errors")

type lintCmd struct {
	Courses []string `arg:"" name:"course" help:"Folder of a course." type:"existingdir"`
	Format  string   `help:"text for people, json, or sarif (2.1.0) for CI systems and editors." enum:"text,json,sarif" default:"text"`
}

// linted is what was found in one course. Course is nil if it has errors.
type linted struct {
	dir      string
	course   *content.Course
	findings content.Findings
}

func (c *lintCmd) Run(ctx context.Context, out io.Writer) error {
	var all []linted
	failed := false
	for _, dir := range c.Courses {
		course, findings := look.Load(os.DirFS(dir))
		if course != nil {
			findings = append(findings, content.Shellcheck(ctx, course)...)
		}
		all = append(all, linted{nearName(dir), course, findings})
		failed = failed || findings.Err() != nil
	}
	write := map[string]func(io.Writer, []linted) error{"text": lintText, "json": lintJSON, "sarif": lintSARIF}[c.Format]
	if err := write(out, all); err != nil {
		return err
	}
	if failed {
		return errFindings
	}
	return nil
}

// nearName names a folder from the working folder, where it is in it.
func nearName(dir string) string {
	here, err := os.Getwd()
	if err != nil {
		return dir
	}
	if near, err := filepath.Rel(here, dir); err == nil && filepath.IsLocal(near) {
		return near
	}
	return dir
}

func lintText(out io.Writer, all []linted) error {
	for _, l := range all {
		if len(l.findings) > 0 {
			fmt.Fprintf(out, "%s\n\n", l.findings)
		}
		if l.findings.Err() != nil {
			continue
		}
		checks := 0
		for _, t := range l.course.Tutorials {
			checks += len(t.Checks)
		}
		fmt.Fprintf(out, "%s: %q is in order: %d tutorials, %d checks\n", l.dir, l.course.Title, len(l.course.Tutorials), checks)
		for _, language := range l.course.Languages()[1:] {
			fmt.Fprintf(out, "%s: %d of %d tutorials in %s\n", l.dir, translated(l.course, language), len(l.course.Tutorials), language)
		}
	}
	return nil
}

func translated(course *content.Course, language string) int {
	n := 0
	for _, t := range course.In(language).Tutorials {
		if t.Language == language {
			n++
		}
	}
	return n
}

// loadCourse refuses a course with errors, and passes warnings on.
func loadCourse(dir string, warn io.Writer) (*content.Course, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("course %s: there is no such folder", dir)
	}
	course, findings := look.Load(os.DirFS(dir))
	if err := findings.Err(); err != nil {
		return nil, fmt.Errorf("the course in %s has errors:\n\n%w", dir, err)
	}
	if len(findings) > 0 {
		fmt.Fprintf(warn, "%s\n\n", findings)
	}
	return course, nil
}
