package content

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Message is a sentence of the interface as a course's theme says it.
type Message struct {
	Language string // BCP 47, the name of its folder
	English  string // the sentence that it takes the place of
	// Text is what is said. A number with its noun has two forms instead.
	Text       string
	One, Other string
	// At is where it stands, for findings: one without a message.
	At Finding
}

// ThemeFile is a template of a course's theme.
type ThemeFile struct {
	Name string // without ".html"
	Path string // within the course
	Text string
}

const (
	wordsDir     = "words"
	templatesDir = "templates"
	// maxTemplate is how many bytes a template may have.
	maxTemplate = 64 << 10
)

// parts says what a theme's folder may hold, and reads it.
func (l *loader) parts(dir string, course *Course) (found bool) {
	entries, _ := fs.ReadDir(l.fsys, dir)
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
			continue
		case e.Name() == styleName && !e.IsDir():
			l.style(file, course)
		case e.Name() == wordsDir && e.IsDir():
			l.words(file, course)
		case e.Name() == templatesDir && e.IsDir():
			l.templates(file, course)
		default:
			l.fail(file, "This is no part of a theme.", "A theme is style.css, words/LANGUAGE/NAME.yaml and templates/NAME.html.")
		}
		found = true
	}
	return found
}

// themeFiles are the files of a folder, which must all end in ext.
func (l *loader) themeFiles(dir, ext string) []string {
	var files []string
	entries, _ := fs.ReadDir(l.fsys, dir)
	for _, e := range entries {
		file := path.Join(dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir() || path.Ext(e.Name()) != ext || l.symbolic(file):
			l.fail(file, fmt.Sprintf("Only files *%s belong into this folder.", ext), "")
		default:
			files = append(files, file)
		}
	}
	return files
}

// themeText reads one text file of a theme; nil after a finding.
func (l *loader) themeText(file string, most int64) *source {
	raw, ok := l.read(file, most)
	if !ok {
		return nil
	}
	src := newSource(file, raw)
	if !src.readable() {
		l.findings = append(l.findings, src.findings...)
		return nil
	}
	return src
}

func (l *loader) templates(dir string, course *Course) {
	for _, file := range l.themeFiles(dir, ".html") {
		if src := l.themeText(file, maxTemplate); src != nil {
			name := strings.TrimSuffix(path.Base(file), ".html")
			course.Templates = append(course.Templates, ThemeFile{Name: name, Path: file, Text: src.text})
		}
	}
}

// words reads words/LANGUAGE/NAME.yaml.
func (l *loader) words(dir string, course *Course) {
	entries, _ := fs.ReadDir(l.fsys, dir)
	for _, e := range entries {
		folder := path.Join(dir, e.Name())
		if !e.IsDir() || !languageTag.MatchString(e.Name()) {
			l.fail(folder, "Messages stand in a folder for each language.", "Write words/en/NAME.yaml.")
			continue
		}
		for _, file := range l.themeFiles(folder, ".yaml") {
			if src := l.themeText(file, maxYAML); src != nil {
				y := &yamlText{loader: l, src: src}
				course.Messages = append(course.Messages, y.messages(e.Name())...)
				l.findings = append(l.findings, src.findings...)
			}
		}
	}
}

// messages reads a file of sentences by their English ones.
func (y *yamlText) messages(language string) []Message {
	root := y.parse(y.src.text)
	if root == nil {
		return nil
	}
	var all []Message
	for _, e := range y.mapping(root, "A file of messages") {
		m := Message{Language: language, English: e.name}
		offset, length := y.place(e.key.GetToken())
		m.At = FindingAt(y.src.path, y.src.text, offset, length)
		switch e.value.(type) {
		case *ast.MappingNode, *ast.MappingValueNode:
			y.forms(e.value, &m)
		default:
			var ok bool
			if m.Text, ok = y.scalar(e.value, "The message"); !ok {
				continue
			}
		}
		all = append(all, m)
	}
	return all
}

// forms reads a number's two.
func (y *yamlText) forms(n ast.Node, m *Message) {
	y.fields(n, "A message", map[string]func(ast.Node){
		"one":   func(n ast.Node) { m.One, _ = y.scalar(n, "The form for one") },
		"other": func(n ast.Node) { m.Other, _ = y.scalar(n, "The form for others") },
	})
	if !hasKey(n, "one") || !hasKey(n, "other") {
		y.fail(n, "A message with a number has two forms.", "Write {one: …, other: …}.")
	}
}
