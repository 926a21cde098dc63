package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/labmark/labmark/content"
)

// changedTutorials are those whose results may be others than at a revision:
// because of their own files, or of files whose names they mention, as includes
// and images do, or of course.yaml.
func changedTutorials(ctx context.Context, dir string, course *content.Course, revision string) ([]string, error) {
	files, err := changedFiles(ctx, dir, revision)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, t := range course.Tutorials {
		if slices.Contains(files, "course.yaml") || slices.ContainsFunc(files, func(f string) bool { return concerns(dir, t, f) }) {
			ids = append(ids, t.ID)
		}
	}
	return ids, nil
}

// changedFiles are below dir and named from there: changed, new or removed.
func changedFiles(ctx context.Context, dir, revision string) ([]string, error) {
	changed, err := git(ctx, dir, "diff", "--name-only", "-z", "--relative", "--end-of-options", revision, "--", ".")
	if err != nil {
		return nil, fmt.Errorf("--since %s: %w", revision, err)
	}
	fresh, err := git(ctx, dir, "ls-files", "-z", "--others", "--exclude-standard")
	return append(changed, fresh...), err
}

func git(ctx context.Context, dir string, args ...string) ([]string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("there is no git here: install it, or name the tutorials")
	}
	if err != nil {
		return nil, fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(said.String()))
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 }), nil
}

// concerns says whether a file of the course may change what a tutorial does.
func concerns(dir string, t *content.Tutorial, file string) bool {
	own := "tutorials/" + t.ID
	switch {
	case file == t.Path || strings.HasPrefix(file, own+"/"):
		return true
	case strings.HasPrefix(file, "images/"):
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		return slices.ContainsFunc(t.Guests, func(g content.Guest) bool { return g.Image == name })
	}
	return reaches(dir, t.Path, path.Base(file), map[string]bool{})
}

// reaches says whether a text of the course mentions a file's name, or a text
// that it mentions does. Rather one tutorial too many than one too few.
func reaches(dir, from, name string, seen map[string]bool) bool {
	if seen[from] {
		return false
	}
	seen[from] = true
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(from)))
	if err != nil {
		return true // it was there a moment ago
	}
	if bytes.Contains(text, []byte(name)) {
		return true
	}
	for _, other := range mentionedFiles(dir, from, text) {
		if reaches(dir, other, name, seen) {
			return true
		}
	}
	return false
}

// mentionedFiles are the Markdown files of the course that a text includes.
func mentionedFiles(dir, from string, text []byte) (files []string) {
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, "include") {
			continue
		}
		_, rest, ok := strings.Cut(line, "file=")
		if !ok {
			continue
		}
		words := strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == '}' || r == '\n' })
		if len(words) == 0 {
			continue // prose that is about includes
		}
		file := path.Join(path.Dir(from), strings.Trim(words[0], `"`))
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err == nil {
			files = append(files, file)
		}
	}
	return files
}
