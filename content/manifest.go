package content

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// isID says whether a text can name a course, tutorial, task, check or
// whatever else has an id: lower-case letters, digits and single "-", a letter
// first. Such a name is safe in addresses, in HTML and in file names.
func isID(s string) bool {
	last := byte('-')
	for i := range len(s) {
		c := s[i]
		letter, digit := 'a' <= c && c <= 'z', '0' <= c && c <= '9'
		if !letter && (i == 0 || !digit && (c != '-' || last == '-')) {
			return false
		}
		last = c
	}
	return last != '-' && len(s) <= maxID
}

// ValidID says whether a course, a tutorial, a check … may be called so.
func ValidID(s string) bool { return isID(s) }

const maxID = 64

const idRule = "Use lower-case letters, digits and single “-”, a letter first."

// defaultTimeout bounds a check that names no limit.
const defaultTimeout = 10 * time.Second

const maxPoints = 1000

// ordered is one entry of course.yaml's list of tutorials.
type ordered struct {
	id   string
	node ast.Node
}

// manifest is course.yaml.
type manifest struct {
	course    *Course
	defaults  defaults
	tutorials []ordered // nil: all, by name
	yaml      *yamlText
}

// manifest reads course.yaml.
func (l *loader) manifest(src *source) *manifest {
	m := &manifest{
		course: &Course{Language: "en"},
		defaults: defaults{
			guests: []Guest{defaultGuest}, images: l.images(),
			points: 1, sticky: true, timeout: defaultTimeout,
		},
		yaml: &yamlText{src: src},
	}
	y := m.yaml
	root := y.parse(src.text)
	if root == nil {
		if len(src.findings) == 0 {
			src.failFile("course.yaml is empty.", "Give the course an id and a title.")
		}
		return m
	}
	c := m.course
	y.fields(root, "course.yaml", map[string]func(ast.Node){
		"id":        func(n ast.Node) { y.id(n, "The course's id", &c.ID) },
		"title":     func(n ast.Node) { y.oneLine(n, "The title", &c.Title) },
		"summary":   func(n ast.Node) { y.oneLine(n, "The summary", &c.Summary) },
		"language":  func(n ast.Node) { y.language(n, &c.Language) },
		"theme":     func(n ast.Node) { y.theme(l, n, c) },
		"guests":    func(n ast.Node) { m.defaults.guests = y.guests(n, m.defaults) },
		"network":   func(n ast.Node) { y.network(n, &m.defaults) },
		"grading":   func(n ast.Node) { y.grading(n, &m.defaults, &c.Grading) },
		"limits":    func(n ast.Node) { y.limits(n, &m.defaults) },
		"tutorials": func(n ast.Node) { m.order(n) },
	})
	for _, name := range []string{"id", "title"} {
		if !hasKey(root, name) {
			src.failFile(fmt.Sprintf("The course has no %s.", name), fmt.Sprintf("Add a line “%s: …”.", name))
		}
	}
	return m
}

func (y *yamlText) id(n ast.Node, what string, into *string) {
	s, ok := y.scalar(n, what)
	if !ok {
		return
	}
	if !isID(s) {
		y.fail(n, fmt.Sprintf("%s can't be an id.", quote(s)), idRule)
		return
	}
	*into = s
}

// languageTag is the common part of BCP 47: a language, a script, a region.
var languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$`)

func (y *yamlText) language(n ast.Node, into *string) {
	s, ok := y.scalar(n, "The language")
	if !ok {
		return
	}
	if !languageTag.MatchString(s) {
		y.fail(n, fmt.Sprintf("%s is not a language tag.", quote(s)), "Write it as en, de or pt-BR.")
		return
	}
	*into = s
}

func parsePoints(s string) (float64, bool) {
	p, err := strconv.ParseFloat(s, 64)
	return p, err == nil && p >= 0 && p <= maxPoints
}

func (m *manifest) order(n ast.Node) {
	nodes, ok := m.yaml.list(n, "tutorials")
	if !ok {
		return
	}
	for _, n := range nodes {
		var id string
		m.yaml.id(n, "A tutorial", &id)
		switch {
		case id == "":
		case slices.ContainsFunc(m.tutorials, func(o ordered) bool { return o.id == id }):
			m.yaml.fail(n, fmt.Sprintf("The tutorial %s stands here twice.", quote(id)), "Keep one of them.")
		default:
			m.tutorials = append(m.tutorials, ordered{id, n})
		}
	}
}
