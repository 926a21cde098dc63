package checks

import (
	"errors"
	"strings"
	"testing"

	"github.com/labmark/labmark/internal/facts"
)

func TestVerdictsOfFacts(t *testing.T) {
	yes := facts.Finding{Holds: true, About: "file /a", Expected: "mode 0644", Found: "mode 0644"}
	no := facts.Finding{About: "file /b", Expected: "mode 0600", Found: "mode 0644"}
	hidden := facts.Finding{About: "file /b", Expected: "the answer", Found: "“x”", Hidden: true}
	unknown := facts.Finding{About: "http http://x/", Unsure: true, Found: "there was no time left to look"}
	for _, c := range []struct {
		name     string
		script   Script
		findings []facts.Finding
		verdict  Verdict
		score    float64
		message  string
	}{
		{"all hold", Script{PassMessage: "Well done, $who.", Vars: map[string]string{"who": "ann"}}, []facts.Finding{yes, yes}, Pass, 1, "Well done, ann."},
		{"one does not", Script{}, []facts.Finding{yes, no, yes, yes}, Fail, 0.75, "file /b: expected mode 0600, found mode 0644. (3 of 4 hold.)"},
		{"all or nothing", Script{Whole: true}, []facts.Finding{yes, no}, Fail, 0, "file /b: expected mode 0600, found mode 0644. (1 of 2 hold.)"},
		{"the author's words", Script{FailMessage: "Not so: $found."}, []facts.Finding{no}, Fail, 0, "Not so: mode 0644."},
		{"what is not for students", Script{}, []facts.Finding{hidden}, Fail, 0, "file /b is not as expected: found “x”."},
		{"what could not be told", Script{}, []facts.Finding{yes, unknown}, Unsure, 0, "http http://x/: there was no time left to look." + notCounted},
		{"what does not hold counts more", Script{}, []facts.Finding{unknown, no}, Fail, 0, "file /b: expected mode 0600, found mode 0644. (0 of 2 hold.)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Result
			r.judgeFacts(c.script, c.findings, nil)
			if r.Verdict != c.verdict || r.Score != c.score || r.Message != c.message {
				t.Errorf("%s, %v, %q", r.Verdict, r.Score, r.Message)
			}
			if n := strings.Count(r.Evidence.Stdout.Text, "\n"); n != len(c.findings) {
				t.Errorf("%d lines of evidence", n)
			}
		})
	}
	var r Result
	r.judgeFacts(Script{}, nil, ErrConnection)
	if r.Verdict != Unsure || !errors.Is(r.Err, ErrConnection) || !strings.HasSuffix(r.Message, notCounted) {
		t.Errorf("a lost guest: %s, %v, %q", r.Verdict, r.Err, r.Message)
	}
}

func TestRevisionTellsFactsApart(t *testing.T) {
	a := Script{Facts: []facts.Fact{{Kind: "file", Subject: "/a"}}}
	b := Script{Facts: []facts.Fact{{Kind: "file", Subject: "/b"}}}
	tools := a
	tools.Tools = &Tools{}
	if a.Revision() == b.Revision() || a.Revision() != tools.Revision() {
		t.Error("a revision is that of what a check means, and of nothing else")
	}
}
