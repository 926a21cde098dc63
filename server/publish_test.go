package server

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/publish"
)

// published writes the test's course into a folder and lets the server follow
// it, but only when its webhook asks.
func published(t *testing.T, dir string) func(*Config) {
	for name, file := range files {
		writeFile(t, filepath.Join(dir, name), string(file.Data))
	}
	return func(cfg *Config) {
		p, err := publish.Open(t.Context(), publish.Config{Sources: []publish.Source{{Dir: dir}}, Dir: t.TempDir(), Every: time.Hour, Log: cfg.Log})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Publisher, cfg.Courses, cfg.HookSecret = p, p.Courses(), "hook secret"
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// hook asks for a course to be pulled.
func (b *bed) hook(course, body string, header ...string) int {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+"/hooks/courses/"+course, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

func signature(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// TestAuthorPublishesWhileAClassWorks follows one change from the author's
// folder to a student, whose points stay, and to the instructor.
func TestAuthorPublishesWhileAClassWorks(t *testing.T) {
	dir := t.TempDir()
	b := mustServe(t, ltitest.Moodle, published(t, dir))
	student := b.browser()
	student.mustLaunch(b.as("ada"))
	student.work("one", "first")
	b.shown("ada", 10)

	// The check decides otherwise now, and there is a second one.
	lessonTwo := strings.Replace(lesson("One, revised", "first"), "Fail: This", "Fail: that", 1)
	lessonTwo = strings.Replace(lessonTwo, "what I saw.\ntrue", "what I saw.\ntest -e /etc/passwd", 1) +
		"\n```check {#more points=5 unsolved=true}\ntrue\n```\n"
	writeFile(t, filepath.Join(dir, "tutorials/one.md"), lessonTwo)

	const body = `{"ref": "refs/heads/main"}`
	for name, header := range map[string][]string{
		"no signature":      nil,
		"a wrong signature": {"X-Hub-Signature-256", signature(body, "guess")},
		"of another body":   {"X-Hub-Signature-256", signature("{}", "hook secret")},
		"a wrong token":     {"X-Gitlab-Token", "guess"},
	} {
		if got := b.hook("linux", body, header...); got != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, got)
		}
	}
	if got := b.hook("nothing", body, "X-Gitlab-Token", "hook secret"); got != http.StatusNotFound {
		t.Errorf("another course: %d, want 404", got)
	}
	if _, page := student.get("/courses/linux/one"); strings.Contains(page, "revised") {
		t.Error("the new version is served though nobody with the secret asked")
	}
	if got := b.hook("linux", body, "X-Hub-Signature-256", signature(body, "hook secret")); got != http.StatusAccepted {
		t.Fatalf("signed: %d, want 202", got)
	}
	page := ""
	until(t, "the new version", func() bool {
		_, page = student.get("/courses/linux/one")
		return strings.Contains(page, "One, revised")
	})
	if !strings.Contains(page, `id="score-points">10<`) || !strings.Contains(page, `id="score-of">15<`) {
		t.Error("the student's 10 points of now 15 are not on the page")
	}
	teacher := b.browser()
	teacher.mustLaunch(b.as("tessa"))
	_, class := teacher.get("/class?tutorial=linux/one")
	for _, want := range []string{"(first) looks at other things now. Who had passed keeps the points.", "“more” is new, worth 5."} {
		if !strings.Contains(class, want) {
			t.Errorf("the class page does not say %q", want)
		}
	}
}

func TestNoHookWithoutASecret(t *testing.T) {
	b := mustServe(t, ltitest.Moodle)
	if got := b.hook("linux", "{}", "X-Gitlab-Token", ""); got != http.StatusNotFound {
		t.Errorf("%d, want 404", got)
	}
}
