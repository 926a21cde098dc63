package proof

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
)

// fakeLab gives machines that are sets of words, and know these commands:
//
//	add WORD, del WORD    change the set
//	new WORD              adds a word that must not be there yet
//	has WORD, not WORD    fail unless it is there, or is not
//	partial GOT OF, unsure, fail MESSAGE
//	break                 loses the connection, the first time
type fakeLab struct {
	mu     sync.Mutex
	broken bool
	fail   error
	open   int
	most   int // labs at a time
}

type fakeMachines struct {
	lab   *fakeLab
	words map[string]map[string]bool // by guest
}

func (f *fakeLab) Fresh(_ context.Context, t *content.Tutorial) (Machines, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return nil, f.fail
	}
	f.open++
	f.most = max(f.most, f.open)
	m := &fakeMachines{f, map[string]map[string]bool{}}
	for _, g := range t.Guests {
		m.words[g.Name] = map[string]bool{}
	}
	return m, nil
}

func (m *fakeMachines) Close() {
	m.lab.mu.Lock()
	defer m.lab.mu.Unlock()
	m.lab.open--
}

func (m *fakeMachines) Enter(_ context.Context, step string) error {
	for _, words := range m.words {
		words["at-"+step] = true
	}
	return nil
}

func (m *fakeMachines) Prepare(ctx context.Context, s *content.Setup, values content.Values) checks.Result {
	return m.Run(ctx, s.Guest, checks.Script{Body: s.Script, Vars: values})
}

var variable = regexp.MustCompile(`\$\w+`)

func (m *fakeMachines) Run(ctx context.Context, guest string, s checks.Script) (r checks.Result) {
	if ctx.Err() != nil {
		return checks.Result{Verdict: checks.Unsure, Err: ctx.Err()}
	}
	end := func(v checks.Verdict, score float64, status int, message string) checks.Result {
		return checks.Result{Verdict: v, Score: score, Message: message,
			Evidence: checks.Evidence{ExitStatus: &status, Stderr: checks.Output{Text: message}}}
	}
	words := m.words[guest]
	for line := range strings.Lines(s.Body) {
		line = variable.ReplaceAllStringFunc(strings.TrimSpace(line), func(name string) string { return s.Vars[name[1:]] })
		verb, rest, _ := strings.Cut(line, " ")
		rest, _, _ = strings.Cut(rest, " #")
		switch verb {
		case "set", "", "#":
		case "add":
			words[rest] = true
		case "new":
			if words[rest] {
				return end(checks.Fail, 0, 1, rest+" exists")
			}
			words[rest] = true
		case "del":
			delete(words, rest)
		case "has", "not":
			if words[rest] != (verb == "has") {
				return end(checks.Fail, 0, 1, fmt.Sprintf("failed: %s %s", verb, rest))
			}
		case "fail":
			return end(checks.Fail, 0, 1, rest)
		case "partial":
			return end(checks.Fail, 0.5, 1, "half")
		case "unsure":
			return end(checks.Unsure, 0, 75, "no idea")
		case "break":
			m.lab.mu.Lock()
			was := m.lab.broken
			m.lab.broken = true
			m.lab.mu.Unlock()
			if !was {
				return checks.Result{Verdict: checks.Unsure, Message: "lost", Err: fmt.Errorf("%w: in a test", checks.ErrConnection)}
			}
		default:
			return end(checks.Fail, 0, 127, verb+": not found")
		}
	}
	return end(checks.Pass, 1, 0, "well done")
}

// course compiles a tutorial of this body.
func course(t *testing.T, front, body string) *content.Course {
	t.Helper()
	c, findings := content.Load(fstest.MapFS{
		"course.yaml":     {Data: []byte("id: c\ntitle: A course\n")},
		"tutorials/t.md":  {Data: []byte("---\ntitle: T\n" + front + "---\n" + strings.ReplaceAll(body, "~~~", "```"))},
		"tutorials/zz.md": {Data: []byte("---\ntitle: Another\n---\nText.\n")},
	})
	if err := findings.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// prove proves a course with fake machines, with mutation.
func prove(t *testing.T, front, body string, change ...func(*Options)) Report {
	t.Helper()
	f := &fakeLab{}
	o := Options{Lab: f, Parallel: 3, Seed: "seed", Mutation: true, Tutorials: []string{"t"}}
	for _, c := range change {
		c(&o)
	}
	r, err := Course(t.Context(), course(t, front, body), o)
	if err != nil {
		t.Fatal(err)
	}
	if f.open != 0 {
		t.Errorf("%d labs were left open", f.open)
	}
	return r
}
