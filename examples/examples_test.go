// Package examples_test proves the courses that come with Labmark: that they
// load, and in real guests that every check means what it says.
package examples_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
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
	for _, f := range findings {
		t.Errorf("%s/%s:%d:%d: %s: %s %s", dir, f.File, f.Line, f.Column, f.Severity, f.Message, f.Mend)
	}
	if course == nil {
		t.FailNow()
	}
	return course
}

func TestCoursesLoad(t *testing.T) {
	course := load(t, "linux-essentials")
	for _, tutorial := range course.Tutorials {
		mistaken := map[string]bool{}
		for _, m := range tutorial.Mistakes {
			mistaken[m.For] = true
		}
		if len(tutorial.Checks) != 5 || len(mistaken) < 3 || len(tutorial.Vars) == 0 || tutorial.Duration == 0 {
			t.Errorf("%s has %d checks, %d of them with mistakes, and %d variables", tutorial.ID, len(tutorial.Checks), len(mistaken), len(tutorial.Vars))
		}
	}
}

// TestChecksInGuests does to each tutorial what its students will: nothing,
// then every typical mistake in a machine of its own, then all that is asked.
func TestChecksInGuests(t *testing.T) {
	machines := open(t)
	course := load(t, "linux-essentials")
	for _, tutorial := range course.Tutorials {
		t.Run(tutorial.ID, func(t *testing.T) {
			vars := tutorial.Draw([]byte("key"), course.ID, "ann")
			others := tutorial.Draw([]byte("key"), course.ID, "bob")
			for i := 0; sameAny(vars, others); i++ {
				others = tutorial.Draw([]byte("key"), course.ID, "bob"+strings.Repeat("b", i))
			}
			guest := machines.start(t, tutorial.ID, tutorial.Guests[0].Name)
			for _, check := range tutorial.Checks {
				if r := guest.check(t, check, vars); r.Verdict != checks.Fail || r.Score != 0 {
					t.Errorf("fresh guest: %s: %s, %v, %q", check.ID, r.Verdict, r.Score, r.Message)
				}
			}
			for _, s := range tutorial.Solutions {
				guest.do(t, s.Lang, s.User, s.Script, vars)
				check := find(tutorial, s.For)
				r := guest.check(t, check, vars)
				t.Logf("solved: %s in %v: %s", s.For, r.Evidence.Ended.Sub(r.Evidence.Started).Round(time.Millisecond), r.Message)
				if r.Verdict != checks.Pass {
					t.Errorf("solved: %s: %s, %q\n%s", s.For, r.Verdict, r.Message, r.Evidence.Stderr.Text)
				}
			}
			for _, check := range tutorial.Checks {
				if r := guest.check(t, check, vars); r.Verdict != checks.Pass {
					t.Errorf("at the end: %s: %s, %q", check.ID, r.Verdict, r.Message)
				}
				if r := guest.check(t, check, others); r.Verdict != checks.Fail {
					t.Errorf("another student's values: %s: %s, %q", check.ID, r.Verdict, r.Message)
				}
			}
			for i, m := range tutorial.Mistakes {
				// As a test of its own, so that its guest ends with it.
				t.Run(fmt.Sprintf("mistake %d for %s", i+1, m.For), func(t *testing.T) {
					guest := machines.start(t, tutorial.ID, tutorial.Guests[0].Name)
					guest.do(t, m.Lang, m.User, m.Script, vars)
					r := guest.check(t, find(tutorial, m.For), vars)
					t.Log(r.Message)
					if r.Verdict != checks.Fail || !strings.Contains(r.Message, m.Expect) {
						t.Errorf("%s:%d: %s, %q, expected %q\n%s", m.File, m.Line, r.Verdict, r.Message, m.Expect, r.Evidence.Stderr.Text)
					}
				})
			}
		})
	}
}

func sameAny(a, b content.Values) bool {
	for name := range a {
		if a[name] == b[name] {
			return true
		}
	}
	return false
}

func find(tutorial *content.Tutorial, id string) *content.Check {
	for _, c := range tutorial.Checks {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// machines starts guests of the built-in image.
type machines struct {
	backend *uml.Backend
	image   string
	count   int
}

func open(t testing.TB) *machines {
	t.Helper()
	store, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	built, err := store.Resolve("debian-12")
	if err != nil {
		t.Skipf("there is no guest to try the checks in: %v", err)
	}
	backend, err := uml.New(uml.Config{
		Dir: t.TempDir(), Images: store, Kernel: os.Getenv("LABMARK_TEST_KERNEL"), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Skipf("there is no guest to try the checks in: %v", err)
	}
	t.Cleanup(func() { _ = backend.Close() })
	return &machines{backend: backend, image: built.Digest}
}

// machine is one guest with a connection as root.
type machine struct {
	client *ssh.Client
	dial   func(testing.TB) *ssh.Client
}

func (m *machines) start(t testing.TB, name, hostname string) machine {
	t.Helper()
	host, public, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	login, loginPublic, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(login)
	if err != nil {
		t.Fatal(err)
	}
	m.count++
	id := fmt.Sprintf("%s-%d", name, m.count)
	spec := vmbackend.Spec{
		ID: id, Image: m.image, Hostname: hostname, HostKey: host,
		AuthorizedKey: ssh.MarshalAuthorizedKey(loginPublic),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := m.backend.Create(ctx, spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.backend.Destroy(context.Background(), id); err != nil {
			t.Error(err)
		}
	})
	if err := m.backend.Start(ctx, id); err != nil {
		t.Fatal(err)
	}
	dial := func(t testing.TB) *ssh.Client {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		client, err := guestssh.Connect(ctx, m.backend, id, "root", public, signer)
		if err != nil {
			t.Fatal(err)
		}
		return client
	}
	client := dial(t)
	t.Cleanup(func() { _ = client.Close() })
	return machine{client, dial}
}

func (m machine) check(t *testing.T, c *content.Check, vars content.Values) checks.Result {
	t.Helper()
	r := checks.Run(t.Context(), m.client, checks.Script{
		ID: c.ID, Lang: c.Lang, Body: c.Script, PassMessage: c.PassMessage, FailMessage: c.FailMessage,
		User: c.User, Timeout: cmp.Or(c.Timeout, checks.DefaultTimeout), Vars: vars,
	})
	if r.Verdict == checks.Unsure {
		t.Errorf("%s: %v: %s\n%s", c.ID, r.Err, r.Message, r.Evidence.Stderr.Text)
	}
	return r
}

func (m machine) do(t *testing.T, lang, user, script string, vars content.Values) {
	t.Helper()
	r := checks.Run(t.Context(), m.client, checks.Script{Lang: lang, Body: "set -e\n" + script, User: user, Timeout: time.Minute, Vars: vars})
	if r.Verdict != checks.Pass {
		t.Fatalf("%s: %s\n%s", script, r.Message, r.Evidence.Stderr.Text)
	}
}
