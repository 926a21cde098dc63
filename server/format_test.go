package server

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/lti/ltitest"
	"github.com/labmark/labmark/server/progress"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// exercise has what the format has for the server to do.
const exercise = `---
title: One
guests:
  web: {image: debian-12}
  db: {image: debian-12}
networks:
  lan: {guests: [web, db], cut: [second]}
vars:
  port: {int: 8000-8999}
---

## First {#start}

` + "```setup {host=web}\necho START\n```\n\n```setup {host=db file=/etc/port mode=600}\nport {{port}}\n```\n\n" +
	"```setup {at=second host=web}\necho SECOND\n```\n\n" + `
:::task {#t title="Task"}
` + "```check {#first host=db points=10 auto=2s}\n:pass: Seen.\n:fail: Not seen.\ntrue\n```\n\n```solve {for=first}\ntrue\n```\n:::\n" + `
:::question {#which type=number title="Which port" points=4 attempts=2 cost=1}
Which one is it?

- [x] {{port}}
- [ ] 80
  > FEEDBACK-ON-80
:::

:::question {#said type=text title="Said" points=1}
What does it say?

` + "```check {host=web}\ntest \"$ANSWER\" = moo\n```\n\n```solve {for=said answer=\"moo\"}\n```\n:::\n" + `
` + "```file {#note host=web path=/root/note mode=600}\nit's {{port}}\n```\n" + `
## Second {#second}

On.
`

// machines is what the exercise's guests have been through.
type machines struct {
	*simulated.Backend
	mu      sync.Mutex
	ran     []string          // blocks by host, as they were run
	files   map[string]string // written, by host and path
	failing string            // the block that fails
	answer  string            // that the last check in a guest was given
}

func (m *machines) exec(host, command, stdin, verdict string) (string, string, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, block := range []string{"START", "SECOND"} {
		if strings.Contains(stdin, "echo "+block) {
			m.ran = append(m.ran, host+" "+block)
			if m.failing == block {
				return simulated.CheckAnswer(stdin, "fail", "no luck")
			}
			return simulated.CheckAnswer(stdin, "pass", "")
		}
	}
	for _, path := range []string{"/etc/port", "/root/note"} {
		if strings.Contains(command, "'"+path+"'") {
			m.files[host+path] = stdin
			return "", "", 0
		}
	}
	if _, rest, found := strings.Cut(stdin, "export ANSWER="); found {
		m.answer, _, _ = strings.Cut(rest, "\n")
		verdict = map[bool]string{true: "pass", false: "fail"}[m.answer == "'moo'"]
	}
	return simulated.CheckAnswer(stdin, verdict, "Looked.")
}

func (m *machines) times(block string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, ran := range m.ran {
		if ran == block {
			n++
		}
	}
	return n
}

func (m *machines) given() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.answer
}

func (m *machines) wrote(file string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.files[file]
}

func (m *machines) fail(block string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failing = block
}

// mustExercise serves the exercise, and lets Ada open it.
func mustExercise(t *testing.T) (*bed, *machines, *browser) {
	t.Helper()
	m := &machines{files: map[string]string{}}
	var b *bed
	b = mustServe(t, ltitest.Moodle, func(cfg *Config) {
		course, findings := content.Load(fstest.MapFS{
			"course.yaml":      {Data: []byte("id: linux\ntitle: Linux\ntutorials: [one]\n")},
			"tutorials/one.md": {Data: []byte(exercise)},
		})
		if course == nil {
			t.Fatal(findings)
		}
		cfg.Backend.Close()
		backend, err := simulated.New(simulated.Options{Dir: t.TempDir(), Machine: func(spec vmbackend.Spec, _ *simulated.Disk) simulated.Machine {
			return simulated.Machine{Exec: func(command, stdin string) (string, string, int) {
				b.mu.Lock()
				verdict := b.verdict
				b.mu.Unlock()
				return m.exec(spec.Hostname, command, stdin, verdict)
			}}
		}})
		if err != nil {
			t.Fatal(err)
		}
		m.Backend = backend
		cfg.Courses, cfg.Backend = []*content.Course{course}, backend
	})
	ada := b.browser()
	ada.mustLaunch(b.as("ada"))
	return b, m, ada
}

// asks posts to the exercise's API.
func (b *browser) asks(path string, in any) (int, map[string]any) {
	b.t.Helper()
	return b.api("/api/courses/linux/one"+path, in)
}

