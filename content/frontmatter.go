package content

import (
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// defaults are what tutorials take from course.yaml where their own front
// matter is silent.
type defaults struct {
	guests  []Guest
	mirror  bool // what network opens
	points  float64
	sticky  bool
	timeout time.Duration
	// idle and session are of guests.
	idle, session time.Duration
	images        []string // known names
}

const fence = "---"

// frontMatter reads the YAML between the two "---" lines at a tutorial's
// start.
func (l *loader) frontMatter(src *source, d defaults) front {
	f := front{tutorial: &Tutorial{}, defaults: d, body: len(src.text)}
	text, first, body := cutFrontMatter(src)
	if body < 0 {
		return f
	}
	f.body = body
	f.read(&yamlText{loader: l, src: src, first: first}, text)
	return f
}

// front is what a front matter says.
type front struct {
	tutorial *Tutorial
	defaults defaults // that hold for its checks
	body     int      // where the text after it starts
	atSteps  []atStep // steps that networks name
}

func (f *front) read(y *yamlText, text string) {
	src, t, d := y.src, f.tutorial, &f.defaults
	var networks ast.Node
	root := y.parse(text)
	if root == nil {
		if len(src.findings) == 0 {
			src.fail(0, len(fence), "The front matter is empty.", "Give the tutorial a title: “title: …”.")
		}
		t.Guests = opened(d.guests, d.mirror)
		t.Idle, t.Session = d.idle, d.session
		return
	}
	y.fields(root, "The front matter", map[string]func(ast.Node){
		"title":    func(n ast.Node) { y.oneLine(n, "The title", &t.Title) },
		"summary":  func(n ast.Node) { y.oneLine(n, "The summary", &t.Summary) },
		"duration": func(n ast.Node) { y.duration(n, "The duration", time.Minute, 24*time.Hour, &t.Duration) },
		"guests":   func(n ast.Node) { t.Guests = y.guests(n, *d) },
		"network":  func(n ast.Node) { y.network(n, d) },
		"networks": func(n ast.Node) { networks = n },
		"vars":     func(n ast.Node) { t.Vars = y.vars(n) },
		"limits":   func(n ast.Node) { y.limits(n, d) },
	})
	if t.Title == "" && !hasKey(root, "title") {
		src.fail(0, len(fence), "The tutorial has no title.", "Add a line “title: …” to the front matter.")
	}
	if t.Guests == nil {
		t.Guests = d.guests
	}
	t.Guests = opened(t.Guests, d.mirror)
	t.Idle, t.Session = d.idle, d.session
	if networks != nil {
		t.Networks = y.networks(networks, f)
	}
}

// cutFrontMatter gives the YAML, the line it starts on, and where the body
// starts; -1 after an error.
func cutFrontMatter(src *source) (text string, first, body int) {
	if strings.TrimRight(src.line(0), " \t") != fence {
		src.fail(0, len(src.line(0)), "A tutorial starts with front matter.", "Make the first lines “---”, “title: …”, “---”.")
		return "", 0, -1
	}
	for n := 1; n < len(src.lines); n++ {
		if strings.TrimRight(src.line(n), " \t") != fence {
			continue
		}
		body := len(src.text)
		if n+1 < len(src.lines) {
			body = src.lines[n+1]
		}
		return src.text[src.lines[1]:src.lines[n]], 1, body
	}
	src.fail(0, len(fence), "The front matter is not closed.", "End it with a line “---”.")
	return "", 0, -1
}

func hasKey(root ast.Node, name string) bool {
	switch n := root.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if k, ok := keyName(v.Key); ok && k == name {
				return true
			}
		}
	case *ast.MappingValueNode:
		k, ok := keyName(n.Key)
		return ok && k == name
	}
	return false
}

// duration reads a time as Go writes it, such as "90s" or "1h30m".
func (y *yamlText) duration(n ast.Node, what string, least, most time.Duration, into *time.Duration) {
	s, ok := y.scalar(n, what)
	if !ok {
		return
	}
	d, problem := parseDuration(s, least, most)
	if problem != "" {
		y.fail(n, fmt.Sprintf("%s %s", what, problem), "Write it as 90s, 45m or 1h30m.")
		return
	}
	*into = d
}

// parseDuration gives a time, or what is wrong with it as the end of a
// sentence.
func parseDuration(s string, least, most time.Duration) (time.Duration, string) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, "is not a time: " + quote(s) + "."
	case d < least || d > most:
		return 0, fmt.Sprintf("must be from %s to %s.", shortDuration(least), shortDuration(most))
	}
	return d, ""
}

func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// maxTimeout is the longest time limit of a check.
const maxTimeout = 5 * time.Minute

// leastIdle and leastSession are the shortest times that leave room for a
// warning; longestSession bounds both.
const (
	leastIdle      = 5 * time.Minute
	leastSession   = 15 * time.Minute
	longestSession = 24 * time.Hour
)

// limits reads what bounds a tutorial's checks, and the use of its guests.
func (y *yamlText) limits(n ast.Node, d *defaults) {
	y.fields(n, "limits", map[string]func(ast.Node){
		"timeout": func(n ast.Node) { y.duration(n, "The timeout", time.Second, maxTimeout, &d.timeout) },
		"idle":    func(n ast.Node) { y.duration(n, "The time without use", leastIdle, longestSession, &d.idle) },
		"session": func(n ast.Node) { y.duration(n, "The time of a session", leastSession, longestSession, &d.session) },
	})
}
