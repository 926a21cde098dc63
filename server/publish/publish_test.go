package publish_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/publish"
	"github.com/labmark/labmark/server/store"
)

// patience is far longer than anything should take on a busy machine.
const patience = 2 * time.Minute

// author writes a course, in a folder or a repository.
type author struct {
	t   *testing.T
	dir string
}

func (a author) write(title, tutorial string) {
	a.t.Helper()
	for name, text := range map[string]string{
		"course.yaml":      "id: demo\ntitle: " + title + "\n",
		"tutorials/one.md": "---\ntitle: One\n---\n## Do it\n\n" + tutorial,
	} {
		file := filepath.Join(a.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			a.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
}

func (a author) git(args ...string) {
	a.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", a.dir, "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func (a author) commit(title, tutorial string) {
	a.t.Helper()
	a.write(title, tutorial)
	a.git("add", ".")
	a.git("commit", "--quiet", "-m", title)
}

func check(id, points, script string) string {
	return fmt.Sprintf("```check {#%s points=%s unsolved=true}\n%s\n```\n\n", id, points, script)
}

// bed is a publisher at work.
type bed struct {
	*publish.Publisher
	catalog *catalog.Catalog
	db      *store.Store
	changed chan struct{}
}

func open(t *testing.T, source, dir string) (*publish.Publisher, error) {
	t.Helper()
	src, err := publish.ParseSource(source)
	if err != nil {
		t.Fatal(err)
	}
	return publish.Open(t.Context(), publish.Config{Sources: []publish.Source{src}, Dir: dir,
		Every: 10 * time.Millisecond, GitEvery: time.Hour, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
}

func run(t *testing.T, source, dir string) *bed {
	t.Helper()
	p, err := open(t, source, dir)
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{Publisher: p, changed: make(chan struct{}, 10)}
	if b.db, err = store.Open(filepath.Join(t.TempDir(), "db")); err != nil {
		t.Fatal(err)
	}
	if b.catalog, err = catalog.New([]byte("seed"), p.Courses()...); err != nil {
		t.Fatal(err)
	}
	if err := publish.Note(t.Context(), b.db, p.Courses()[0], ""); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx, b.catalog, b.db, func() { b.changed <- struct{}{} }) }()
	t.Cleanup(func() { stop(); <-done; b.db.Close() })
	return b
}

func (b *bed) title() string { return b.catalog.Course("demo").Title }

func (b *bed) wait(t *testing.T) {
	t.Helper()
	select {
	case <-b.changed:
	case <-time.After(patience):
		t.Fatal("no new version came")
	}
}

func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond) // a pause of polling
	}
}

