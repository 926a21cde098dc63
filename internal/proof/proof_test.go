package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

const good = `
## First {#first}
:::task {#one title="One"}
~~~check {#a}
has x
~~~
~~~solve {for=a}
add x
~~~
~~~mistake {for=a expect="has x"}
add y
~~~
:::
`

func TestGoodCourseIsProved(t *testing.T) {
	r := prove(t, "", good)
	if bad := r.Bad(); len(bad) != 0 {
		t.Errorf("%+v", bad)
	}
	var tried []string
	for _, result := range r.Tutorials[0].Results {
		tried = append(tried, fmt.Sprintf("%s %s:%d %s", result.Kind, result.Subject, result.Line, result.State))
		if len(result.Runs) == 0 {
			t.Errorf("there is no evidence of %+v", result)
		}
	}
	want := []string{"start a:7 ok", "solution a:7 ok", "mistake a:13 ok", "mutation a:11 ok"}
	if !slices.Equal(tried, want) {
		t.Errorf("tried %q, want %q", tried, want)
	}
	if r.Labs != 4 {
		t.Errorf("%d labs were used, want 4: one each", r.Labs)
	}
}

// TestFaults has a bad course for each kind of fault.
func TestFaults(t *testing.T) {
	const vars = "vars: {word: {choice: [ant, bee, cat, dog]}}\n"
	check := func(script, solve string) string {
		return "## S {#s}\n~~~check {#a}\n" + script + "\n~~~\n~~~solve {for=a}\n" + solve + "\n~~~\n"
	}
	for _, c := range []struct{ name, front, body, want, message string }{
		{"passes at start", "", check("not y", "add x"), "start a:6 fault", "before anything is done"},
		{"points at start", "", check("partial 1 2", "add x"), "start a:6 fault", "50 % of its points"},
		{"unsure at start", "", check("unsure", "add x"), "start a:6 fault", "can't tell"},
		{"solution of no use", "", check("has x", "add y"), "solution a:6 fault", "though its solution was run"},
		{"solution fails", "", check("has x", "add x\nnonsense"), "solution a:6 fault", "nonsense: not found"},
		{"unsure when solved", "", check("has x\nunsure", "add x"), "solution a:6 fault", "no idea"},
		{"survivor", "", check("has x", "add x\nadd y"), "mutation a:11 survivor", "does not miss this line"},
		{"whole solution survives", "", check("has x", "add x") + "~~~check {#b}\nhas x\n~~~\n~~~solve {for=b}\nadd x\n~~~\n",
			"mutation b:12 survivor", "without its solution"},
		{"same for all", vars, check("has x\n# $word", "add x"), "other a:7 fault", "got another task"},
		{"mistake unnoticed", "", check("has x", "add x") + "~~~mistake {for=a expect=x}\nadd x\n~~~\n", "mistake a:12 fault", "not noticed"},
		{"mistake in other words", "", check("has x", "add x") + "~~~mistake {for=a expect=Spelling}\nadd y\n~~~\n", "mistake a:12 fault", "other words"},
		{"setup fails", "", "~~~setup\nfail no room\n~~~\n" + check("has x", "add x"), "setup box:5 fault", "no room"},
		{"setup of a step fails", "", check("has x", "add x") + "~~~setup {at=s}\nfail no room\n~~~\n", "setup box:12 fault", "no room"},
		{"setup works only once", "", "~~~setup\nnew y\n~~~\n" + check("has x", "add x"), "setup box:5 fault", "a second time"},
		{"setup does the work", "", "~~~setup\nadd x\n~~~\n" + check("has x", "add x"), "start a:9 fault", "before anything is done"},
		{"answer that fits another key", "", "## S\n:::question {#q type=text title=Q}\n- [x] /.*/\n- [ ] wrong\n~~~solve {for=q answer=right}\n~~~\n:::\n",
			"answer q:6 fault", "taken for right"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := prove(t, "guests: {box: {image: debian-12}}\n"+c.front, c.body)
			var bad []string
			for _, b := range r.Bad() {
				bad = append(bad, fmt.Sprintf("%s %s:%d %s", b.Kind, b.Subject, b.Line, b.State))
				if fmt.Sprintf("%s %s:%d %s", b.Kind, b.Subject, b.Line, b.State) == c.want && !strings.Contains(b.Message, c.message) {
					t.Errorf("it says %q, want %q", b.Message, c.message)
				}
			}
			if !slices.Contains(bad, c.want) {
				t.Errorf("bad is %q, want %q", bad, c.want)
			}
		})
	}
}

