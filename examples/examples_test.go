// Package examples_test proves the courses that come with Labmark, and the
// examples of the format's reference: in real guests, that every check means
// what it says.
package examples_test

import (
	"log/slog"
	"os"
	"runtime"
	"testing"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/internal/proof"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/jail"
	"github.com/labmark/labmark/vmbackend/uml"
)

func TestMain(m *testing.M) {
	jail.Enter()
	os.Exit(m.Run())
}

func load(t *testing.T, dir string) *content.Course {
	t.Helper()
	course, findings := content.Load(os.DirFS(dir))
	findings = append(findings, content.Shellcheck(t.Context(), course)...)
	for _, f := range findings {
		t.Errorf("%s/%s:%d:%d: %s: %s %s", dir, f.File, f.Line, f.Column, f.Severity, f.Message, f.Mend)
	}
	if course == nil {
		t.FailNow()
	}
	return course
}

// courses are the folders here that have a course.
func courses(t *testing.T) (dirs []string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := os.Stat(e.Name() + "/course.yaml"); err == nil {
			dirs = append(dirs, e.Name())
		}
	}
	if len(dirs) == 0 {
		t.Fatal("there are no courses here")
	}
	return dirs
}

// TestCoursesAreGoodExamples holds them against what we tell authors.
func TestCoursesAreGoodExamples(t *testing.T) {
	for _, dir := range courses(t) {
		course := load(t, dir)
		checks, mistaken := 0, map[string]bool{}
		for _, tutorial := range course.Tutorials {
			checks += len(tutorial.Checks)
			for _, m := range tutorial.Mistakes {
				mistaken[tutorial.ID+"/"+m.For] = true
			}
			if tutorial.Summary == "" || tutorial.Duration == 0 {
				t.Errorf("%s says of %s neither what it is about nor how long it takes", dir, tutorial.ID)
			}
		}
		if 2*len(mistaken) < checks {
			t.Errorf("%s: of %d checks, %d have a mistake; half of them should", dir, checks, len(mistaken))
		}
	}
}

// TestCoursesAreProved is what "labmark test" does.
func TestCoursesAreProved(t *testing.T) {
	lab := open(t)
	for _, dir := range courses(t) {
		t.Run(dir, func(t *testing.T) { prove(t, lab, load(t, dir)) })
	}
}

func prove(t *testing.T, lab proof.Lab, course *content.Course) {
	t.Helper()
	report, err := proof.Course(t.Context(), course, proof.Options{Lab: lab, Parallel: runtime.NumCPU(), Seed: "labmark test", Mutation: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range report.Bad() {
		t.Errorf("%s:%d: %s: %s, %s\n%s\n%s", bad.File, bad.Line, bad.State, bad.Subject, bad.What, bad.Message, bad.Mend)
	}
	for _, tutorial := range report.Tutorials {
		t.Logf("%s: %d held, %d skipped, %v", tutorial.ID, tutorial.Count(proof.Held), tutorial.Count(proof.Skipped), tutorial.Took)
	}
	t.Logf("%d guests in %v", report.Guests, report.Took)
}

// open gives guests of the images that are here.
func open(t *testing.T) proof.Lab {
	t.Helper()
	backend, store := openBackend(t)
	return &proof.Guests{Backend: backend, Digest: func(name string) (string, error) {
		i, err := store.Resolve(name)
		return i.Digest, err
	}}
}

func openBackend(t testing.TB) (*uml.Backend, *image.Store) {
	t.Helper()
	store, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Resolve("debian-12"); err != nil {
		t.Skipf("there is no guest to try the checks in: %v", err)
	}
	backend, err := uml.New(uml.Config{
		Dir: t.TempDir(), Images: store, Kernel: os.Getenv("LABMARK_TEST_KERNEL"), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Skipf("there is no guest to try the checks in: %v", err)
	}
	t.Cleanup(func() { _ = backend.Close() })
	return backend, store
}
