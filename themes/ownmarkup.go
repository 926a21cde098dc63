package themes

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
)

// A course's template is HTML that its author wrote, on pages where others are
// signed in. It is read here tag by tag, on each way through its cases, and
// what is not known to be harmless is refused. html/template, which escapes
// what comes from data, trusts the words between.

// Where in HTML a place is.
const (
	inText  = iota
	inName  // of a tag
	inTag   // between attributes
	inAttr  // in an attribute's name
	afterEq // before its value
	inValue
)

// place is how far the reading of HTML has come.
type place struct {
	in      int
	closing bool
	name    string // of the tag, or what there is of it
	attr    string
	quote   byte
	value   string // so far; NUL for what comes from data
	holes   string // the pipelines of these
	glued   bool   // the next byte must end a name
	start   parse.Pos
}

// same says whether two ways end at the same place.
func (p place) same(q place) bool {
	return p.in == q.in && p.closing == q.closing && p.name == q.name && p.attr == q.attr && p.quote == q.quote
}

// reader reads the blocks of one file.
type reader struct{ check *ownCheck }

func (m *reader) fail(at parse.Pos, length int, message, mend string) *Problem {
	return m.check.fail(at, length, message, mend)
}

// walk reads a list from a place on, and gives the place where it ends.
func (m *reader) walk(list *parse.ListNode, p place) place {
	if list == nil {
		return p
	}
	for _, n := range list.Nodes {
		before := len(m.check.problems)
		switch n := n.(type) {
		case *parse.TextNode:
			p = m.text(n, p)
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				p = m.hole(n, p)
			}
		case *parse.IfNode:
			p = m.branch(&n.BranchNode, p)
		case *parse.WithNode:
			p = m.branch(&n.BranchNode, p)
		case *parse.RangeNode:
			p = m.branch(&n.BranchNode, p)
		case *parse.TemplateNode:
			if p = m.pause(p, n.Pos); p.in != inText && (p.in != inTag || n.Name != "check-data" || p.glued) {
				m.fail(n.Pos, len(n.Name)+2, "A block is drawn within a tag.", "Draw it beside.")
			}
		case *parse.BreakNode, *parse.ContinueNode:
			if p.in != inText {
				m.fail(n.Position(), 1, "A loop is left within a tag.", "Leave it beside.")
			}
		}
		if len(m.check.problems) > before && p.in != inText {
			p = place{} // what follows would be misread
		}
	}
	return m.pause(p, list.Pos)
}

// pause is the place where a case begins or ends: names are whole there.
func (m *reader) pause(p place, at parse.Pos) place {
	switch p.in {
	case inName:
		m.tagNamed(p, at)
		p.in, p.glued = inTag, true
	case inAttr:
		m.attrNamed(p)
		p.in, p.glued, p.attr = inTag, true, ""
	}
	return p
}

// branch reads both cases, which must end at the same place.
func (m *reader) branch(b *parse.BranchNode, p place) place {
	p = m.pause(p, b.Pos)
	if p.in == afterEq || p.in == inValue && addresses[p.attr] != "" {
		m.fail(b.Pos, 1, "An address can't have cases in it.", "Put the cases around the element.")
		return place{}
	}
	before := len(m.check.problems)
	one, other := m.walk(b.List, p), m.walk(b.ElseList, p)
	if !one.same(other) && len(m.check.problems) == before {
		m.fail(b.Pos, 1, "One case ends within a tag, the other does not.", "Let each case open and close the same.")
		return place{}
	}
	if b.NodeType == parse.NodeRange && !one.same(p) && len(m.check.problems) == before {
		m.fail(b.Pos, 1, "A loop's turn ends within a tag.", "Close it.")
		return place{}
	}
	one.glued = one.glued || other.glued
	return one
}

// hole reads something that comes from data.
func (m *reader) hole(n *parse.ActionNode, p place) place {
	switch p.in {
	case inText:
	case inValue:
		p.value += "\x00"
		p.holes += n.Pipe.String() + "\x00"
	default:
		m.fail(n.Pos, len(n.Pipe.String()), "Tags and attributes can't come from data.", "Write it out, and put data between quotes.")
	}
	return p
}

