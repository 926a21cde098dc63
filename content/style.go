package content

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

const (
	themesDir    = "themes"
	defaultTheme = "default"
	styleName    = "style.css"
	maxStyle     = 64 << 10
)

// elsewhere is what makes a browser fetch something for a style sheet. Pages
// forbid other sites by their policy, so it would only be missing.
var elsewhere = regexp.MustCompile(`(?i)@import\b[^;\n]*|url\(\s*["']?([^"')]*)`)

// theme reads the look that a course gives its pages: the folder themes/NAME.
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
		y.fail(n, fmt.Sprintf("The course has no theme %s.", quote(name)), DidYouMean(name, append(known, defaultTheme)))
		return
	}
	if !l.parts(dir, course) {
		y.fail(n, fmt.Sprintf("The theme %s is empty.", quote(name)), fmt.Sprintf("Write its %s, or leave the theme out.", styleName))
	}
}

// style reads a theme's style sheet.
func (l *loader) style(file string, course *Course) {
	if l.symbolic(file) {
		l.fail(file, "A theme's style sheet must be a file.", "")
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
