package content

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden compares what each testdata/*.md compiles to, or how it is
// refused, with the file beside it. Look at the difference before you accept
// it by -update.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.md")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, findings := Load(courseWith(string(text)))
			got := ""
			if len(findings) > 0 {
				got = findings.String() + "\n"
			}
			if c != nil {
				got += describe(c.Tutorial("web"))
			}
			golden := strings.TrimSuffix(file, ".md") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// describe shows all that a tutorial was compiled to.
func describe(t *Tutorial) string {
	var b strings.Builder
	fmt.Fprintf(&b, "tutorial %q (%q) %v, guests %v\n", t.Title, t.Summary, t.Duration, t.Guests)
	for _, s := range t.Steps {
		fmt.Fprintf(&b, "\n=== step %q: %q\n%s", s.ID, s.Title, dump(s.Body))
	}
	for _, h := range t.Hints {
		fmt.Fprintf(&b, "\n=== hint %q of %q after %d cost %v\n%s", h.ID, h.Task, h.After, h.Cost, dump(h.Body))
	}
	for _, c := range t.Checks {
		fmt.Fprintf(&b, "\n=== check %q of %q (%q) in %q, guest %q user %q lang %q, points %v auto %v timeout %v sticky %v at start %v, line %d\npass: %s\nfail: %s\n%s",
			c.ID, c.Task, c.Title, c.Step, c.Guest, c.User, c.Lang, c.Points, c.Auto, c.Timeout, c.Sticky, c.PassesAtStart, c.Line, c.PassMessage, c.FailMessage, c.Script)
	}
	for _, s := range t.Solutions {
		fmt.Fprintf(&b, "\n=== solution of %q, guest %q user %q lang %q shown %v\n%s", s.For, s.Guest, s.User, s.Lang, s.Shown, s.Script)
	}
	for _, m := range t.Mistakes {
		fmt.Fprintf(&b, "\n=== mistake for %q, guest %q user %q lang %q, expect %q\n%s", m.For, m.Guest, m.User, m.Lang, m.Expect, m.Script)
	}
	return b.String()
}