func (m *reader) text(n *parse.TextNode, p place) place {
	for i, b := range n.Text {
		at := n.Pos + parse.Pos(i)
		before := len(m.check.problems)
		p = m.char(b, at, n.Text[i:], p)
		if len(m.check.problems) > before && p.in != inText {
			return place{}
		}
	}
	return p
}

func white(b byte) bool { return b == ' ' || b == '\n' || b == '\t' }

// char reads one byte.
func (m *reader) char(b byte, at parse.Pos, rest []byte, p place) place {
	if p.glued && !white(b) && b != '>' && b != '/' {
		m.fail(at, 1, "A name goes on after a case.", "Put a space before.")
	}
	p.glued = false
	switch p.in {
	case inText:
		if b == '<' {
			p = place{in: inName, start: at}
			switch {
			case len(rest) > 1 && (rest[1] == '!' || rest[1] == '?'):
				m.fail(at, 2, "Comments and declarations don't belong into a block.", "Write comments as {{/* … */}}.")
			case len(rest) < 2 || rest[1] != '/' && !letter(rest[1]):
				m.fail(at, 1, "No tag begins here.", "Write &lt; for the character.")
			}
		}
	case inName:
		switch {
		case b == '/' && p.name == "" && !p.closing:
			p.closing = true
		case len(p.name) < longestName && (letter(b) || p.name != "" && b >= '0' && b <= '9'):
			p.name += strings.ToLower(string(b))
		default:
			m.tagNamed(p, at)
			p.in = inTag
			return m.char(b, at, rest, p)
		}
	case inTag:
		p.attr, p.value, p.holes = "", "", ""
		switch {
		case b == '>':
			p = place{}
		case white(b), b == '/':
		case p.closing || !letter(b):
			m.fail(at, 1, "This does not belong into a tag.", "")
		default:
			p.in, p.attr, p.start = inAttr, strings.ToLower(string(b)), at
		}
	case inAttr:
		switch {
		case b == '=':
			m.attrNamed(p)
			p.in = afterEq
		case len(p.attr) < longestName && (letter(b) || b == '-' || b >= '0' && b <= '9'):
			p.attr += strings.ToLower(string(b))
		default:
			m.attrNamed(p)
			p.in = inTag
			return m.char(b, at, rest, p)
		}
	case afterEq:
		if b != '"' && b != '\'' {
			m.fail(at, 1, "A value stands between quotes.", "")
		}
		p.in, p.quote = inValue, b
	case inValue:
		switch b {
		case p.quote:
			m.valued(p)
			p.in, p.attr, p.quote = inTag, "", 0
		case '<':
			m.fail(at, 1, "The character does not belong into a value.", "Write &lt;.")
		default:
			if p.looked() {
				p.value += string([]byte{b})
			}
			if len(p.value) > longestAddress {
				m.fail(p.start, len(p.attr), fmt.Sprintf("This address has more than %d bytes.", longestAddress), "Draw it simpler, or by style.css.")
			}
		}
	}
	return p
}

const (
	longestName    = 40
	longestAddress = 8 << 10
)

// looked says whether it matters what the value is.
func (p place) looked() bool {
	return addresses[p.attr] != "" || wired[p.attr] != nil || p.attr == "method" || p.attr == "type"
}

func letter(b byte) bool { return 'a' <= b|0x20 && b|0x20 <= 'z' }

func (m *reader) tagNamed(p place, at parse.Pos) {
	if elements[p.name] {
		return
	}
	m.fail(p.start, int(at-p.start), fmt.Sprintf("A theme has no <%s>.", p.name), "Themes run no scripts, load nothing and embed nothing; their styles stand in style.css.")
}

func (m *reader) attrNamed(p place) {
	switch {
	case attributes[p.attr], strings.HasPrefix(p.attr, "aria-"), strings.HasPrefix(p.attr, "data-"), addresses[p.attr] != "":
	case p.attr == "style":
		m.fail(p.start, len(p.attr), "The pages' policy forbids styles in attributes.", "Give the element a class, and write its style into style.css.")
	case strings.HasPrefix(p.attr, "on"):
		m.fail(p.start, len(p.attr), "A theme runs no scripts.", "Leave it out.")
	case slices.Contains([]string{"action", "formaction", "form", "formmethod", "formtarget", "ping", "srcdoc"}, p.attr):
		m.fail(p.start, len(p.attr), "Forms and buttons of a theme send nothing.", "Leave it out.")
	default:
		m.fail(p.start, len(p.attr), fmt.Sprintf("A theme has no attribute “%s”.", p.attr), "Leave it out.")
	}
}