func TestFolderIsFollowedAndBrokenVersionsAreNot(t *testing.T) {
	a := author{t, t.TempDir()}
	a.write("First", check("a", "1", "true"))
	b := run(t, a.dir, t.TempDir())
	a.write("Second", check("a", "1", "false")+check("b", "2", "true"))
	b.wait(t)
	// Both files may have been seen apart.
	until(t, "the second version is served", func() bool {
		return b.title() == "Second" && len(b.catalog.Course("demo").Tutorials[0].Checks) == 2
	})
	a.write("Third", "```chek {#a}\ntrue\n```\n")
	until(t, "the fault is told", func() bool { return b.Statuses()[0].Fault != nil })
	if got := b.Statuses()[0].Fault.Error(); !strings.Contains(got, "tutorials/one.md") || !strings.Contains(got, "chek") {
		t.Errorf("the fault does not say where and what: %s", got)
	}
	if b.title() != "Second" {
		t.Errorf("a version with errors is served: %q", b.title())
	}
	a.write("Fourth", check("b", "3", "true"))
	until(t, "the mended version is served", func() bool { return b.title() == "Fourth" && b.Statuses()[0].Fault == nil })

	kinds := map[string]bool{}
	until(t, "the changes are noted", func() bool {
		versions, err := b.db.CourseVersions(t.Context(), "demo", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range versions {
			changes, err := v.Differences()
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range changes {
				kinds[fmt.Sprintf("%s %s %v→%v", c.Check, c.Kind, c.Was, c.Points)] = true
			}
		}
		return kinds["a removed 1→1"]
	})
	for _, want := range []string{"a changed 1→1", "b added 0→2", "b points 2→3", "a removed 1→1"} {
		if !kinds[want] {
			t.Errorf("%q is not among the changes %v", want, kinds)
		}
	}
}

func TestAnotherIDIsRefused(t *testing.T) {
	a := author{t, t.TempDir()}
	a.write("First", "Text.\n")
	b := run(t, a.dir, t.TempDir())
	if err := os.WriteFile(filepath.Join(a.dir, "course.yaml"), []byte("id: other\ntitle: Other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "it is refused", func() bool { return b.Statuses()[0].Fault != nil })
	if !strings.Contains(b.Statuses()[0].Fault.Error(), `"other"`) || b.catalog.Course("other") != nil || b.title() != "First" {
		t.Errorf("fault %v, served %q", b.Statuses()[0].Fault, b.title())
	}
}

func TestRepositoryIsPulled(t *testing.T) {
	a := author{t, t.TempDir()}
	a.git("init", "--quiet")
	a.commit("First", "Text.\n")
	if err := os.Symlink("/etc", filepath.Join(a.dir, "tutorials", "etc")); err != nil {
		t.Fatal(err)
	}
	a.commit("First, with a link", "Text.\n")
	dir := t.TempDir()
	b := run(t, "git+file://"+a.dir+"#main", dir)
	links := 0
	_ = filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err == nil && e.Type()&os.ModeSymlink != 0 && !strings.Contains(name, "repository.git") {
			links++
		}
		return nil
	})
	if links > 0 {
		t.Errorf("%d links of the repository are in the served folder", links)
	}
	a.commit("Second", "More text.\n")
	if b.title() != "First, with a link" {
		t.Errorf("%q is served before it was pulled", b.title())
	}
	if b.Pull("another") {
		t.Error("a course that isn't there was pulled")
	}
	if !b.Pull("demo") {
		t.Error("the course was not found")
	}
	b.wait(t)
	if b.title() != "Second" || b.Statuses()[0].Commit == "" {
		t.Errorf("after the pull: %q, commit %q", b.title(), b.Statuses()[0].Commit)
	}
}

func TestLastGoodVersionOutlivesBrokenOnesAndTheRemote(t *testing.T) {
	a := author{t, t.TempDir()}
	a.git("init", "--quiet")
	a.commit("Good", "Text.\n")
	dir := t.TempDir()
	source := "git+file://" + a.dir
	if _, err := open(t, source, dir); err != nil {
		t.Fatal(err)
	}
	a.commit("Broken", ":::task\n")
	p, err := open(t, source, dir)
	if err != nil {
		t.Fatal(err)
	}
	if p.Courses()[0].Title != "Good" || p.Statuses()[0].Fault == nil {
		t.Errorf("with a broken version: %q, %v", p.Courses()[0].Title, p.Statuses()[0].Fault)
	}
	if err := os.RemoveAll(a.dir); err != nil {
		t.Fatal(err)
	}
	if p, err = open(t, source, dir); err != nil {
		t.Fatal(err)
	}
	if p.Courses()[0].Title != "Good" {
		t.Errorf("without the remote: %q", p.Courses()[0].Title)
	}
	if _, err = open(t, source, t.TempDir()); err == nil {
		t.Error("a repository that was never fetched is opened")
	}
}

func TestSources(t *testing.T) {
	for text, want := range map[string]string{
		"courses/linux": "courses/linux",
		"git+https://u:secret@host.example/c.git":      "https://u:xxxxx@host.example/c.git",
		"git+https://host.example/c.git#v2":            "https://host.example/c.git#v2",
		"git+ssh://git@host.example/c.git#main:a/demo": "ssh://git@host.example/c.git#main:a/demo",
	} {
		s, err := publish.ParseSource(text)
		if err != nil || s.String() != want {
			t.Errorf("%s: %q, %v", text, s, err)
		}
	}
	for _, bad := range []string{"git+http://host.example/c", "git+ext::sh -c id", "git+https://h/c#--upload-pack=x", "git+https://h/c#main:../..", "git+https://h/c#a..b"} {
		if s, err := publish.ParseSource(bad); err == nil {
			t.Errorf("%s was taken for %+v", bad, s)
		}
	}
}
