package content

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

const courseYAML = "id: demo\ntitle: A demo\n"

// opening starts every tutorial of these tests.
const opening = `---
title: Serve pages
guests:
  web: {image: debian-12}
vars:
  port: {int: 8000-8999}
  user: {choice: [ann, bob, cid]}
---
`

// courseWith makes a course of one tutorial, "web".
func courseWith(tutorial string) fstest.MapFS {
	return fstest.MapFS{
		"course.yaml":          {Data: []byte(courseYAML)},
		"tutorials/web.md":     {Data: []byte(tutorial)},
		"tutorials/tree.png":   {Data: []byte("png")},
		"tutorials/notes.txt":  {Data: []byte("notes")},
		"tutorials/.hidden":    {Data: []byte("no")},
		"tutorials/pipes.md":   {Data: []byte("---\ntitle: Pipes\n---\n## Join {#join}\n\nText.\n")},
		"tutorials/x/note.txt": {Data: []byte("notes")},

		"tutorials/parts/sign-in.md": {Data: []byte("Sign in as {{user}}.\n")},
		"tutorials/parts/hello.py":   {Data: []byte("import sys\n\nprint('hello')\n")},
	}
}

// mustCompile loads the one tutorial that the text makes.
func mustCompile(tb testing.TB, tutorial string) *Tutorial {
	tb.Helper()
	c, findings := Load(courseWith(tutorial))
	if err := findings.Err(); err != nil {
		tb.Fatalf("the course is refused:\n%v", err)
	}
	return c.Tutorial("web")
}

// dump shows a body with its widgets and holes in ⟦⟧.
func dump(b Body) string {
	var s strings.Builder
	for _, p := range b {
		switch {
		case p.Var != "":
			fmt.Fprintf(&s, "⟦%s⟧", p.Var)
		case p.Check != "":
			fmt.Fprintf(&s, "⟦check %s⟧\n", p.Check)
		case p.Question != "":
			fmt.Fprintf(&s, "⟦question %s⟧\n", p.Question)
		case p.File != "":
			fmt.Fprintf(&s, "⟦file %s⟧\n", p.File)
		case p.Hint != "":
			fmt.Fprintf(&s, "⟦hint %s⟧\n", p.Hint)
		case p.Solution != "":
			fmt.Fprintf(&s, "⟦solution %s⟧\n", p.Solution)
		case p.Run != nil:
			fmt.Fprintf(&s, "⟦run %q: %q⟧\n", p.Run.Guest, p.Run.Command)
		default:
			s.WriteString(p.HTML)
		}
	}
	return s.String()
}

// visible is all that a student may be sent of a tutorial before any hint is
// opened.
func visible(t *Tutorial) string {
	var s strings.Builder
	s.WriteString(t.Title + "\n" + t.Summary + "\n")
	for _, step := range t.Steps {
		s.WriteString(step.Title + "\n" + dump(step.Body))
	}
	for _, f := range t.FileBlocks {
		s.WriteString(f.Path + "\n" + dump(f.Body))
	}
	for _, c := range t.Checks {
		if c.Question == nil {
			continue
		}
		for _, choice := range c.Question.Choices {
			s.WriteString(choice.ID + "\n" + dump(choice.Body))
		}
	}
	return s.String()
}

func TestLoadGivesCourseInOrder(t *testing.T) {
	fsys := courseWith(opening + "Text.\n")
	fsys["course.yaml"].Data = []byte("id: demo\ntitle: A demo\nsummary: S\nlanguage: de\ntutorials: [web, pipes]\n")
	c, findings := Load(fsys)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	if c.ID != "demo" || c.Title != "A demo" || c.Summary != "S" || c.Language != "de" {
		t.Errorf("got %+v", c)
	}
	if len(c.Tutorials) != 2 || c.Tutorials[0].ID != "web" || c.Tutorials[1].ID != "pipes" {
		t.Errorf("the order is not the author's: %v", c.Tutorials)
	}
	if g := c.Tutorials[1].Guests; len(g) != 1 || g[0] != defaultGuest {
		t.Errorf("a tutorial without guests got %v", g)
	}
}

