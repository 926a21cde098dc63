package main

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/labmark/labmark/content"
)

//go:embed newcourse
var newFiles embed.FS

type newCmd struct {
	Course   newCourseCmd   `cmd:"" help:"Begin a course in a new folder."`
	Tutorial newTutorialCmd `cmd:"" help:"Begin a tutorial of a course."`
}

type newCourseCmd struct {
	Dir   string `arg:"" help:"Folder to make. Its name becomes the course's id."`
	Title string `help:"Title of the course; otherwise made of the folder's name."`
}

func (c *newCourseCmd) Run(out io.Writer) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	id := filepath.Base(dir)
	if !content.ValidID(id) {
		return fmt.Errorf("%q can't be a course's id: take lower-case letters, digits and single dashes, a letter first", id)
	}
	left, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("%s is there and not empty; nothing was changed", c.Dir)
	}
	title := c.Title
	if title == "" {
		title = titleOf(id)
	}
	if err := writeNew(filepath.Join(c.Dir, "course.yaml"), "course.yaml", "COURSE_ID", id, "COURSE_TITLE", yamlText(title)); err != nil {
		return err
	}
	first := filepath.Join(c.Dir, "tutorials", "first-steps.md")
	if err := writeNew(first, "tutorial.md", "TUTORIAL_TITLE", "First steps"); err != nil {
		return err
	}
	fmt.Fprintf(out, "A course with one tutorial is in %s. Next:\n  edit %s\n  labmark preview %s\n  labmark test %s\n", c.Dir, first, c.Dir, c.Dir)
	return nil
}

type newTutorialCmd struct {
	Course string `arg:"" help:"Folder of the course." type:"existingdir"`
	ID     string `arg:"" name:"id" help:"The tutorial's id, such as first-steps."`
	Title  string `help:"Title of the tutorial; otherwise made of its id."`
}

func (c *newTutorialCmd) Run(out io.Writer) error {
	if !content.ValidID(c.ID) {
		return fmt.Errorf("%q can't be a tutorial's id: take lower-case letters, digits and single dashes, a letter first", c.ID)
	}
	if _, err := os.Stat(filepath.Join(c.Course, "course.yaml")); err != nil {
		return fmt.Errorf("%s is no course: it has no course.yaml (labmark new course DIR begins one)", nearName(c.Course))
	}
	file := filepath.Join(nearName(c.Course), "tutorials", c.ID+".md")
	if _, err := os.Stat(filepath.Join(c.Course, "tutorials", c.ID)); err == nil {
		return fmt.Errorf("the course has a tutorial %s already, in a folder of its own; nothing was changed", c.ID)
	}
	title := c.Title
	if title == "" {
		title = titleOf(c.ID)
	}
	if err := writeNew(file, "tutorial.md", "TUTORIAL_TITLE", yamlText(title)); err != nil {
		return err
	}
	fmt.Fprintf(out, "The tutorial is in %s\n", file)
	if _, findings := content.Load(os.DirFS(c.Course)); len(findings) > 0 {
		fmt.Fprintf(out, "\n%s\n", findings)
	}
	return nil
}

// writeNew writes one of newFiles with words replaced, where no file is yet.
func writeNew(file, from string, oldnew ...string) error {
	text, err := newFiles.ReadFile("newcourse/" + from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; nothing was changed", file)
	}
	if err != nil {
		return err
	}
	_, err = strings.NewReplacer(oldnew...).WriteString(f, string(text))
	return errors.Join(err, f.Close())
}

// titleOf makes words of an id.
func titleOf(id string) string {
	words := []rune(strings.ReplaceAll(id, "-", " "))
	words[0] = unicode.ToUpper(words[0])
	return string(words)
}

// yamlText quotes a text for YAML: JSON's strings are YAML's, too.
func yamlText(s string) string {
	plain := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' ' }
	if strings.Contains(s, " ") && strings.Trim(s, " ") == s && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return fmt.Sprintf("%q", s)
}
