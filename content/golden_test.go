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
	for _, n := range t.Networks {
		fmt.Fprintf(&b, "network %+v\n", n)
	}
	for _, v := range t.Vars {
		if v.Count > 0 {
			fmt.Fprintf(&b, "list %s of %d\n", v.Name, v.Count)
		}
	}
	for _, s := range t.Setups {
		fmt.Fprintf(&b, "\n=== setup at %q, guest %q user %q lang %q timeout %v, line %d\n%s", s.At, s.Guest, s.User, s.Lang, s.Timeout, s.Line, s.Script)
		if s.Deposit != nil {
			fmt.Fprintf(&b, "%v %q %s %q\n", s.Deposit.Mode, s.Deposit.Owner, s.Deposit.Path, s.Deposit.Text)
		}
	}
	for _, f := range t.FileBlocks {
		fmt.Fprintf(&b, "\n=== file %q, guest %q: %v %q %s %q\n%s", f.ID, f.Guest, f.Mode, f.Owner, f.Path, f.Text, dump(f.Body))
	}
	for _, s := range t.Steps {
		fmt.Fprintf(&b, "\n=== step %q: %q\n%s", s.ID, s.Title, dump(s.Body))
	}
	for _, h := range t.Hints {
		fmt.Fprintf(&b, "\n=== hint %q of %q after %d cost %v\n%s", h.ID, h.Task, h.After, h.Cost, dump(h.Body))
	}
	for _, c := range t.Checks {
		fmt.Fprintf(&b, "\n=== check %q of %q (%q) in %q, guest %q user %q lang %q, points %v auto %v timeout %v sticky %v at start %v, line %d\npass: %s\nfail: %s\n%s",
			c.ID, c.Task, c.Title, c.Step, c.Guest, c.User, c.Lang, c.Points, c.Auto, c.Timeout, c.Sticky, c.PassesAtStart, c.Line, c.PassMessage, c.FailMessage, c.Script)
		if c.GuestTools {
			b.WriteString("with the guest's tools\n")
		}
		describeQuestion(&b, c.Question)
	}
	for _, s := range t.Solutions {
		fmt.Fprintf(&b, "\n=== solution of %q, guest %q user %q lang %q shown %v answer %q\n%s", s.For, s.Guest, s.User, s.Lang, s.Shown, s.Answer, s.Script)
	}
	for _, m := range t.Mistakes {
		fmt.Fprintf(&b, "\n=== mistake for %q, guest %q user %q lang %q, expect %q answer %q\n%s", m.For, m.Guest, m.User, m.Lang, m.Expect, m.Answer, m.Script)
	}
	return b.String()
}

func describeQuestion(b *strings.Builder, q *Question) {
	if q == nil {
		return
	}
	fmt.Fprintf(b, "a question of type %q, tolerance %v case %v attempts %d cost %v\n", q.Type, q.Tolerance, q.Case, q.MaxAttempts, q.Cost)
	for _, c := range q.Choices {
		fmt.Fprintf(b, "choice %s right %v %q: %s | %s\n", c.ID, c.Right, c.Text, dump(c.Body), dump(c.Feedback))
	}
	for _, a := range q.Answers {
		fmt.Fprintf(b, "answer right %v pattern %v %q | %s\n", a.Right, a.Pattern, a.Text, dump(a.Feedback))
	}
}
