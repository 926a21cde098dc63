package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/labmark/labmark/content"
)

// errFindings ends a command whose findings have been printed.
var errFindings = errors.New("the course has errors")

type lintCmd struct {
	Courses []string `arg:"" name:"course" help:"Folder of a course." type:"existingdir"`
}

func (c *lintCmd) Run(ctx context.Context, out io.Writer) error {
	failed := false
	for _, dir := range c.Courses {
		course, findings := content.Load(os.DirFS(dir))
		if course != nil {
			findings = append(findings, content.Shellcheck(ctx, course)...)
		}
		if len(findings) > 0 {
			fmt.Fprintf(out, "%s\n\n", findings)
		}
		if findings.Err() != nil {
			failed = true
			continue
		}
		checks := 0
		for _, t := range course.Tutorials {
			checks += len(t.Checks)
		}
		fmt.Fprintf(out, "%s: %q is in order: %d tutorials, %d checks\n", dir, course.Title, len(course.Tutorials), checks)
	}
	if failed {
		return errFindings
	}
	return nil
}

// loadCourse refuses a course with errors, and passes warnings on.
func loadCourse(dir string, warn io.Writer) (*content.Course, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("course %s: there is no such folder", dir)
	}
	course, findings := content.Load(os.DirFS(dir))
	if err := findings.Err(); err != nil {
		return nil, fmt.Errorf("the course in %s has errors:\n\n%w", dir, err)
	}
	if len(findings) > 0 {
		fmt.Fprintf(warn, "%s\n\n", findings)
	}
	return course, nil
}