// TestNotHeldAgainstIt has what looks like faults and is none.
func TestNotHeldAgainstIt(t *testing.T) {
	for name, body := range map[string]string{
		"passes at start": "~~~check {#a passes=start}\nnot x\n~~~\n~~~solve {for=a}\nadd y\n~~~\n",
		"unsolved":        "~~~check {#a unsolved}\nhas x\n~~~\n",
		"optional line":   "~~~check {#a}\nhas x\n~~~\n~~~solve {for=a}\nadd x\nadd y # labmark: optional\n~~~\n",
		"two parts":       "~~~check {#a}\nhas x\nhas y\n~~~\n~~~solve {for=a}\nadd x\n~~~\n~~~solve {for=a}\nadd y\n~~~\n",
		"builds on the one before": "~~~check {#a}\nhas x\n~~~\n~~~solve {for=a}\nadd x\n~~~\n" +
			"~~~check {#b}\nhas z\n~~~\n~~~solve {for=b}\nhas x\nadd z\n~~~\n~~~mistake {for=b expect=z}\nhas x\n~~~\n",
		"setup of its step": "## S {#s}\n~~~setup {at=s}\nadd x\n~~~\n~~~check {#a}\nhas x\nhas y\n~~~\n~~~solve {for=a}\nhas x\nadd y\n~~~\n",
		"a lab that breaks": "~~~check {#a}\nbreak\nhas x\n~~~\n~~~solve {for=a}\nadd x\n~~~\n",
		"an answer":         ":::question {#q type=text title=Q}\n- [x] 42\n- [ ] 43\n:::\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, b := range prove(t, "", body).Bad() {
				// A line that only looks ("has x") is one that nobody misses.
				if !strings.Contains(b.What, "has x") {
					t.Errorf("%s %s:%d %s: %s", b.Kind, b.Subject, b.Line, b.State, b.Message)
				}
			}
		})
	}
}

func TestOtherStudentFails(t *testing.T) {
	r := prove(t, "vars: {word: {choice: [ant, bee]}}\n", "~~~check {#a}\nhas $word\n~~~\n~~~solve {for=a}\nadd $word\n~~~\n")
	others := 0
	for _, result := range r.Tutorials[0].Results {
		if result.Bad() {
			t.Errorf("%+v", result)
		}
		if result.Kind == Other && result.State == Held {
			others++
		}
	}
	if others != 1 {
		t.Errorf("%d checks were held against another student's variables, want 1", others)
	}
}

func TestWithoutMutation(t *testing.T) {
	r := prove(t, "", good, func(o *Options) { o.Mutation = false })
	for _, result := range r.Tutorials[0].Results {
		if result.Kind == Mutant {
			t.Errorf("%+v", result)
		}
	}
}

func TestParallelIsBounded(t *testing.T) {
	f := &fakeLab{}
	prove(t, "", strings.Replace(good, "add x\n", "add x\nadd y\nadd z\nadd w\n", 1), func(o *Options) { o.Lab, o.Parallel = f, 2 })
	if f.most > 2 || f.open != 0 {
		t.Errorf("%d labs at a time, %d left open; want at most 2, and none", f.most, f.open)
	}
}

func TestEventsAddUp(t *testing.T) {
	var mu sync.Mutex
	planned, came, finished := map[Kind]int{}, map[Kind]int{}, 0
	r := prove(t, "vars: {word: {choice: [ant, bee]}}\n", good+"~~~check {#b}\nhas $word\n~~~\n~~~solve {for=b}\nadd $word\n~~~\n", func(o *Options) {
		o.Report = func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			planned[e.Kind] += e.Planned
			if e.Result != nil {
				came[e.Kind]++
			}
			if e.Finished {
				finished++
			}
		}
	})
	for _, k := range Kinds {
		if planned[k] != came[k] {
			t.Errorf("%s: %d planned, %d came", k, planned[k], came[k])
		}
	}
	if total := len(r.Tutorials[0].Results); finished != 1 || total != came[Start]+came[Solution]+came[Other]+came[Mistake]+came[Mutant] {
		t.Errorf("finished %d times, with %d results of %v", finished, total, came)
	}
}

func TestLabThatGivesNothing(t *testing.T) {
	_, err := Course(t.Context(), course(t, "", good), Options{Lab: &fakeLab{fail: errors.New("no memory")}, Parallel: 2})
	if err == nil || !strings.Contains(err.Error(), "no memory") || !strings.Contains(err.Error(), "tutorial t") {
		t.Errorf("the error is %v", err)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := &fakeLab{}
	if _, err := Course(ctx, course(t, "", good), Options{Lab: f}); !errors.Is(err, context.Canceled) || f.open != 0 {
		t.Errorf("the error is %v, %d labs are open", err, f.open)
	}
}