// begins starts the machines and waits for them.
func (b *browser) begins() {
	b.t.Helper()
	if status, out := b.asks("/guest/start", nil); status != http.StatusAccepted {
		b.t.Fatal(status, out)
	}
	b.waits("ready")
}

func (b *browser) waits(state string) (guest map[string]any) {
	b.t.Helper()
	until(b.t, "machines that are "+state, func() bool {
		_, guest = b.asks("/guest/start", nil)
		return guest["state"] == state
	})
	return guest
}

// tries checks something, or answers, and returns what came of it.
func (b *browser) tries(check string, answer ...string) store.Attempt {
	b.t.Helper()
	attemptNumber++
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", attemptNumber)
	if status, out := b.asks("/checks/"+check, map[string]any{"attempt": id, "answer": answer}); status != http.StatusAccepted {
		b.t.Fatalf("%s: %d %v", check, status, out)
	}
	var a store.Attempt
	until(b.t, "an outcome", func() bool {
		var err error
		if a, err = b.store.Attempt(b.t.Context(), id); err != nil {
			b.t.Fatal(err)
		}
		return a.State == store.Done
	})
	return a
}

// owner is somebody's work on the exercise.
func (b *bed) owner(who string) store.Owner {
	b.t.Helper()
	u, err := b.store.UserBySubject(b.t.Context(), 1, b.people[who].ID)
	if err != nil || u == nil {
		b.t.Fatal(who, u, err)
	}
	return store.Owner{UserID: u.ID, Context: 1, Course: "linux", Tutorial: "one"}
}

func TestAQuestionTakesItsAnswersAndNoMore(t *testing.T) {
	b, _, ada := mustExercise(t)
	right := b.catalog.Values(b.owner("ada"))["port"]
	if _, page := ada.get("/courses/linux/one"); strings.Contains(page, "FEEDBACK-ON-80") || !strings.Contains(page, `id="check-which"`) {
		t.Error("the page has no form, or tells of answers")
	}
	status, out := ada.asks("/checks/which", map[string]any{"attempt": "10000000-0000-4000-8000-000000000001", "answer": []string{"many"}})
	if status != http.StatusUnprocessableEntity || out["error"] == "" {
		t.Errorf("no number: %d %v", status, out)
	}
	status, out = ada.asks("/checks/which", map[string]any{"attempt": "10000000-0000-4000-8000-000000000002", "answer": []string{"80"}})
	if status != http.StatusAccepted || out["verdict"] != "fail" || out["left"] != 1.0 || !strings.Contains(fmt.Sprint(out["feedback"]), "FEEDBACK-ON-80") {
		t.Errorf("the first: %d %v", status, out)
	}
	if _, page := ada.get("/courses/linux/one"); !strings.Contains(page, "FEEDBACK-ON-80") {
		t.Error("after a reload the words that belong to the answer are gone")
	}
	status, out = ada.asks("/checks/which", map[string]any{"attempt": "10000000-0000-4000-8000-000000000003", "answer": []string{right}})
	if status != http.StatusAccepted || out["verdict"] != "pass" || out["left"] != 0.0 || out["won"] != 3.0 || out["best"] != 3.0 {
		t.Errorf("the second: %d %v", status, out)
	}
	status, out = ada.asks("/checks/which", map[string]any{"attempt": "10000000-0000-4000-8000-000000000004", "answer": []string{right}})
	if status != http.StatusConflict {
		t.Errorf("the third: %d %v", status, out)
	}
	tessa := b.browser()
	tessa.mustLaunch(b.as("tessa"))
	_, page := tessa.get(fmt.Sprintf("/class/students/%d", b.owner("ada").UserID))
	has(t, page, "<q>80</q>", "<q>"+right+"</q>", "1 point less for failed answers before it")
}

