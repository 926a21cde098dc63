package attempts

import (
	"context"
	"testing"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/store"
)

// TestABrokenMachineIsNoOracle has a student who broke the preparation of the
// machine, so that no failure counts, and now guesses.
func TestABrokenMachineIsNoOracle(t *testing.T) {
	asked := &content.Tutorial{ID: "t", Checks: []*content.Check{
		{ID: "counted", Points: 1, Script: "look", Question: &content.Question{Type: "text", MaxAttempts: 1}},
		{ID: "free", Points: 1, Script: "look", Question: &content.Question{Type: "text"}},
	}}
	b := mustBed(t)
	b.cfg.Excuse = func(context.Context, store.Owner, *content.Check) string { return "The preparation failed." }
	n := 0
	guess := func(check, kind string) store.Attempt {
		t.Helper()
		b.says = func() (string, string) { return kind, "said" }
		n++
		if _, err := b.Submit(t.Context(), ann, asked, Request{Check: check, ID: id(n), Answer: []string{"x"}}); err != nil {
			t.Fatal(err)
		}
		return b.done(t, id(n))
	}
	wrong, right := guess("counted", "fail"), guess("counted", "pass")
	if wrong.Verdict != "unsure" || wrong.Message != "The preparation failed." {
		t.Errorf("a wrong answer: %s, %s", wrong.Verdict, wrong.Message)
	}
	if right.Verdict != wrong.Verdict || right.Score != wrong.Score || right.Message != wrong.Message {
		t.Errorf("a right answer can be told from a wrong one: %s, %s", right.Verdict, right.Message)
	}
	if a := guess("free", "pass"); a.Verdict != "pass" {
		t.Errorf("where answers cost nothing a right one is %s", a.Verdict)
	}
}