// scheme begins an address of elsewhere.
var scheme = regexp.MustCompile(`^(?i)([a-z][a-z0-9+.-]*:|//)`)

// fromPage is what may stand in an address: what the page's data hold.
var fromPage = regexp.MustCompile(`^(\$?(\.[A-Za-z]+)+|asset "[a-z.-]+")$`)

// valued looks at a whole value.
func (m *reader) valued(p place) {
	static := strings.ToLower(html.UnescapeString(p.value))
	bad := func(message, mend string) { m.fail(p.start, len(p.attr), message, mend) }
	if want, ok := wired[p.attr]; ok {
		if p.value != "\x00" || !slices.Contains(want, strings.TrimSuffix(p.holes, "\x00")) {
			bad("The page's scripts load what this names.", fmt.Sprintf("Write %s=\"{{%s}}\".", p.attr, want[0]))
		}
		return
	}
	if p.attr == "method" && static != "dialog" {
		bad("Forms of a theme send nothing.", "Leave it out.")
	}
	if p.attr == "type" && static == "image" {
		bad("Buttons of a theme load nothing.", "Leave it out.")
	}
	kind := addresses[p.attr]
	if kind == "" {
		return
	}
	for _, hole := range strings.Split(strings.TrimSuffix(p.holes, "\x00"), "\x00") {
		if p.holes != "" && !fromPage.MatchString(hole) && (hole != "." || p.value != "\x00") {
			bad("An address is made of what the page holds.", "Write {{.Href}} or the like.")
		}
	}
	there := scheme.FindString(static)
	switch {
	case strings.ContainsFunc(static, func(r rune) bool { return r != 0 && r <= ' ' || r == '\\' }):
		bad("There is a character in this address that does not belong there.", "")
	case there == "":
	case p.holes != "":
		bad("What the page holds is not told to another site.", "Leave it out of the address.")
	case kind == "load" && !strings.HasPrefix(static, "data:image/"):
		bad("A theme fetches nothing.", "Write the picture into the address as data:image/svg+xml,….")
	case kind == "link" && !slices.Contains([]string{"http:", "https:", "mailto:", "//"}, there):
		bad("This kind of address is not used in courses.", "")
	}
}

// addresses are the attributes that hold one, and whether the browser loads it.
var addresses = map[string]string{"href": "link", "cite": "link", "src": "load"}

// wired are attributes by which scripts find what they load.
var wired = map[string][]string{
	"data-api": {".API", "$.API"}, "data-maths": {`asset "maths.js"`}, "data-maths-style": {`asset "maths.css"`},
	"data-diagram": {`asset "diagram.js"`}, "data-novnc": {`asset "novnc.js"`},
}

func set(all string) map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(all) {
		m[name] = true
	}
	return m
}

var elements = set(`a abbr address article aside b bdi bdo blockquote br button caption cite code col colgroup dd del details dfn dialog div
	dl dt em fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr i img input ins kbd label legend li main mark meter
	nav noscript ol option output p pre progress q rp rt ruby s samp section select small span strong sub summary sup table tbody td
	textarea tfoot th thead time tr u ul var wbr svg g path circle ellipse line polyline polygon rect use defs symbol`)

var attributes = set(`id class title lang dir role tabindex hidden datetime alt width height hreflang type name value checked selected disabled
	for placeholder min max step low high optimum maxlength rows cols required readonly multiple autocomplete autocapitalize spellcheck
	inputmode novalidate open start reversed colspan rowspan scope headers method draggable translate loading
	viewbox d x y x1 x2 y1 y2 cx cy r rx ry fill stroke stroke-width stroke-linecap stroke-linejoin transform points focusable
	fill-rule clip-rule opacity preserveaspectratio`)
