package proof

import (
	"context"
	"os/exec"
	"regexp"
	"strings"
)

// A mutant is a solution of which something was left out.
type mutant struct {
	line   int    // of the script, from 0, where what was left out began
	left   string // that line
	script string
}

// optionalMark, at the end of a line, says that a solution works without it.
var optionalMark = regexp.MustCompile(`#\s*labmark:\s*optional\b`)

// hereDoc finds the words at which here-documents end; "<<<" begins none.
var hereDoc = regexp.MustCompile(`(?:^|[^<])<<(-?)\s*\\?(?:'([^']+)'|"([^"]+)"|([A-Za-z_][A-Za-z0-9_]*))`)

// unit is what is left out at once: a line with those that continue it. The
// first line of a here-document goes with its body, and the body line by line.
type unit struct {
	first, last int // lines of the script; both are in it
}

// mutants gives a script without one unit each time, and how many were not
// worth a try: equal to another, or no script at all.
func mutants(lang, script string) (out []mutant, skipped int) {
	lines := strings.SplitAfter(script, "\n")
	seen := map[string]bool{script: true}
	for _, u := range units(lang, lines) {
		text := strings.Join(lines[:u.first], "") + strings.Join(lines[u.last+1:], "")
		if seen[text] || !parses(lang, text) {
			skipped++
			continue
		}
		seen[text] = true
		out = append(out, mutant{line: u.first, left: strings.TrimSpace(lines[u.first]), script: text})
	}
	return out, skipped
}

func units(lang string, lines []string) (out []unit) {
	shell := lang != "python"
	for i := 0; i < len(lines); i++ {
		first := i
		for shell && i+1 < len(lines) && continues(lines[i]) {
			i++
		}
		optional := optionalMark.MatchString(lines[i])
		var inside []unit
		last := i
		if shell {
			last, inside = hereDocs(lines, i)
		}
		if !optional && !blank(lines[first]) {
			out = append(out, unit{first, last})
			out = append(out, inside...)
		}
		i = last
	}
	return out
}

// hereDocs finds the bodies of the here-documents that begin at a line: where
// the last one ends, and the lines in them.
func hereDocs(lines []string, at int) (last int, inside []unit) {
	last = at
	for _, m := range hereDoc.FindAllStringSubmatch(lines[at], -1) {
		end := m[2] + m[3] + m[4]
		var body []unit
		for i := last + 1; ; i++ {
			if i >= len(lines) {
				return at, inside // it was none, as in $((1<<a))
			}
			line := strings.TrimSuffix(lines[i], "\n")
			if m[1] != "" {
				line = strings.TrimLeft(line, "\t")
			}
			if line == end {
				last, inside = i, append(inside, body...)
				break
			}
			if !blank(lines[i]) {
				body = append(body, unit{i, i})
			}
		}
	}
	return last, inside
}

func continues(line string) bool {
	line = strings.TrimSuffix(line, "\n")
	return strings.HasSuffix(line, `\`) && !strings.HasSuffix(line, `\\`)
}

// blank says whether nothing happens in a line. "#!" may be a line of a file
// that the script writes.
func blank(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "#!")
}

// parses says whether a shell takes the script for one. Where this machine has
// no such shell, it may be one.
func parses(lang, script string) bool {
	shell := "bash"
	switch lang {
	case "python":
		return true // what is none is noticed by the check
	case "sh":
		shell = "sh"
	}
	if _, err := exec.LookPath(shell); err != nil {
		return true
	}
	// Nothing is run with -n.
	cmd := exec.CommandContext(context.Background(), shell, "-n")
	cmd.Stdin = strings.NewReader(script)
	return cmd.Run() == nil
}