func TestACopiedAnswerIsNotedForWhoTeaches(t *testing.T) {
	b, _, ada := mustExercise(t)
	bob, tessa := b.browser(), b.browser()
	bob.mustLaunch(b.as("bob"))
	theirs := b.catalog.Values(b.owner("bob"))["port"]
	if theirs == b.catalog.Values(b.owner("ada"))["port"] {
		t.Skip("by chance both have the same port: there is nothing to copy")
	}
	ada.asks("/checks/which", map[string]any{"attempt": "10000000-0000-4000-8000-000000000001", "answer": []string{theirs}})
	if _, page := ada.get("/courses/linux/one"); strings.Contains(page, "another student") || strings.Contains(page, "Bob") {
		t.Error("the student is told whose answer it was")
	}
	if _, export := ada.get("/privacy/export"); strings.Contains(export, "fitsValuesOf") || !strings.Contains(export, theirs) {
		t.Errorf("what is kept about Ada, as Ada may read it: %s", export)
	}
	tessa.mustLaunch(b.as("tessa"))
	_, page := tessa.get(fmt.Sprintf("/class/students/%d", b.owner("ada").UserID))
	has(t, page, "right with the values of Bob O&#39;Brien")
	_, page = tessa.get("/class?tutorial=linux/one")
	has(t, page, "another student")
	if err := b.store.Erase(t.Context(), b.owner("bob").UserID); err != nil {
		t.Fatal(err)
	}
	_, page = tessa.get(fmt.Sprintf("/class/students/%d", b.owner("ada").UserID))
	if strings.Contains(page, "right with the values") {
		t.Error("of somebody erased it is still told what their values were")
	}
}

func TestAnAnswerIsDecidedInItsMachine(t *testing.T) {
	_, m, ada := mustExercise(t)
	status, out := ada.asks("/checks/said", map[string]any{"attempt": "10000000-0000-4000-8000-000000000001", "answer": []string{"moo"}})
	if status != http.StatusConflict {
		t.Errorf("without a machine: %d %v", status, out)
	}
	ada.begins()
	if a := ada.tries("said", "$(reboot)'"); a.Verdict != "fail" || m.given() != `'$(reboot)'\'''` {
		t.Errorf("%+v; the guest was given %s", a, m.given())
	}
	if a := ada.tries("said", "moo"); a.Verdict != "pass" || strings.Contains(a.Vars, "moo") {
		t.Errorf("%+v", a)
	}
}

func TestMachinesArePreparedBeforeTheyAreShown(t *testing.T) {
	b, m, ada := mustExercise(t)
	ada.begins()
	port := b.catalog.Values(b.owner("ada"))["port"]
	if got := m.wrote("db/etc/port"); got != "port "+port+"\n" || m.times("web START") != 1 || m.times("web SECOND") != 0 {
		t.Errorf("wrote %q, ran START %d times", got, m.times("web START"))
	}
	if status, out := ada.asks("/files/note", nil); status != http.StatusOK || out["path"] != "/root/note" || m.wrote("web/root/note") != "it's "+port+"\n" {
		t.Errorf("a file by its button: %d %v", status, out)
	}
	if status, _ := ada.asks("/files/other", nil); status != http.StatusNotFound {
		t.Errorf("a file that is none: %d", status)
	}
}

