package content

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

func seeds(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.md")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(secretive)
	f.Add(secretiveQuestions)
	for _, text := range []string{
		"", "---\n---\n", opening, opening + check,
		opening + "> - :::note\n>   ```run\n>   x\n>   ```\n>   :::\n",
		opening + "```check {#a unsolved}\n\tx\n```\n\t```solve {for=a}\n\ty\n\t```\n",
		opening + "<div>\n\n:::note\n<b>x</b>\n:::\n\n</div>\n",
		opening + "a|b\n-|-\n[x](#y){{port}}|`{{port}}`\n",
		opening + ":::question {#q type=order}\n1. a\n   ```sh\n   x\n   ```\n2. {{port}}\n\n:::hint {after=1}\nx\n:::\n:::\n",
		opening + "- :::question {#q type=text}\n  - [x] /{{user}}+/\n    > no\n  :::\n\n```solve {for=q answer=ann}\n```\n",
		"---\ntitle: a\nguests: {a: , b: }\nnetworks: {n: {guests: [b, a], rate: 1mbit, loss: 2%, cut: [s]}}\nvars: {v: {words: 1, count: 2}, w: {ip: 10.0.0.0/8}}\n---\n## s\n\n```setup {at=s file=/x mode=600}\n{{v}} {{w}}\n```\n\n```file {path=/y.go}\nx\n```\n",
		opening + "~~~\n:::\n~~~\n\n[a]: b\n\n<!-- \n",
		"---\n{title: a, vars: {b: {int: 1-2}}, guests: {c: ~}}\n---\nx\n",
	} {
		f.Add(text)
	}
}

// longEnough is how many bytes of a script's line tell it from other text.
const longEnough = 6

// FuzzLoad looks for texts that crash or stall the compiler, that bring a
// script or a hint on a page, or that make HTML which is not ours.
func FuzzLoad(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		c, findings := Load(courseWith(text))
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("took %v", took)
		}
		if (c == nil) != (findings.Err() != nil) {
			t.Fatalf("course %v, findings %v", c != nil, findings)
		}
		_ = findings.String()
		if c == nil {
			return
		}
		tutorial := c.Tutorial("web")
		page := visible(tutorial)
		for _, line := range secretLines(tutorial) {
			// A line that the text has elsewhere, too, may be shown from there.
			if len(line) >= longEnough && strings.Count(text, line) == 1 && strings.Contains(page, html.EscapeString(line)) {
				t.Fatalf("the page shows %q:\n%s", line, page)
			}
		}
		for _, s := range tutorial.Steps {
			mustBeOurs(t, s.Body)
		}
		for _, h := range tutorial.Hints {
			mustBeOurs(t, h.Body)
		}
		for _, f := range tutorial.FileBlocks {
			mustBeOurs(t, f.Body)
			f.Fill(Values{})
		}
		for _, c := range tutorial.Checks {
			mustBeFair(t, tutorial, c)
		}
	})
}

// mustBeFair fails where a question's own key is wrong, where an entry is not
// ours, or where a page would tell which entry is right.
func mustBeFair(tb testing.TB, t *Tutorial, c *Check) {
	tb.Helper()
	q := c.Question
	if q == nil {
		return
	}
	values := t.Draw([]byte("key"), "course", "ann")
	if key := q.Key(values); key != nil && q.Accepts(key) == nil && c.Script == "" && q.Type != "text" && q.Type != "number" && q.Judge(key, values).Score != 1 {
		tb.Fatalf("the key %q of %q is wrong", key, c.ID)
	}
	for _, choice := range q.Choices {
		mustBeOurs(tb, choice.Body)
		mustBeOurs(tb, choice.Feedback)
		if strings.ContainsAny(dump(choice.Body)[:min(4, len(dump(choice.Body)))], "☐☑") {
			tb.Fatalf("the choice %q shows its box", dump(choice.Body))
		}
	}
	if shuffled := t.Shuffle([]byte("key"), "course", "ann", c.ID); len(shuffled) != len(q.Choices) {
		tb.Fatalf("%d of %d choices", len(shuffled), len(q.Choices))
	}
}

