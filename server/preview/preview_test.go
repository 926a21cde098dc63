package preview

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/content"
)

const lesson = `---
title: One
guests: {lab: {image: debian-12}}
---

Words.

## Do it

:::task {#t title=Task}
` + "```check {#first}\ntest -e /root/a\n```\n\n```solve {for=first}\ntouch /root/a\n```\n\n```mistake {for=first expect=x}\ntrue\n```\n:::\n"

// folder writes a course and returns its folder and the tutorial's file.
func folder(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, "tutorials", "one.md")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "course.yaml"), "id: mine\ntitle: Mine\n")
	write(t, file, lesson)
	return dir, file
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestASaveIsSeenAndAnErrorKeepsTheLastGoodVersion(t *testing.T) {
	dir, file := folder(t)
	c, err := Open(dir, "editor:%f?%l")
	if err != nil {
		t.Fatal(err)
	}
	news := make(chan *content.Course, 10)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx, func(course *content.Course) { news <- course }) }()
	defer func() { stop(); <-done }()
	next := func() *content.Course {
		t.Helper()
		select {
		case course := <-news:
			return course
		case <-time.After(time.Minute):
			t.Fatal("nothing was told of the save")
			return nil
		}
	}

	write(t, file, strings.Replace(lesson, "Words.", "Other words.", 1))
	good := next()
	if good == nil || c.State().Revision != good.Revision {
		t.Fatalf("a good version was told as %v, state %+v", good, c.State())
	}
	write(t, file, strings.Replace(lesson, "{#first}", "{#first pionts=2}", 1))
	if next() != nil {
		t.Fatal("a version with errors is served")
	}
	s := c.State()
	if !s.Stale || s.Revision != good.Revision || len(s.Findings) == 0 {
		t.Fatalf("after an error the state is %+v", s)
	}
	f := s.Findings[0]
	if f.Place != "tutorials/one.md:11:18" || f.Tutorial != "one" || f.Check != "first" {
		t.Errorf("the error stands at %q, tutorial %q, check %q", f.Place, f.Tutorial, f.Check)
	}
	if want := "editor:" + file + "?11"; f.Editor != want {
		t.Errorf("the editor is asked for %q, not %q", f.Editor, want)
	}
	write(t, file, lesson)
	if next() == nil || c.State().Stale {
		t.Error("a mended version is not served")
	}
}

func TestACourseThatBeginsWithErrors(t *testing.T) {
	dir, file := folder(t)
	write(t, file, "no head")
	c, err := Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if s := c.State(); len(c.Courses()) != 0 || !s.Stale || len(s.Findings) == 0 {
		t.Errorf("courses %v, state %+v", c.Courses(), s)
	}
}

func TestFindingsKeepTheirBlockWhileLinesMove(t *testing.T) {
	dir, file := folder(t)
	c, err := Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	// Three lines more above, and the line of the check changed.
	write(t, file, strings.Replace(strings.Replace(lesson, "Words.", "Words.\n\nMore\nwords.", 1), "test -e", "test  -e", 1))
	for now, want := range map[int]int{3: 3, 15: 12, 19: 16} {
		if got := c.former("tutorials/one.md", now); got != want {
			t.Errorf("line %d was line %d, not %d", now, got, want)
		}
	}
}
