package themes_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/labmark/labmark/themes"
	"github.com/labmark/labmark/themes/sample"
)

func mustDraw(t *testing.T, parts ...themes.Part) string {
	t.Helper()
	var b bytes.Buffer
	if err := mustLoad(t).RenderParts(&b, "", parts); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// question gives one of the sample's by its type.
func question(t *testing.T, kind string) themes.QuestionView {
	t.Helper()
	for _, q := range sample.Questions() {
		if q.Type == kind {
			return q
		}
	}
	t.Fatalf("the sample has no question of type %s", kind)
	return themes.QuestionView{}
}

func TestAQuestionShowsTheLastAnswer(t *testing.T) {
	for _, c := range []struct {
		kind   string
		answer []string
		wants  []string
	}{
		{"choice", []string{"b2"}, []string{`value="b2" checked`, `type="radio"`, "Choose one"}},
		{"choices", []string{"m1", "z5"}, []string{`value="m1" checked`, `value="z5" checked`, `type="checkbox"`, "Choose all that apply"}},
		{"text", []string{`a "b" <c>`}, []string{`value="a &#34;b&#34; &lt;c&gt;"`, "Your answer"}},
		{"number", []string{"1,5"}, []string{`value="1,5"`, `inputmode="decimal"`}},
		{"order", []string{"a1", "r4", "t2", "s6"}, []string{"Put these in order", `aria-labelledby="up-order-a1 choice-order-a1"`}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			q := question(t, c.kind)
			if strings.Contains(mustDraw(t, themes.Part{Question: &q}), "checked") {
				t.Error("a choice is made before there was an answer")
			}
			q.Answer = c.answer
			page := mustDraw(t, themes.Part{Question: &q})
			for _, want := range c.wants {
				if !strings.Contains(page, want) {
					t.Errorf("lacks %q:\n%s", want, page)
				}
			}
			if c.kind != "order" {
				return
			}
			last := -1
			for _, id := range c.answer {
				at := strings.Index(page, `data-choice="`+id+`"`)
				if at <= last {
					t.Errorf("%s does not stand where the student put it", id)
				}
				last = at
			}
		})
	}
}

func TestAQuestionSaysWhatIsLeftAndWhatFailingCosts(t *testing.T) {
	q := question(t, "number") // three answers, half a point each
	for attempts, wants := range map[int][]string{
		0: {"3 answers left", "each wrong answer costs 0.5 points", `data-left="3"`},
		2: {"1 answer left"},
		3: {"No answers left", `<fieldset class="answer" disabled>`, `disabled hidden>`},
	} {
		q.Attempts = attempts
		page := mustDraw(t, themes.Part{Question: &q})
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("after %d attempts the form lacks %q:\n%s", attempts, want, page)
			}
		}
		if closed := strings.Contains(page, `class="answer" disabled`); closed != (attempts == 3) {
			t.Errorf("after %d attempts the form is closed: %t", attempts, closed)
		}
	}
	free := question(t, "choice")
	free.Attempts = 9
	if page := mustDraw(t, themes.Part{Question: &free}); strings.Contains(page, "answers left") || strings.Contains(page, "costs") {
		t.Errorf("a question without bound and cost speaks of them:\n%s", page)
	}
}

func TestFeedbackStandsBelowTheVerdict(t *testing.T) {
	q := question(t, "choice")
	q.Last = &themes.AttemptView{State: "done", Verdict: "fail", Message: "That is <not> right."}
	q.Feedback = []themes.Part{{HTML: "<p>Look at "}, {Text: "<port>"}, {HTML: "</p>"}}
	page := mustDraw(t, themes.Part{Question: &q})
	verdict, feedback := strings.Index(page, "That is &lt;not&gt; right."), strings.Index(page, "<p>Look at &lt;port&gt;</p>")
	if verdict < 0 || feedback < verdict {
		t.Errorf("verdict at %d, feedback at %d:\n%s", verdict, feedback, page)
	}
}

