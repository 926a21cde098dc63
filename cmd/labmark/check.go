package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/lab"
)

type checkCmd struct {
	SSH        string            `name:"ssh" required:"" help:"The machine to check, which you log in to with a key, best as root." placeholder:"USER@HOST[:PORT]"`
	Course     string            `arg:"" help:"Folder of a course." type:"existingdir"`
	IDs        []string          `arg:"" optional:"" name:"id" help:"Checks to run, as CHECK or TUTORIAL/CHECK; otherwise all."`
	Guest      string            `help:"Which guest of the tutorials the machine stands for; otherwise the first one of each." placeholder:"NAME"`
	Student    string            `help:"Whose variables to use." default:"student" placeholder:"NAME"`
	Seed       string            `help:"What students' variables are drawn from." default:"labmark test" placeholder:"TEXT"`
	Var        map[string]string `help:"Value of a variable, instead of one that is drawn. May be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	Answer     string            `help:"The answer to a question with a check in it." placeholder:"TEXT"`
	Identity   []string          `help:"Private keys to log in with; otherwise those of ssh-agent and ~/.ssh." type:"existingfile" placeholder:"FILE"`
	KnownHosts []string          `help:"Files of known host keys; otherwise those of ssh." type:"existingfile" placeholder:"FILE"`
	Insecure   bool              `help:"Take any host key: whoever is between can read and change everything."`
	Output     bool              `short:"o" help:"Show what the checks printed."`
}

func (c *checkCmd) Run(ctx context.Context, out io.Writer) error {
	course, err := loadCourse(c.Course, out)
	if err != nil {
		return err
	}
	wanted, err := findChecks(course, c.IDs)
	if err != nil {
		return err
	}
	client, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if client.User() != "root" {
		fmt.Fprintf(out, "The checks run as %s. They are written for root, and may see less than they need.\n\n", client.User())
	}
	failed := 0
	for _, w := range wanted {
		if ok, err := c.one(ctx, out, client, course, w); err != nil {
			return err
		} else if !ok {
			failed++
		}
	}
	if failed > 0 {
		return errFindings
	}
	return nil
}

// wantedCheck is a check and the tutorial that it stands in.
type wantedCheck struct {
	tutorial *content.Tutorial
	check    *content.Check
	named    bool // by the command line
}

// findChecks finds checks by CHECK or TUTORIAL/CHECK.
func findChecks(course *content.Course, ids []string) (found []wantedCheck, err error) {
	for _, t := range course.Tutorials {
		for _, check := range t.Checks {
			if len(ids) == 0 {
				found = append(found, wantedCheck{t, check, false})
			}
		}
	}
	for _, id := range ids {
		before := len(found)
		for _, t := range course.Tutorials {
			for _, check := range t.Checks {
				if id == check.ID || id == t.ID+"/"+check.ID {
					found = append(found, wantedCheck{t, check, true})
				}
			}
		}
		switch n := len(found) - before; {
		case n == 0:
			return nil, fmt.Errorf("the course has no check %q", id)
		case n > 1:
			return nil, fmt.Errorf("there are several checks %q: write TUTORIAL/%s", id, id)
		}
	}
	return found, nil
}

// one runs a check and shows its verdict. ok is false unless it passed, or was
// not asked for by name and can't be tried here.
func (c *checkCmd) one(ctx context.Context, out io.Writer, client *ssh.Client, course *content.Course, w wantedCheck) (ok bool, err error) {
	name := w.tutorial.ID + "/" + w.check.ID
	if why := c.unfit(w); why != "" {
		fmt.Fprintf(out, "%-7s %s: %s\n", "skipped", name, why)
		return !w.named, nil
	}
	values, err := c.values(course, w.tutorial)
	if err != nil {
		return false, err
	}
	script := lab.Check(w.check, values)
	if q := w.check.Question; q != nil {
		answer, err := q.Find(c.Answer, values)
		if err != nil {
			return false, fmt.Errorf("--answer: %w", err)
		}
		script = lab.Answered(w.check, answer, values)
	}
	r := checks.Run(ctx, client, script)
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	fmt.Fprintf(out, "%-7s %s: %s\n", shownVerdict(r), name, indented(r.Message))
	if c.Output {
		showOutput(out, "standard output", r.Evidence.Stdout.Text)
		showOutput(out, "standard error", r.Evidence.Stderr.Text)
	}
	return r.Verdict == checks.Pass, nil
}

// showOutput shows what a script printed, if it did.
func showOutput(out io.Writer, title, text string) {
	if text = strings.TrimSpace(text); text != "" {
		fmt.Fprintf(out, "    %s:\n    | %s\n", title, strings.ReplaceAll(text, "\n", "\n    | "))
	}
}

// unfit says why a check can't be tried on this machine.
func (c *checkCmd) unfit(w wantedCheck) string {
	guest := c.Guest
	if guest == "" {
		guest = w.tutorial.Guests[0].Name
	}
	q := w.check.Question
	switch {
	case q != nil && w.check.Script == "" && len(w.check.Facts) == 0:
		return "it is a question, and no machine is asked"
	case q != nil && c.Answer == "":
		return "it is a question: give an --answer"
	case w.check.Guest != guest:
		return fmt.Sprintf("it runs in the guest %s, and this machine stands for %s (see --guest)", w.check.Guest, guest)
	}
	return ""
}

func (c *checkCmd) values(course *content.Course, t *content.Tutorial) (content.Values, error) {
	values := t.Draw([]byte(c.Seed), course.ID, c.Student)
	for _, name := range slices.Sorted(maps.Keys(c.Var)) {
		if _, ok := values[name]; ok {
			values[name] = c.Var[name]
		} else if len(course.Tutorials) == 1 {
			return nil, fmt.Errorf("--var %s: the tutorial has no such variable", name)
		}
	}
	return values, nil
}

// shownVerdict is one word, with the share of points where that is partial.
func shownVerdict(r checks.Result) string {
	if r.Score > 0 && r.Score < 1 {
		return fmt.Sprintf("%.0f %%", 100*r.Score)
	}
	return string(r.Verdict)
}