func TestRevisionChangesWithAnyFile(t *testing.T) {
	revision := func(change string) string {
		fsys := courseWith(opening + "![a tree](tree.png)\n")
		if change != "" {
			fsys[change].Data = append(fsys[change].Data, '\n')
		}
		c, findings := Load(fsys)
		if c == nil {
			t.Fatal(findings)
		}
		return c.Revision
	}
	first := revision("")
	if again := revision(""); again != first {
		t.Errorf("the same files gave %s and %s", first, again)
	}
	for _, name := range []string{"course.yaml", "tutorials/web.md", "tutorials/tree.png"} {
		if revision(name) == first {
			t.Errorf("%s changed, the revision did not", name)
		}
	}
	if revision("tutorials/notes.txt") != first {
		t.Error("a file that no page uses changed the revision")
	}
}

func TestDefaultsComeFromCourse(t *testing.T) {
	fsys := courseWith("---\ntitle: T\nguests:\n  box: {memory: 64M}\nlimits: {timeout: 3s}\n---\n" +
		"```check {#a unsolved}\ntrue\n```\n```check {#b unsolved points=5 timeout=1m sticky}\ntrue\n```\n")
	fsys["course.yaml"].Data = []byte("id: demo\ntitle: D\nguests:\n  box: {user: ann, memory: 1G}\n" +
		"grading: {points: 2.5, sticky: false, score: first, late: 12.5%}\nlimits: {timeout: 20s, idle: 20m, session: 2h}\n")
	c, findings := Load(fsys)
	if c == nil {
		t.Fatal(findings)
	}
	if c.Grading != (Grading{Keep: "first", Late: 0.125}) {
		t.Errorf("grading %+v", c.Grading)
	}
	w := c.Tutorial("web")
	if w.Guests[0] != (Guest{Name: "box", Image: "debian-12", Memory: 64 << 20, User: "ann"}) {
		t.Errorf("guest %+v", w.Guests[0])
	}
	a, b := w.Checks[0], w.Checks[1]
	if a.Points != 2.5 || a.Sticky || a.Timeout.String() != "3s" {
		t.Errorf("a check without attributes got %+v", a)
	}
	if b.Points != 5 || !b.Sticky || b.Timeout.String() != "1m0s" {
		t.Errorf("a check with attributes got %+v", b)
	}
}