func TestAFormSendsNothingWithoutScripts(t *testing.T) {
	q := question(t, "text")
	page := mustDraw(t, themes.Part{Question: &q})
	if !strings.Contains(page, `type="submit" class="button check-button" disabled`) || !strings.Contains(page, "<noscript>") {
		t.Errorf("a form without its script could be sent:\n%s", page)
	}
}

func TestACheckSaysThatItLooksByItself(t *testing.T) {
	looks := sample.Looks()
	if page := mustDraw(t, themes.Part{Check: &looks}); !strings.Contains(page, `data-auto="2000"`) || !strings.Contains(page, "Looks by itself") {
		t.Errorf("the page is not told to look:\n%s", page)
	}
	looks.Passed = true
	if page := mustDraw(t, themes.Part{Check: &looks}); !strings.Contains(page, "data-passed") || !strings.Contains(page, `class="check-auto" hidden`) {
		t.Errorf("a check that is passed goes on looking:\n%s", page)
	}
	if page := mustDraw(t, themes.Part{Check: &themes.CheckView{ID: "c"}}); strings.Contains(page, "data-auto") {
		t.Errorf("a check looks by itself that was not asked to:\n%s", page)
	}
}

func TestSeveralMachinesAreListed(t *testing.T) {
	guest := themes.GuestView{State: "starting", Generation: 4, Machines: []themes.MachineView{
		{Name: "client", State: "ready", Generation: 2}, {Name: "router", State: "failed", Detail: "no <memory>", Generation: 3}}}
	p := sample.Widgets("n", guest, sample.Questions(), sample.Looks())
	p.Trouble = "The router could not be prepared."
	p.Desktop, p.DesktopGuest = true, "server"
	page := mustRender(t, mustLoad(t), p)
	for _, want := range []string{
		`data-machine="client" data-state="ready" data-generation="2"`,
		`data-machine="router" data-state="failed" data-generation="3" data-detail="no &lt;memory&gt;"`,
		`data-machine="server" data-state="starting" data-generation="4"`, // not told apart yet
		`value="server"> Only server`, `id="trouble">The router could not be prepared.`,
		"Desktop of server", `id="desktop-place" tabindex="-1" data-guest="server"`,
		"gateway 10.77.1.1\n", "/etc/network/interfaces.d/lan", `data-file="file-1" data-guest="client"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %q", want)
		}
	}
	one := mustRender(t, mustLoad(t), sample.Tutorial("n", themes.GuestView{}))
	for _, refused := range []string{`id="machines"`, "Which machine?", "tab-state"} {
		if strings.Contains(one, refused) {
			t.Errorf("a page with one machine has %q", refused)
		}
	}
}

func TestAStepIsDoneWithItsQuestions(t *testing.T) {
	q := sample.Questions()
	for i := range q {
		q[i].Won = q[i].Points
	}
	q[0].Won = 0
	page := mustRender(t, mustLoad(t), sample.Widgets("n", themes.GuestView{}, q, sample.Looks()))
	if !strings.Contains(page, `data-step="ping" data-done`) {
		t.Error("a step whose only question is answered is not done")
	}
	if strings.Contains(page, `data-step="look" data-done`) {
		t.Error("a step with an open question is done")
	}
}

func TestAPreviewHasNothingToAnswer(t *testing.T) {
	p := sample.Preview("n")
	q := question(t, "choice")
	p.Steps = []themes.Step{{ID: "s", Title: "S", Body: []themes.Part{{Question: &q},
		{File: &themes.FileView{ID: "f", Path: "/etc/motd", Body: []themes.Part{{Text: "hello"}}}}}}}
	page := mustRender(t, mustLoad(t), p)
	for _, want := range []string{"The server", "Here the student answers: <strong>Who forwards?", "/etc/motd", ">hello</code>"} {
		if !strings.Contains(page, want) {
			t.Errorf("lacks %q", want)
		}
	}
	for _, refused := range []string{"question-form", `type="radio"`, "file-write"} {
		if strings.Contains(page, refused) {
			t.Errorf("the preview has %q, which nothing answers to", refused)
		}
	}
}
