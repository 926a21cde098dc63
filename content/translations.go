package content

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A translation of a course is a folder i18n/LANGUAGE with tutorials of the
// same ids. It supplies words; whatever decides, or is worth something, is the
// original's.

const (
	translationsDir = "i18n"
	maxLanguages    = 20
)

// In gives the course in one of its Languages: tutorials that are not
// translated stay as they are, which their Language tells. For any other
// language it gives the course itself.
func (c *Course) In(language string) *Course {
	if t := c.translations[language]; t != nil {
		return t
	}
	return c
}

// Languages are those that the course can be had in, its own first.
func (c *Course) Languages() []string {
	return append([]string{c.Language}, slices.Sorted(maps.Keys(c.translations))...)
}

// Source is the check of the original course, of which this may be a
// translation; else the check itself.
func (c *Check) Source() *Check {
	if c.source != nil {
		return c.source
	}
	return c
}

// inTranslation takes the folder of a translation off a file's path.
func inTranslation(name string) (folder, rest string) {
	if below, ok := strings.CutPrefix(name, translationsDir+"/"); ok {
		language, rest, _ := strings.Cut(below, "/")
		return translationsDir + "/" + language + "/", rest
	}
	return "", name
}

// nearest gives the translation's own file where it has one in the place of
// the original's.
func (l *loader) nearest(folder, name string) string {
	if folder == "" {
		return name
	}
	if info, err := fs.Stat(l.fsys, folder+name); err == nil && info.Mode().IsRegular() {
		return folder + name
	}
	return name
}

// translate reads all translations of a course whose tutorials were compiled.
func (l *loader) translate(course *Course, originals []*compiler) {
	for _, t := range course.Tutorials {
		t.Language = course.Language
	}
	entries, err := fs.ReadDir(l.fsys, translationsDir)
	if err != nil {
		return // there is none
	}
	for _, e := range entries {
		language, folder := e.Name(), path.Join(translationsDir, e.Name())
		switch {
		case strings.HasPrefix(language, "."):
		case !e.IsDir() || !languageTag.MatchString(language):
			l.fail(folder, fmt.Sprintf("%s is no language.", quote(language)), "Name the folder of a translation as fr or pt-BR.")
		case language == course.Language:
			l.fail(folder, "This is the language of the course itself.", "Look at “language” in course.yaml.")
		case len(course.translations) == maxLanguages:
			l.fail(translationsDir, fmt.Sprintf("The course has more than %d translations.", maxLanguages), "")
			return
		default:
			if course.translations == nil {
				course.translations = map[string]*Course{}
			}
			course.translations[language] = l.language(course, originals, folder, language)
		}
	}
}

// language reads one translation.
func (l *loader) language(course *Course, originals []*compiler, folder, language string) *Course {
	t := *course
	t.Language, t.translations = language, nil
	t.Tutorials = slices.Clone(course.Tutorials)
	if name := path.Join(folder, manifestName); exists(l.fsys, name) {
		l.translatedManifest(name, &t)
	}
	files := l.translated(path.Join(folder, tutorialsDir))
	var compiled []*compiler
	l.text = 0
	for _, original := range originals {
		id := original.tutorial.ID
		file, ok := files[id]
		delete(files, id)
		if !ok || original.src.findings.refuse() {
			continue
		}
		c := l.translatedTutorial(file, language, original)
		if c == nil {
			continue
		}
		compiled = append(compiled, c)
		i := slices.Index(t.Tutorials, original.tutorial)
		t.Tutorials[i] = c.tutorial
		if original.tutorial.Files == nil && len(c.tutorial.Files) > 0 {
			original.tutorial.Files = map[string]string{}
		}
		maps.Copy(original.tutorial.Files, c.tutorial.Files)
		if l.text > maxCourse {
			l.fail(folder, fmt.Sprintf("The translation has more than %d MiB of text.", maxCourse>>20), "Shorten it.")
			break
		}
	}
	for _, id := range slices.Sorted(maps.Keys(files)) {
		if course.Tutorial(id) == nil && l.tutorials[id] == "" {
			l.fail(files[id], fmt.Sprintf("The course has no tutorial %s.", quote(id)), DidYouMean(id, slices.Sorted(maps.Keys(l.tutorials))))
		}
	}
	checkReferences(compiled, originals)
	for _, c := range compiled {
		l.findings = append(l.findings, c.src.findings...)
	}
	return &t
}

func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}

// translated gives the Markdown file of each tutorial of a translation.
func (l *loader) translated(dir string) map[string]string {
	found := map[string]string{}
	entries, _ := fs.ReadDir(l.fsys, dir) // a translation may have titles only
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.IsDir() && exists(l.fsys, path.Join(name, "index.md")):
			found[e.Name()] = path.Join(name, "index.md")
		case !e.IsDir() && path.Ext(name) == ".md":
			found[strings.TrimSuffix(e.Name(), ".md")] = name
		}
	}
	return found
}

func (l *loader) translatedManifest(name string, t *Course) {
	raw, ok := l.read(name, maxYAML)
	if !ok {
		return
	}
	src := newSource(name, raw)
	defer func() { l.findings = append(l.findings, src.findings...) }()
	if !src.readable() {
		return
	}
	y := &yamlText{src: src}
	if root := y.parse(src.text); root != nil {
		y.fields(root, "course.yaml of a translation", map[string]func(ast.Node){
			"title":   func(n ast.Node) { y.oneLine(n, "The title", &t.Title) },
			"summary": func(n ast.Node) { y.oneLine(n, "The summary", &t.Summary) },
		})
	}
}

// translatedTutorial compiles the translation of one tutorial.
func (l *loader) translatedTutorial(file, language string, original *compiler) *compiler {
	raw, ok := l.read(file, maxTutorial)
	if !ok {
		return nil
	}
	src := newSource(file, raw)
	if !src.readable() {
		l.findings = append(l.findings, src.findings...)
		return nil
	}
	o := original.tutorial
	f := front{tutorial: &Tutorial{ID: o.ID, Path: file, Language: language, Guests: o.Guests, Networks: o.Networks, Vars: o.Vars},
		defaults: original.defaults, body: len(src.text)}
	made := ""
	if text, first, body := cutFrontMatter(src); body >= 0 {
		f.body = body
		made = f.readTranslated(&yamlText{src: src, first: first}, text, o)
	}
	l.takeIn(src, f)
	l.text += len(src.text)
	c := newCompiler(l, src, f)
	c.original = original
	c.compile()
	c.agesFrom(made)
	return c
}

// readTranslated reads the front matter of a translation, and gives its
// “source”.
func (f *front) readTranslated(y *yamlText, text string, original *Tutorial) (made string) {
	t := f.tutorial
	t.Title, t.Summary, t.Duration = original.Title, original.Summary, original.Duration
	root := y.parse(text)
	if root == nil {
		if len(y.src.findings) == 0 {
			y.src.fail(0, len(fence), "The front matter is empty.", "Give the translation a title: “title: …”.")
		}
		return ""
	}
	y.fields(root, "The front matter of a translation", map[string]func(ast.Node){
		"title":   func(n ast.Node) { y.oneLine(n, "The title", &t.Title) },
		"summary": func(n ast.Node) { y.oneLine(n, "The summary", &t.Summary) },
		"source":  func(n ast.Node) { made, _ = y.scalar(n, "The source") },
	})
	if !hasKey(root, "title") {
		y.src.fail(0, len(fence), "The translation has no title.", "Add a line “title: …” to the front matter.")
	}
	return made
}