// secretLines are the lines of a tutorial's scripts.
func secretLines(t *Tutorial) []string {
	var all []string
	for _, c := range t.Checks {
		all = append(all, strings.Split(c.Script, "\n")...)
		all = append(all, c.PassMessage, c.FailMessage)
	}
	for _, s := range t.Solutions {
		all = append(all, strings.Split(s.Script, "\n")...)
	}
	for _, m := range t.Mistakes {
		all = append(all, strings.Split(m.Script, "\n")...)
	}
	for _, s := range t.Setups {
		all = append(all, strings.Split(s.Script, "\n")...)
		if s.Deposit != nil {
			for _, p := range s.Deposit.Text {
				all = append(all, strings.Split(p.Text, "\n")...)
			}
		}
	}
	for _, c := range t.Checks {
		if c.Question == nil {
			continue
		}
		for _, a := range c.Question.Answers {
			for _, p := range a.Text {
				all = append(all, p.Text)
			}
		}
	}
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// ourElements are those of pages that authors can't write as HTML.
var ourElements = []string{"aside", "section", "figure", "figcaption", "h2", "h3", "h4", "h5", "h6", "img"}

// ourAttributes are those that this package and goldmark write.
var ourAttributes = map[string]bool{
	"href": true, "src": true, "alt": true, "title": true, "id": true, "class": true, "role": true, "tabindex": true,
	"align": true, "start": true, "reversed": true, "lang": true, "dir": true, "open": true, "colspan": true, "rowspan": true, "scope": true,
	"data-code": true, "value": true, "aria-label": true,
}

var ourAddress = regexp.MustCompile(`^(?i:https?:|ftp:|mailto:|#|[^:]*$)`)

// mustBeOurs fails unless a body has known elements and attributes only, and
// balances.
func mustBeOurs(tb testing.TB, b Body) {
	tb.Helper()
	text := dump(b)
	var open []string
	for z := html.NewTokenizer(strings.NewReader(text)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		token := z.Token()
		switch kind {
		case html.CommentToken, html.DoctypeToken:
			tb.Fatalf("%q is on the page:\n%s", token, text)
		case html.StartTagToken:
			if _, ok := htmlElements[token.Data]; !ok && !slices.Contains(ourElements, token.Data) {
				tb.Fatalf("the element %s is on the page:\n%s", token.Data, text)
			}
			if token.Data != "br" && token.Data != "hr" && token.Data != "img" && token.Data != "wbr" {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				tb.Fatalf("%v does not close %v:\n%s", token, open, text)
			}
			open = open[:len(open)-1]
		}
		for _, a := range token.Attr {
			if !ourAttributes[a.Key] || (a.Key == "href" || a.Key == "src") && !ourAddress.MatchString(a.Val) {
				tb.Fatalf("the attribute %s=%q is on the page:\n%s", a.Key, a.Val, text)
			}
		}
	}
	if len(open) > 0 {
		tb.Fatalf("%v are not closed:\n%s", open, text)
	}
}

// FuzzAttributes looks for texts that crash the parser of attributes, or that
// it reads as something which they do not say.
func FuzzAttributes(f *testing.F) {
	for _, text := range []string{"{#a .b c=d e=\"f \\\" g\" h}", "{", "}", "{#}", "{.}", "{=}", "{a=}", "{a=\"", "{a=\"\\", "{a={{b}}}", "{a\"b\"} c", " x", "{é=ü}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, problems := parseAttributes(text)
		all := append(append([]attribute{}, got.classes...), got.list...)
		if got.id != nil {
			all = append(all, *got.id)
		}
		for _, a := range all {
			if a.start < 0 || a.start+a.length > len(text) || a.vstart < 0 || a.vstart+a.vwidth > len(text) {
				t.Fatalf("%+v lies outside of %q", a, text)
			}
			if !strings.HasPrefix(text[a.start:], a.key) {
				t.Fatalf("%+v is not where it says in %q", a, text)
			}
		}
		for _, p := range problems {
			if p.start < 0 || p.start > len(text) || p.message == "" {
				t.Fatalf("%+v of %q", p, text)
			}
		}
		if len(problems) == 0 && strings.TrimSpace(strings.ReplaceAll(text, "\t", " ")) != "" && !strings.Contains(text, "{") {
			t.Fatalf("%q passes for attributes", text)
		}
	})
}

// FuzzFindings looks for findings that can't be shown.
func FuzzFindings(f *testing.F) {
	f.Add("a line", 3, 2)
	f.Add("\t\u0300é…", 2, 100)
	f.Fuzz(func(t *testing.T, line string, column, length int) {
		s := Finding{Severity: Error, File: "a", Line: 1, Column: column, Length: length, Source: line}.String()
		if len(s) > 4*maxExcerpt*4+200 {
			t.Fatalf("%d bytes", len(s))
		}
	})
}