// cut says whether a guest's cable is, as the backend has it.
func (b *bed) cut(m *machines, name string) bool {
	b.t.Helper()
	g, err := b.guests.Machine(b.owner("ada"), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return m.Cards(g.ID)[0].Link.Cut
}

func TestEnteringAStepPreparesItOnce(t *testing.T) {
	b, m, ada := mustExercise(t)
	ada.begins()
	if b.cut(m, "web") {
		t.Error("the cable is cut before the step that cuts it")
	}
	if status, _ := ada.asks("/steps/nowhere", nil); status != http.StatusNotFound {
		t.Errorf("a step that is none: %d", status)
	}
	for range 3 {
		if status, out := ada.asks("/steps/second", nil); status != http.StatusAccepted {
			t.Fatal(status, out)
		}
		until(t, "both cables to be cut", func() bool { return b.cut(m, "web") && b.cut(m, "db") })
		until(t, "the step's block", func() bool { return m.times("web SECOND") > 0 })
		ada.asks("/steps/start", nil)
		until(t, "both cables to be mended", func() bool { return !b.cut(m, "web") && !b.cut(m, "db") })
	}
	if n := m.times("web SECOND"); n != 1 {
		t.Errorf("the step's block ran %d times", n)
	}
	// A fresh machine lacks it again.
	ada.asks("/steps/second", nil)
	if status, out := ada.asks("/guest/reset", map[string]string{"guest": "web"}); status != http.StatusAccepted {
		t.Fatal(status, out)
	}
	until(t, "the block in the fresh machine", func() bool { return m.times("web START") == 2 && m.times("web SECOND") == 2 })
}

func TestNobodyIsBlamedForAFailedPreparation(t *testing.T) {
	b, m, ada := mustExercise(t)
	m.fail("START")
	ada.begins()
	if _, page := ada.get("/courses/linux/one"); !strings.Contains(page, "could not be prepared as it should be") {
		t.Error("the student is not told")
	}
	b.mu.Lock()
	b.verdict = "fail"
	b.mu.Unlock()
	if a := ada.tries("first"); a.Verdict != "unsure" || !strings.Contains(a.Message, "not your fault") {
		t.Errorf("a check failed, and %+v", a)
	}
	tessa := b.browser()
	tessa.mustLaunch(b.as("tessa"))
	_, page := tessa.get("/class?tutorial=linux/one")
	has(t, page, "could not be prepared in the machine of")
	_, page = tessa.get(fmt.Sprintf("/class/students/%d", b.owner("ada").UserID))
	has(t, page, "tutorials/one.md:", "no luck")
	m.fail("")
	ada.asks("/guest/reset", nil)
	ada.waits("ready")
	if _, page := ada.get("/courses/linux/one"); strings.Contains(page, "could not be prepared as it should be") {
		t.Error("the student is told of what is mended")
	}
	if a := ada.tries("first"); a.Verdict != "fail" {
		t.Errorf("with all prepared a check failed, and %+v", a)
	}
}

func TestOneOfSeveralMachinesIsReset(t *testing.T) {
	b, _, ada := mustExercise(t)
	ada.begins()
	o := b.owner("ada")
	id := func(name string) string {
		m, err := b.guests.Machine(o, name)
		if err != nil {
			t.Fatal(err)
		}
		return m.ID
	}
	web, db := id("web"), id("db")
	if a := ada.tries("first"); a.GuestID != db {
		t.Errorf("the check of db ran in %s", a.GuestID)
	}
	if status, out := ada.asks("/guest/reset", map[string]string{"guest": "nobody"}); status != http.StatusNotFound {
		t.Errorf("a machine that is none: %d %v", status, out)
	}
	_, out := ada.asks("/guest/reset", map[string]string{"guest": "web"})
	if all, _ := out["machines"].([]any); len(all) != 2 || out["state"] != "resetting" {
		t.Errorf("told %v", out)
	}
	ada.waits("ready")
	if id("web") == web || id("db") != db {
		t.Errorf("web %s → %s, db %s → %s", web, id("web"), db, id("db"))
	}
}

func TestALookByItselfIsNoAttempt(t *testing.T) {
	b, _, ada := mustExercise(t)
	ada.begins()
	look := func(n int) (int, map[string]any) {
		return ada.asks("/checks/first", map[string]any{"attempt": fmt.Sprintf("20000000-0000-4000-8000-%012d", n), "auto": true})
	}
	b.mu.Lock()
	b.verdict = "fail"
	b.mu.Unlock()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+ada.at+"/api/courses/linux/one/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := ada.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	if status, out := look(1); status != http.StatusAccepted || out["auto"] != true {
		t.Fatal(status, out)
	}
	if status, _ := look(2); status != http.StatusTooManyRequests {
		t.Errorf("looked again at once: %d", status)
	}
	lines := bufio.NewScanner(stream.Body)
	for seen := false; !seen; {
		if !lines.Scan() {
			t.Fatal("the stream ended before it told what was seen", lines.Err())
		}
		seen = strings.Contains(lines.Text(), `"auto":true`) && strings.Contains(lines.Text(), `"verdict":"fail"`)
	}
	b.mu.Lock()
	b.verdict = "pass"
	b.mu.Unlock()
	until(t, "a look that may be", func() bool { status, _ := look(3); return status == http.StatusAccepted })
	until(t, "points", func() bool {
		p, err := progress.Book{Store: b.store, Catalog: b.catalog}.Tutorial(t.Context(), b.owner("ada"))
		if err != nil {
			t.Fatal(err)
		}
		c := p.Checks["first"]
		return c.Passed && c.Attempts == 0 && c.Failed == 0
	})
	var kept []store.Attempt
	err = b.store.EachAttempt(t.Context(), b.owner("ada"), func(a store.Attempt) error { kept = append(kept, a); return nil })
	if err != nil || len(kept) != 1 || !kept[0].Auto || kept[0].Verdict != "pass" {
		t.Errorf("kept %+v", kept)
	}
}
