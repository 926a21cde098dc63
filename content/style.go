package content

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

const (
	themesDir    = "themes"
	defaultTheme = "default"
	// styleName is the one file of a course's theme.
	styleName = "style.css"
	maxStyle  = 64 << 10
)

// elsewhere is what makes a browser fetch something for a style sheet. Pages
// forbid other sites by their policy, so it would only be missing.
var elsewhere = regexp.MustCompile(`(?i)@import\b[^;\n]*|url\(\s*["']?([^"')]*)`)

// theme reads the look that a course gives its pages: themes/NAME/style.css.
func (y *yamlText) theme(l *loader, n ast.Node, course *Course) {
	name, ok := y.scalar(n, "The theme")
	if !ok || name == defaultTheme {
		return
	}
	dir := path.Join(themesDir, name)
	if !isID(name) || !exists(l.fsys, dir) {
		var known []string
		entries, _ := fs.ReadDir(l.fsys, themesDir)
		for _, e := range entries {
			known = append(known, e.Name())
		}
		y.fail(n, fmt.Sprintf("The course has no theme %s.", quote(name)), didYouMean(name, append(known, defaultTheme)))
		return
	}
	entries, _ := fs.ReadDir(l.fsys, dir)
	for _, e := range entries {
		if e.Name() != styleName && !strings.HasPrefix(e.Name(), ".") {
			l.fail(path.Join(dir, e.Name()), "A theme is a style sheet and nothing else.", fmt.Sprintf("Put all of it into %s.", styleName))
		}
	}
	file := path.Join(dir, styleName)
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == styleName }) || l.symbolic(file) {
		y.fail(n, fmt.Sprintf("The theme %s has no file %s.", quote(name), styleName), "Write it, or leave the theme out.")
		return
	}
	raw, ok := l.read(file, maxStyle)
	if !ok {
		return
	}
	src := newSource(file, raw)
	if src.readable() {
		for _, m := range elsewhere.FindAllStringSubmatchIndex(src.text, -1) {
			if m[2] < 0 || !strings.HasPrefix(strings.ToLower(src.text[m[2]:m[3]]), "data:") {
				src.fail(m[0], m[1]-m[0], "A style sheet fetches nothing.", "Write pictures into it as “url(data:image/svg+xml,…)”, and other style sheets as they are.")
			}
		}
	}
	l.findings = append(l.findings, src.findings...)
	course.Style = src.text
}
