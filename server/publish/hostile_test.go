package publish_test

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/labmark/labmark/server/publish"
)

// TestNothingLeadsOutOfAServedFolder swaps files of a course by links while it
// is served: one author must not read another's course, nor the server's data.
func TestNothingLeadsOutOfAServedFolder(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret.md")
	if err := os.WriteFile(outside, []byte("---\ntitle: Secret\n---\n## A\n\nSecret text.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := author{t, t.TempDir()}
	a.write("First", "![A](a.png)\n")
	picture, tutorial := filepath.Join(a.dir, "tutorials/a.png"), filepath.Join(a.dir, "tutorials/two.md")
	if err := os.WriteFile(picture, []byte("picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := run(t, a.dir, t.TempDir())
	if err := errors.Join(os.Remove(picture), os.Symlink(outside, picture)); err != nil {
		t.Fatal(err)
	}
	if f, err := b.catalog.Course("demo").File("one", "a.png"); !errors.Is(err, fs.ErrNotExist) {
		text, _ := io.ReadAll(f)
		t.Errorf("in the place of the picture %q is served", text)
	}
	a.write("Second", "Text.\n")
	until(t, "the second version is served", func() bool { return b.title() == "Second" })
	if err := os.Symlink(outside, tutorial); err != nil {
		t.Fatal(err)
	}
	until(t, "the link is refused", func() bool { return b.Statuses()[0].Fault != nil })
	if b.catalog.Course("demo").Tutorial("two") != nil {
		t.Error("a tutorial is served that lies outside of the course")
	}
}

// TestTwoCoursesOfOneRepository has versions of one course that are broken
// while the other goes on.
func TestTwoCoursesOfOneRepository(t *testing.T) {
	top := author{t, t.TempDir()}
	one, two := author{t, filepath.Join(top.dir, "one")}, author{t, filepath.Join(top.dir, "two")}
	top.git("init", "--quiet")
	commit := func(course author, title, text string) {
		course.write(title, text)
		top.git("add", ".")
		top.git("commit", "--quiet", "-m", title)
	}
	commit(one, "One", "Text.\n")
	commit(two, "Two", "Text.\n")
	dir := t.TempDir()
	source := func(sub string) string { return "git+file://" + top.dir + "#main:" + sub }
	for _, sub := range []string{"one", "two"} {
		if _, err := open(t, source(sub), dir); err != nil {
			t.Fatal(err)
		}
	}
	commit(one, "Broken", ":::task\n")
	for _, text := range []string{"Two, again", "Two, once more", "Two, the last time"} {
		commit(two, text, "Text.\n")
		if _, err := open(t, source("two"), dir); err != nil {
			t.Fatal(err)
		}
	}
	p, err := open(t, source("one"), dir)
	if err != nil {
		t.Fatalf("the good version of one course went with those of the other: %v", err)
	}
	if p.Courses()[0].Title != "One" {
		t.Errorf("%q is served", p.Courses()[0].Title)
	}
}

func noise(t *testing.T, a author, bytes int) {
	t.Helper()
	raw := make([]byte, bytes)
	rand.Read(raw)
	if err := os.WriteFile(filepath.Join(a.dir, "noise"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

func sizeOf(dir string) (size int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size
}

func TestARepositoryCannotFillTheDisk(t *testing.T) {
	publish.BoundClones(t, 1<<20)
	a := author{t, t.TempDir()}
	a.git("init", "--quiet")
	a.commit("Small", "Text.\n")
	dir := t.TempDir()
	source := "git+file://" + a.dir
	for range 8 { // of 600 kB each; the one served and the one before it stay
		noise(t, a, 600<<10)
		a.commit("Small", "Text.\n")
		if _, err := open(t, source, dir); err != nil {
			t.Fatal(err)
		}
	}
	if size := sizeOf(dir); size > 3<<20 {
		t.Errorf("after eight versions there are %d kB", size>>10)
	}
	noise(t, a, 6<<20)
	a.commit("Huge", "Text.\n")
	for range 3 {
		p, err := open(t, source, dir)
		if err != nil {
			t.Fatal(err)
		}
		if p.Courses()[0].Title != "Small" || p.Statuses()[0].Fault == nil {
			t.Errorf("6 MB came through: %q, %v", p.Courses()[0].Title, p.Statuses()[0].Fault)
		}
	}
	if size := sizeOf(dir); size > 4<<20 {
		t.Errorf("after a huge version there are %d kB", size>>10)
	}
}
