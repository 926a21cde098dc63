package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/internal/proof"
)

type testCmd struct {
	Course     string   `arg:"" help:"Folder of a course." type:"existingdir"`
	Tutorials  []string `arg:"" optional:"" name:"tutorial" help:"Tutorials to prove, by their ids; otherwise all."`
	Since      string   `help:"Prove only tutorials that changed since this revision of the course's git repository." placeholder:"REV"`
	NoMutation bool     `help:"Don't leave out lines of solutions: quicker, and notices less."`
	Parallel   int      `help:"How many labs there are at a time; otherwise as many as processors." placeholder:"N"`
	Seed       string   `help:"What students' variables are drawn from." default:"labmark test" placeholder:"TEXT"`
	JUnit      string   `name:"junit" help:"Write the results as JUnit XML." placeholder:"FILE"`
	Report     string   `help:"Write a page of all results with their evidence." placeholder:"FILE.html"`
	Build      bool     `help:"Build images that are missing or whose recipe has changed."`
	Kernel     string   `help:"Kernel of User-Mode Linux guests; otherwise the fast one if it was built, else Debian's." placeholder:"FILE"`
	Mirror     []string `help:"Package mirror for tutorials that open one: http://HOST/PATH, or auto. May be repeated." sep:"none" placeholder:"URL"`
}

func (c *testCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	course, err := loadCourse(c.Course, out)
	if err != nil {
		return err
	}
	chosen, err := c.choose(ctx, course)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		fmt.Fprintf(out, "%s: no tutorial has changed since %s\n", c.Course, c.Since)
		return c.write(proof.Report{Course: course.Title})
	}
	lab, closeLab, err := c.lab(ctx, s, chosen)
	if err != nil {
		return err
	}
	defer closeLab()
	show := newTestTable(out, chosen)
	ids := make([]string, len(chosen))
	for i, t := range chosen {
		ids[i] = t.ID
	}
	report, err := proof.Course(ctx, course, proof.Options{Lab: lab, Parallel: c.parallel(), Seed: c.Seed,
		Mutation: !c.NoMutation, Tutorials: ids, Report: show.event})
	show.done()
	if err != nil {
		return fmt.Errorf("the course could not be proved: %w", err)
	}
	printReport(out, report)
	if err := c.write(report); err != nil {
		return err
	}
	if len(report.Bad()) > 0 {
		return errFindings
	}
	return nil
}

func (c *testCmd) parallel() int {
	if c.Parallel > 0 {
		return c.Parallel
	}
	return runtime.NumCPU()
}

// choose finds the tutorials that are to be proved.
func (c *testCmd) choose(ctx context.Context, course *content.Course) ([]*content.Tutorial, error) {
	var known []string
	for _, t := range course.Tutorials {
		known = append(known, t.ID)
	}
	for _, id := range c.Tutorials {
		if !slices.Contains(known, id) {
			return nil, fmt.Errorf("the course has no tutorial %q; it has %s", id, strings.Join(known, ", "))
		}
	}
	changed := known
	if c.Since != "" {
		var err error
		if changed, err = changedTutorials(ctx, c.Course, course, c.Since); err != nil {
			return nil, err
		}
	}
	var chosen []*content.Tutorial
	for _, t := range course.Tutorials {
		if slices.Contains(changed, t.ID) && (len(c.Tutorials) == 0 || slices.Contains(c.Tutorials, t.ID)) {
			chosen = append(chosen, t)
		}
	}
	return chosen, nil
}

// write writes the files that were asked for.
func (c *testCmd) write(r proof.Report) error {
	return errors.Join(writeFile(c.JUnit, r.WriteJUnit), writeFile(c.Report, r.WritePage))
}

func writeFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}
