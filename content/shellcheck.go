package content

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// shellText is one script of a course for shellcheck.
type shellText struct {
	file, lang, text string
	place            scriptPlace
}

// Shellcheck gives what the program shellcheck calls an error in the scripts
// of setups, checks, solutions and mistakes, at the place in the Markdown file. It
// finds nothing where shellcheck is not installed. It runs no script.
func Shellcheck(ctx context.Context, c *Course) Findings {
	program, err := exec.LookPath("shellcheck")
	if err != nil {
		return nil
	}
	byLang := map[string][]shellText{}
	for _, s := range c.shellTexts() {
		byLang[s.lang] = append(byLang[s.lang], s)
	}
	var findings Findings
	for _, lang := range []string{"bash", "sh"} {
		found, err := shellcheck(ctx, program, lang, byLang[lang])
		if err != nil {
			findings = append(findings, Finding{Severity: Warning, Length: 1,
				Message: "shellcheck could not be used: " + err.Error() + "."})
		}
		for i := range found {
			found[i].Source = c.sourceLine(found[i].File, found[i].Line)
		}
		findings = append(findings, found...)
	}
	findings.sort()
	return findings
}

func (c *Course) shellTexts() []shellText {
	var all []shellText
	for _, t := range c.Tutorials {
		for _, s := range t.Setups {
			all = append(all, shellText{s.File, s.Lang, s.Script, s.place})
		}
		for _, s := range t.Checks {
			all = append(all, shellText{s.File, s.Lang, s.Script, s.place})
		}
		for _, s := range t.Solutions {
			all = append(all, shellText{s.File, s.Lang, s.Script, s.place})
		}
		for _, s := range t.Mistakes {
			all = append(all, shellText{s.File, s.Lang, s.Script, s.place})
		}
	}
	return all
}

// sourceLine gives a line of a course's file, empty where it can't be read.
func (c *Course) sourceLine(file string, line int) string {
	raw, err := fs.ReadFile(c.fsys, file)
	if err != nil {
		return ""
	}
	return newSource(file, raw).line(line - 1)
}

// comment is one finding of shellcheck's format json1, which counts a tab as
// one column.
type comment struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	EndLine   int    `json:"endLine"`
	Column    int    `json:"column"`
	EndColumn int    `json:"endColumn"`
	Code      int    `json:"code"`
	Message   string `json:"message"`
}

// shellcheck looks at all scripts in one go: starting the program takes
// longer than its work.
func shellcheck(ctx context.Context, program, lang string, scripts []shellText) (Findings, error) {
	if len(scripts) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "labmark-shellcheck-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"--norc", "--format=json1", "--severity=error", "--shell=" + lang}
	for i, s := range scripts {
		name := strconv.Itoa(i)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s.text), 0o600); err != nil {
			return nil, err
		}
		args = append(args, name)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	// Status 1 says that there are findings.
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return nil, fmt.Errorf("%w %s", err, strings.TrimSpace(stderr.String()))
	}
	var report struct {
		Comments []comment `json:"comments"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, err
	}
	var findings Findings
	for _, found := range report.Comments {
		if i, err := strconv.Atoi(found.File); err == nil && i >= 0 && i < len(scripts) {
			findings = append(findings, found.finding(scripts[i]))
		}
	}
	return findings, nil
}

// finding puts a comment where its script stands in the Markdown.
func (found comment) finding(s shellText) Finding {
	cut := 0
	if i := found.Line - 1; i >= 0 && i < len(s.place.columns) {
		cut = s.place.columns[i]
	}
	length := 1
	if found.EndLine == found.Line {
		length = max(1, found.EndColumn-found.Column)
	}
	return Finding{
		Severity: Error, File: s.file, Line: s.place.line + found.Line - 1, Column: found.Column + cut, Length: length,
		Message: fmt.Sprintf("shellcheck: %s (SC%d)", found.Message, found.Code),
	}
}
