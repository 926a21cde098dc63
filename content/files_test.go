package content

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// courseFolder writes a course with a picture into a folder.
func courseFolder(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tutorials"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"course.yaml": courseYAML, "tutorials/web.md": opening + "![A tree](a.png)\n", "tutorials/a.png": "picture", "secret": "secret",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestAPictureIsServedOnlyAsItWasLoaded swaps a picture for other things in a
// course that is being served.
func TestAPictureIsServedOnlyAsItWasLoaded(t *testing.T) {
	dir := courseFolder(t)
	c, findings := Load(os.DirFS(dir))
	if c == nil {
		t.Fatal(findings)
	}
	picture := filepath.Join(dir, "tutorials/a.png")
	f, err := c.File("web", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := io.ReadAll(f); string(text) != "picture" {
		t.Fatalf("the picture is %q", text)
	}
	for what, swap := range map[string]func() error{
		"a link out of the folder":   func() error { return os.Symlink("../secret", picture) },
		"a pipe, which nobody fills": func() error { return syscall.Mkfifo(picture, 0o600) },
		"a folder":                   func() error { return os.Mkdir(picture, 0o700) },
	} {
		if err := errors.Join(os.RemoveAll(picture), swap()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.File("web", "a.png"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is served (%v)", what, err)
		}
	}
}

// TestAPipeIsNoCourse would hang for ever where a pipe was opened.
func TestAPipeIsNoCourse(t *testing.T) {
	for _, name := range []string{"course.yaml", "tutorials/web.md"} {
		dir := courseFolder(t)
		if err := errors.Join(os.Remove(filepath.Join(dir, name)), syscall.Mkfifo(filepath.Join(dir, name), 0o600)); err != nil {
			t.Fatal(err)
		}
		if c, findings := Load(os.DirFS(dir)); c != nil || !strings.Contains(findings.String(), "no file but") {
			t.Errorf("%s as a pipe: %v", name, findings)
		}
	}
}
