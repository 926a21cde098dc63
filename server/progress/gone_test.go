package progress

import (
	"strings"
	"testing"

	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/themes/words"
)

// TestPointsOfRemovedChecksStay takes a check out that some had won points at.
func TestPointsOfRemovedChecksStay(t *testing.T) {
	removed := func(hours, score float64) store.Attempt {
		a := try("taken-out", hours, score)
		a.Points = 3
		return a
	}
	before := Of("c", tutorial, Work{Attempts: []store.Attempt{try("kept", 1, 1)}})
	p := Of("c", tutorial, Work{Attempts: []store.Attempt{try("kept", 1, 1), removed(1, 0.5), removed(2, 1), removed(3, 0)}})
	if p.Points != before.Points+3 || p.Of != before.Of+3 {
		t.Errorf("%v of %v, want %v of %v", p.Points, p.Of, before.Points+3, before.Of+3)
	}
	if text := strings.Join(p.Explain(words.In("en"), tutorial), "\n"); !strings.Contains(text, "taken-out: 3 of 3 points, kept") {
		t.Errorf("it is not explained:\n%s", text)
	}
	if p := Of("c", tutorial, Work{Attempts: []store.Attempt{removed(1, 0)}}); p.Of != before.Of {
		t.Errorf("who had won nothing there has %v points to win, want %v", p.Of, before.Of)
	}
	end := noon.Add(90 * 60e9)
	if p := Of("c", tutorial, Work{Attempts: []store.Attempt{removed(2, 1)}, Policy: Policy{Until: &end}}); p.Points != 0 {
		t.Errorf("an attempt after the end came to %v", p.Points)
	}
}

func TestOlderVersionsOfChecksAreTold(t *testing.T) {
	a := try("kept", 1, 1)
	a.Revision = "sha256:another"
	const phrase = "The check was another version then."
	if text := strings.Join(Of("c", tutorial, Work{Attempts: []store.Attempt{a}}).Explain(words.In("en"), tutorial), "\n"); strings.Count(text, phrase) != 1 {
		t.Errorf("not told once:\n%s", text)
	}
	a.Revision = lab.Revision(tutorial.Checks[0])
	if text := strings.Join(Of("c", tutorial, Work{Attempts: []store.Attempt{a}}).Explain(words.In("en"), tutorial), "\n"); strings.Contains(text, phrase) {
		t.Errorf("told of the same version:\n%s", text)
	}
}
