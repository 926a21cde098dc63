package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/gradebook"
	"github.com/labmark/labmark/server/store"
)

type gradesCmd struct {
	Contexts  gradesContextsCmd  `cmd:"" help:"List the courses of learning platforms that people have come from."`
	Export    gradesExportCmd    `cmd:"" help:"Write the grades of a context as a table."`
	Import    gradesImportCmd    `cmd:"" help:"Read overrides from a table, all of its lines or none."`
	Cartridge gradesCartridgeCmd `cmd:"" help:"Write a course as a Common Cartridge of LTI links, for a platform to import."`
}

// coursesFlag are the courses, as commands beside the server know them.
type coursesFlag struct {
	Courses []string `name:"course" help:"Folder of a course that the server serves; can be repeated." required:"" placeholder:"DIR"`
}

// gradebook opens the courses and the database. Variables of students play no
// part in grades, so it needs no seed.
func (c *coursesFlag) gradebook(s *Settings) (gradebook.Book, func(), error) {
	var courses []*content.Course
	for _, dir := range c.Courses {
		course, err := loadCourse(dir, os.Stderr)
		if err != nil {
			return gradebook.Book{}, nil, err
		}
		courses = append(courses, course)
	}
	all, err := catalog.New(nil, courses...)
	if err != nil {
		return gradebook.Book{}, nil, err
	}
	db, err := s.openStore()
	if err != nil {
		return gradebook.Book{}, nil, err
	}
	return gradebook.Book{Store: db, Catalog: all}, func() { db.Close() }, nil
}

// noContext explains store.ErrNotFound.
func noContext(id uint, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no context %d: labmark grades contexts lists them; 0 are the accounts with a password", id)
	}
	return err
}

type gradesContextsCmd struct{}

func (*gradesContextsCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	db, err := s.openStore()
	if err != nil {
		return err
	}
	defer db.Close()
	contexts, err := db.Contexts(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tPLATFORM\tTITLE\tSTUDENTS\tLINKS")
	for _, c := range contexts {
		p, err := db.Platform(ctx, c.PlatformID)
		if err != nil {
			return err
		}
		members, err := db.Members(ctx, c.ID)
		if err != nil {
			return err
		}
		students := 0
		for _, m := range members {
			if m.Learner && m.Active {
				students++
			}
		}
		links, err := db.Links(ctx, c.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%d\n", c.ID, p.Name, c.Title, students, len(links))
	}
	return w.Flush()
}

type gradesExportCmd struct {
	coursesFlag
	Context  uint   `help:"Number of the context, see labmark grades contexts; 0 are the accounts with a password." required:"" placeholder:"ID"`
	Format   string `help:"moodle or canvas: for their gradebooks; csv or json: every attempt with its evidence." enum:"moodle,canvas,csv,json" default:"csv"`
	Tutorial string `help:"Only this one." placeholder:"COURSE/TUTORIAL"`
	Output   string `short:"o" help:"File to write; otherwise standard output." placeholder:"FILE"`
}

func (c *gradesExportCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	var only gradebook.Only
	if c.Tutorial != "" {
		var ok bool
		if only.Course, only.Tutorial, ok = strings.Cut(c.Tutorial, "/"); !ok {
			return fmt.Errorf("--tutorial %s: name it as COURSE/TUTORIAL", c.Tutorial)
		}
	}
	book, done, err := c.gradebook(s)
	if err != nil {
		return err
	}
	defer done()
	return writeTo(c.Output, out, func(w io.Writer) error {
		return noContext(c.Context, book.Export(ctx, w, c.Context, gradebook.Format(c.Format), only))
	})
}

// writeTo writes a file, whole or not at all, or to out if there is no name.
// The file is its owner's alone: it tells of people.
func writeTo(name string, out io.Writer, write func(io.Writer) error) error {
	if name == "" {
		return write(out)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".labmark-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // fails once it has its name
	if err := errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

type gradesImportCmd struct {
	coursesFlag
	File    string `arg:"" help:"CSV file: an edited export of Labmark, Moodle or Canvas, or any table with email, tutorial and points."`
	Context uint   `help:"Number of the context, see labmark grades contexts." required:"" placeholder:"ID"`
	DryRun  bool   `help:"Only say what would change."`
}

func (c *gradesImportCmd) Run(ctx context.Context, s *Settings, out io.Writer) error {
	book, done, err := c.gradebook(s)
	if err != nil {
		return err
	}
	defer done()
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := book.Import(ctx, c.Context, 0, filepath.Base(c.File), f, c.DryRun)
	var bad *gradebook.BadFile
	if errors.As(err, &bad) {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if err != nil {
		return noContext(c.Context, err)
	}
	changes, refused := 0, 0
	for _, l := range r.Lines {
		switch {
		case !l.Accepted:
			refused++
			fmt.Fprintf(out, "line %d: refused: %s: %s %s\n", l.Number, l.Student, l.Says, l.Mend)
		case l.Changes:
			changes++
			fmt.Fprintf(out, "line %d: %s, %s: %s\n", l.Number, l.Student, l.Tutorial, l.Says)
		}
	}
	if len(r.Ignored) > 0 {
		fmt.Fprintf(out, "Columns that are no tutorials: %s\n", strings.Join(r.Ignored, ", "))
	}
	switch {
	case refused > 0:
		return fmt.Errorf("%s: %d of %d grades refused, nothing stored: mend them and import the file again", c.File, refused, len(r.Lines))
	case c.DryRun:
		fmt.Fprintf(out, "%d of %d grades would change\n", changes, len(r.Lines))
	default:
		fmt.Fprintf(out, "%d of %d grades changed\n", changes, len(r.Lines))
	}
	return nil
}

type gradesCartridgeCmd struct {
	publicFlag
	Course string `arg:"" help:"Folder of the course."`
	Moodle bool   `help:"Write version 1.1, the newest that Moodle imports."`
	Output string `short:"o" help:"File to write." required:"" placeholder:"FILE.imscc"`
}

func (c *gradesCartridgeCmd) Run(ctx context.Context, s *Settings) error {
	course, err := loadCourse(c.Course, os.Stderr)
	if err != nil {
		return err
	}
	db, err := s.openStore()
	if err != nil {
		return err
	}
	defer db.Close()
	u, err := reachedAt(ctx, db, c.PublicURL)
	if err != nil {
		return err
	}
	write := gradebook.Cartridge
	if c.Moodle {
		write = gradebook.Cartridge11
	}
	return writeTo(c.Output, nil, func(w io.Writer) error { return write(w, course, u.JoinPath(lti.LaunchPath).String()) })
}
