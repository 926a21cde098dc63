package facts

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Machine is what facts are about: the one this program runs on.
type Machine struct {
	// Root is "/" but in tests; it is where files are looked for.
	Root string
	// Shell runs the lines of commands, as in "/bin/bash"; Path is their PATH.
	Shell, Path string
	// Vars are set in the environment of commands.
	Vars map[string]string

	packages *packageList
	accounts accounts
	tasks    []task
	hasTasks bool
}

// MaxFacts is how many facts one Look takes.
const MaxFacts = 500

// Look finds out about all facts, in order. What ctx leaves no time for is
// unsure.
func (m *Machine) Look(ctx context.Context, list []Fact) []Finding {
	findings := make([]Finding, len(list))
	for i, f := range list {
		findings[i] = m.look(ctx, f)
	}
	return findings
}

func (m *Machine) look(ctx context.Context, f Fact) Finding {
	switch {
	case f.Not != nil:
		inner := m.look(ctx, *f.Not)
		return Finding{
			Holds: !inner.Holds && !inner.Unsure, Unsure: inner.Unsure, About: inner.About, Briefly: inner.Briefly,
			Expected: "not " + inner.Expected, Found: inner.Found, Hidden: inner.Hidden, Message: f.Message,
		}
	case len(f.Any) > 0:
		return m.lookAny(ctx, f)
	}
	if err := f.Check(); err != nil {
		return f.judge(seen{}, fmt.Errorf("this fact is faulty: %w", err))
	}
	if ctx.Err() != nil {
		return f.judge(seen{}, fmt.Errorf("there was no time left to look"))
	}
	s, err := m.see(ctx, f)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("it took too long to look")
	}
	return f.judge(s, err)
}

func (m *Machine) lookAny(ctx context.Context, f Fact) Finding {
	var all Finding
	var about, briefly, expected, found []string
	for i, a := range f.Any {
		one := m.look(ctx, a)
		if one.Holds {
			one.Message = f.Message
			return one
		}
		all.Unsure = all.Unsure || one.Unsure
		all.Hidden = all.Hidden || one.Hidden
		if i == 0 || one.About != about[len(about)-1] {
			about, briefly = append(about, one.About), append(briefly, one.briefly())
		}
		expected, found = append(expected, one.Expected), append(found, one.Found)
	}
	all.About, all.Expected, all.Found = strings.Join(about, " or "), strings.Join(expected, " or "), strings.Join(found, ", ")
	all.Message, all.Briefly = f.Message, strings.Join(briefly, " or ")
	return all
}

// see looks at a fact's subject.
func (m *Machine) see(ctx context.Context, f Fact) (seen, error) {
	switch f.Kind {
	case "file":
		return m.file(ctx, f)
	case "user":
		return m.user(f)
	case "group":
		return m.group(f)
	case "package":
		return m.packaged(f)
	case "service":
		return m.service(f)
	case "port":
		return m.port(f)
	case "process":
		return m.process(f)
	case "command":
		return m.command(ctx, f)
	case "http":
		return httpSeen(ctx, f)
	case "mount":
		return m.mount(f)
	}
	return m.sysctl(f)
}

// path is where a file of the machine is found from here.
func (m *Machine) path(name string) string {
	if m.Root == "" || m.Root == "/" {
		return name
	}
	return strings.TrimSuffix(m.Root, "/") + name
}

// option returns what a fact says on how to look.
func (f Fact) option(field string) string {
	for _, w := range f.Wants {
		if w.Field == field {
			return w.Value.Text
		}
	}
	return ""
}

// wants says whether a fact has a word on a field.
func (f Fact) wants(fields ...string) bool {
	for _, w := range f.Wants {
		for _, field := range fields {
			if w.Field == field {
				return true
			}
		}
	}
	return false
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// timeLeft is how long ctx has, at most limit.
func timeLeft(ctx context.Context, limit time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(0, min(limit, time.Until(deadline)))
	}
	return limit
}

// why is a file's error in a student's words.
func why(err error) string {
	switch {
	case os.IsNotExist(err):
		return "that there is none"
	case os.IsPermission(err):
		return "that it may not be read"
	}
	return err.Error()
}
