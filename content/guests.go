package content

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// builtinImages are the guest images that every Labmark has. A course may
// bring more as images/NAME.yaml.
var builtinImages = []string{"debian-12", "debian-12-desktop"}

// defaultGuest is the machine of a tutorial that names none.
var defaultGuest = Guest{Name: "guest", Image: builtinImages[0], User: "root"}

var (
	// hostName is a label of a host name (RFC 1123), in lower case.
	hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)
	// userName is what useradd takes.
	userName = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,30}$`)
	byteSize = regexp.MustCompile(`^([0-9]{1,9})([KMG])$`)
)

const (
	minMemory = 16 << 20
	maxMemory = 64 << 30
	maxGuests = 8
)

// guests reads the machines of a tutorial, or of a course for its tutorials.
func (y *yamlText) guests(n ast.Node, d defaults) []Guest {
	var guests []Guest
	for i, e := range y.mapping(n, "guests") {
		if !hostName.MatchString(e.name) || e.name == "localhost" {
			y.fail(e.key, fmt.Sprintf("%s can't be a guest's name.", quote(e.name)), "Use lower-case letters, digits and “-”, at most 32.")
		}
		if i == maxGuests {
			y.fail(e.key, fmt.Sprintf("More than %d guests in a tutorial.", maxGuests), "Do with fewer: each student gets all of them.")
		}
		guests = append(guests, y.guest(e, d))
	}
	if len(guests) == 0 {
		return d.guests
	}
	return guests
}

func (y *yamlText) guest(e entry, d defaults) Guest {
	g := Guest{Name: e.name, Image: defaultGuest.Image, User: defaultGuest.User}
	if i := slices.IndexFunc(d.guests, func(g Guest) bool { return g.Name == e.name }); i >= 0 {
		g = d.guests[i]
	}
	if _, empty := e.value.(*ast.NullNode); empty || e.value == nil {
		return g
	}
	y.fields(e.value, "A guest", map[string]func(ast.Node){
		"image":   func(n ast.Node) { y.image(n, d, &g) },
		"memory":  func(n ast.Node) { y.memory(n, &g) },
		"user":    func(n ast.Node) { y.user(n, &g) },
		"desktop": func(n ast.Node) { y.desktop(n, &g) },
	})
	return g
}

func (y *yamlText) image(n ast.Node, d defaults, g *Guest) {
	name, ok := y.scalar(n, "The image")
	if !ok {
		return
	}
	if !slices.Contains(d.images, name) {
		y.fail(n, fmt.Sprintf("There is no image %s.", quote(name)), DidYouMean(name, d.images))
		return
	}
	g.Image = name
}

func (y *yamlText) memory(n ast.Node, g *Guest) {
	s, ok := y.scalar(n, "The memory")
	if !ok {
		return
	}
	size, ok := parseBytes(s)
	if !ok || size < minMemory || size > maxMemory {
		y.fail(n, fmt.Sprintf("%s is not an amount of memory from 16M to 64G.", quote(s)), "Write it as 256M or 1G.")
		return
	}
	g.Memory = size
}

// parseBytes reads a size in units of 1024 bytes: K, M or G.
func parseBytes(s string) (int64, bool) {
	m := byteSize.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	shift := map[string]uint{"K": 10, "M": 20, "G": 30}[m[2]]
	return n << shift, err == nil
}

func (y *yamlText) user(n ast.Node, g *Guest) {
	s, ok := y.scalar(n, "The user")
	if !ok {
		return
	}
	if !userName.MatchString(s) {
		y.fail(n, fmt.Sprintf("%s can't be the name of an account.", quote(s)), "Use lower-case letters, digits, “_” and “-”.")
		return
	}
	g.User = s
}

func (y *yamlText) desktop(n ast.Node, g *Guest) {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		y.fail(n, "desktop is yes or no.", "Write “true” or “false”.")
		return
	}
	g.Desktop = b.Value
}

// openMirror is what a course may open for its guests.
const openMirror = "mirror"

// network reads what guests may reach beyond themselves: nothing unless the
// author opens it.
func (y *yamlText) network(n ast.Node, d *defaults) {
	y.fields(n, "network", map[string]func(ast.Node){
		"open": func(n ast.Node) { d.mirror = y.open(n) },
	})
}

// open reads a list of names; an empty one closes what course.yaml opens.
func (y *yamlText) open(n ast.Node) (mirror bool) {
	if s, ok := n.(*ast.SequenceNode); ok && len(s.Values) == 0 {
		return false
	}
	nodes, ok := y.list(n, "open")
	if !ok {
		return false
	}
	for _, n := range nodes {
		s, ok := y.scalar(n, "What is opened")
		switch {
		case !ok:
		case s == openMirror:
			mirror = true
		default:
			y.fail(n, fmt.Sprintf("%s can't be opened.", quote(s)), "Only “mirror” can: the gateway's package mirror.")
		}
	}
	return mirror
}

// opened gives the same guests with or without the way to the mirror.
func opened(guests []Guest, mirror bool) []Guest {
	guests = slices.Clone(guests)
	for i := range guests {
		guests[i].Mirror = mirror
	}
	return guests
}
