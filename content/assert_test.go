package content

import (
	"fmt"
	"testing"

	"github.com/labmark/labmark/internal/facts"
)

const solved = "\n```solve {for=up}\ntouch /x\n```\n"

func assertOf(tb testing.TB, yaml string) *Check {
	tb.Helper()
	c, findings := Load(courseWith(opening + "```assert {#up}\n" + yaml + "```\n" + solved))
	if c == nil {
		tb.Fatal(findings)
	}
	for _, t := range c.Tutorials {
		if len(t.Checks) > 0 {
			return t.Checks[0]
		}
	}
	tb.Fatal("the assert is no check")
	return nil
}

func TestFactsAreRead(t *testing.T) {
	check := assertOf(t, `:fail: Not yet.
- file: /etc/motd
  mode: 0644
  owner: {not: root}
  contains: ["a  b", /x/]
  message: Make it.
- package: nginx
  version: ">= 1.10"
- not: {user: ann}
- any:
    - port: 80
    - http: http://localhost/
      header: {X-A: 1, X-B: /2/}
`)
	if check.FailMessage != "Not yet." || check.Whole || len(check.Facts) != 4 {
		t.Fatalf("%+v", check)
	}
	text := func(s string) facts.Value { return facts.Value{Text: s} }
	root := text("root")
	want := []facts.Fact{
		{Kind: "file", Subject: "/etc/motd", Message: "Make it.", Wants: []facts.Want{{Field: "mode", Value: text("0644")}, {Field: "owner", Value: facts.Value{Not: &root}},
			{Field: "contains", Value: facts.Value{All: []facts.Value{text("a  b"), text("/x/")}}}}},
		{Kind: "package", Subject: "nginx", Wants: []facts.Want{{Field: "version", Value: text(">= 1.10")}}},
		{Not: &facts.Fact{Kind: "user", Subject: "ann"}},
		{Any: []facts.Fact{{Kind: "port", Subject: "80"}, {Kind: "http", Subject: "http://localhost/",
			Wants: []facts.Want{{Field: "header X-A", Value: text("1")}, {Field: "header X-B", Value: text("/2/")}}}}},
	}
	for i := range want {
		if got, want := plain(check.Facts[i]), plain(want[i]); got != want {
			t.Errorf("fact %d:\n%s\nwant\n%s", i+1, got, want)
		}
	}
}

// plain writes a fact with what its pointers lead to.
func plain(f facts.Fact) string {
	s := fmt.Sprintf("%s %s %q", f.Kind, f.Subject, f.Message)
	for _, w := range f.Wants {
		s += fmt.Sprintf(" %s=%s", w.Field, w.Value)
	}
	if f.Not != nil {
		s += " not(" + plain(*f.Not) + ")"
	}
	for _, a := range f.Any {
		s += " any(" + plain(a) + ")"
	}
	return s
}

func TestRefusedFacts(t *testing.T) {
	for _, r := range []refused{
		{"no list", "⟪file⟫: /x\n", "must be a list", "dash"},
		{"empty list", "⟪[⟫]\n", "must be a list", "dash"},
		{"doubled key", "- file: /x\n  mode: 0644\n  ⟪mode⟫: 0600\n", "“mode” stands here twice", ""},
		{"unknown kind", "- ⟪fiel⟫: /x\n", "no fact “fiel”", "“file”"},
		{"unknown field", "- file: /x\n  ⟪moed⟫: 0644\n", "has no “moed”", "“mode”"},
		{"two kinds", "- file: /x\n  ⟪user⟫: ann\n", "has no “user”", ""},
		{"bad pattern", "- file: /x\n  matches: ⟪a(⟫\n", "regular expression", ""},
		{"bad pattern in a text", "- user: ann\n  shell: ⟪/(/⟫\n", "regular expression", ""},
		{"bad mode", "- file: /x\n  mode: ⟪rw-r--r--⟫\n", "no mode", ""},
		{"bad version", "- package: x\n  version: ⟪newest⟫\n", "no version", ""},
		{"bad number", "- user: x\n  uid: ⟪many⟫\n", "no number", ""},
		{"bad truth", "- file: /x\n  exists: ⟪maybe⟫\n", "neither true nor false", ""},
		{"bad path", "- file: ⟪x⟫\n", "begins with a slash", "file: /etc/motd"},
		{"bad port", "- port: ⟪http⟫\n", "1 to 65535", "port: 80"},
		{"bad address", "- http: ⟪localhost⟫\n", "An address", ""},
		{"empty subject", "- file: ⟪\"⟫\"\n", "A file is named", ""},
		{"empty any", "- any: ⟪[⟫]\n", "must be a list", ""},
		{"field beside not", "- not: {file: /x}\n  ⟪mode⟫: 0644\n", "beside “not”", ""},
		{"sysctl without value", "- ⟪sysctl⟫: a.b\n", "needs the value", "value: 1"},
		{"unknown comparison", "- file: /x\n  mode: {⟪all⟫: [0644]}\n", "has no “all”", ""},
		{"no YAML", "- file: /x\n ⟪mode⟫: 0644\n", "not YAML", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			r.text = opening + "```assert {#up}\n" + r.text + "```\n" + solved
			r.test(t, "tutorials/web.md", func(text string) (*Course, Findings) { return Load(courseWith(text)) })
		})
	}
}