func TestFilesAreThoseThatPagesLinkTo(t *testing.T) {
	c, findings := Load(courseWith(opening + "![a tree](tree.png) [notes](x/note.txt) [next](pipes.md#join) [all](pipes)\n"))
	if c == nil {
		t.Fatal(findings)
	}
	got := dump(c.Tutorial("web").Steps[0].Body)
	for _, want := range []string{`src="web/files/tree.png"`, `href="web/files/x/note.txt"`, `href="pipes#join"`, `href="pipes"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the page has no %s:\n%s", want, got)
		}
	}
	f, err := c.File("web", "tree.png")
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	for _, name := range []string{"notes.txt", "web.md", "../course.yaml", ".hidden", ""} {
		if _, err := c.File("web", name); err == nil {
			t.Errorf("%q is served though no page links to it", name)
		}
	}
}

func TestWindowsLineEndsAndByteOrderMark(t *testing.T) {
	want := describe(mustCompile(t, secretive))
	got := describe(mustCompile(t, "\uFEFF"+strings.ReplaceAll(secretive, "\n", "\r\n")))
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestNoTokenStaysOnPage(t *testing.T) {
	text := strings.Join([]string{
		"```yaml\na: 1{{port}}2\nb: {{port}}{{user}}\nc: 0x{{port}}\nd: {{port}}.{{port}}e{{port}}\n```",
		"```python\nx = 0o{{port}} + 0x{{port}} + 1_{{port}} + {{port}}j\n```",
		"```css\na { color: #{{port}}; width: {{port}}px }\n```",
		"```sql\nSELECT '{{user}}', {{port}};\n```",
		"```go\nvar s = `{{user}}{{port}}`\n```",
		"{{port}}. Not a list {{port}}{{user}}**{{port}}**_{{user}}_ [{{port}}](http://{{user}}.example:{{port}}/{{user}}?{{port}}#{{port}} \"{{user}}\")",
		"| {{port}} | `{{user}}` |\n|---|---|\n| \\{{ | {{port}} |",
		"<abbr title=\"{{port}}\">x</abbr> <a href=\"http://localhost:{{port}}/\">y</a> &#49;{{port}}",
	}, "\n\n") + "\n"
	tutorial := mustCompile(t, opening+text)
	for _, p := range tutorial.Steps[0].Body {
		if longNumber.MatchString(p.HTML) {
			t.Errorf("a token was not found again: %s", p.HTML)
		}
	}
	if got := strings.Count(dump(tutorial.Steps[0].Body), "⟦port⟧"); got != strings.Count(text, "{{port}}") {
		t.Errorf("%d holes for the port, want %d:\n%s", got, strings.Count(text, "{{port}}"), dump(tutorial.Steps[0].Body))
	}
}

// TestNobodyForgesTokens writes the token that a first reading used into the
// text: it must come out as the number that it is.
func TestNobodyForgesTokens(t *testing.T) {
	text := opening + "Port {{port}}.\n\n```check {#up unsolved}\ntrue\n```\n"
	token := newPage(text, 0, func(string) bool { return true }).prefix + "0000000"
	got := dump(mustCompile(t, text+"\n"+token+"\n").Steps[0].Body)
	if !strings.Contains(got, token) || strings.Count(got, "⟦port⟧") != 1 {
		t.Errorf("the text became\n%s", got)
	}
}

func TestSymbolicLinksAreNotServed(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "tutorials"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("course.yaml", courseYAML)
	write("secret.txt", "secret")
	write("tutorials/web.md", opening+"[x](notes.txt)\n")
	if err := os.Symlink("../secret.txt", filepath.Join(dir, "tutorials/notes.txt")); err != nil {
		t.Fatal(err)
	}
	if c, findings := Load(os.DirFS(dir)); c != nil || !strings.Contains(findings.String(), "no file “notes.txt”") {
		t.Errorf("a symbolic link is served: %v", findings)
	}
	if err := os.Remove(filepath.Join(dir, "tutorials/notes.txt")); err != nil {
		t.Fatal(err)
	}
	write("tutorials/notes.txt", "notes")
	if c, findings := Load(os.DirFS(dir)); c == nil {
		t.Errorf("the file itself is refused: %v", findings)
	}
}

func TestNetworkOpensTheMirror(t *testing.T) {
	for _, c := range []struct {
		name, course, tutorial string
		want                   bool
	}{
		{"nothing said", "", "", false},
		{"by the tutorial", "", "network: {open: [mirror]}\n", true},
		{"by the course", "network: {open: [mirror]}\n", "", true},
		{"closed again", "network: {open: [mirror]}\n", "network: {open: []}\n", false},
		{"for the tutorial's own guest", "network: {open: [mirror]}\n", "guests:\n  box: {desktop: true}\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := courseWith("---\ntitle: T\n" + c.tutorial + "---\nx\n")
			fsys["course.yaml"].Data = []byte("id: demo\ntitle: D\n" + c.course)
			loaded, findings := Load(fsys)
			if loaded == nil {
				t.Fatal(findings)
			}
			if got := loaded.Tutorials[1].Guests[0].Mirror; got != c.want {
				t.Errorf("the mirror is open: %v, want %v", got, c.want)
			}
		})
	}
}
