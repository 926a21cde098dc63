package content

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxYAML is how many bytes of YAML are read.
const maxYAML = 16 << 10

// yamlText reads a YAML text node by node. A decoder into structs would stop
// at the first thing that is wrong; this one reports all of them, each at its
// place in the file.
type yamlText struct {
	loader *loader // for files that the text names; may be nil
	src    *source
	first  int // the line of the file, from 0, on which the text starts
	// columns are the characters cut off the start of each line, if any are.
	columns []int
}

// parse gives the text's one document; nil after an error, or where the text
// is empty.
func (y *yamlText) parse(text string) (root ast.Node) {
	start := y.src.lines[y.first]
	if len(text) > maxYAML {
		y.src.fail(start, 0, fmt.Sprintf("This is more YAML than is read: at most %d KiB.", maxYAML>>10), "Make it shorter.")
		return nil
	}
	if i := deepYAML(text); i >= 0 {
		y.src.fail(start+i, 1, fmt.Sprintf("More than %d lists and mappings stand in each other here.", maxYAMLDepth), "Close some before.")
		return nil
	}
	defer func() {
		// A fault of the YAML parser must not take the server with it.
		if r := recover(); r != nil {
			y.src.fail(start, 0, "This is not YAML that can be read.", "")
			root = nil
		}
	}()
	file, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil {
			y.failToken(at.GetToken(), "This is not YAML: "+at.GetMessage()+".", "")
		} else {
			y.src.fail(start, 0, "This is not YAML: "+err.Error()+".", "")
		}
		return nil
	}
	if len(file.Docs) > 1 {
		y.fail(file.Docs[1].Body, "A second YAML document starts here.", "Keep to one.")
		return nil
	}
	if len(file.Docs) == 0 {
		return nil
	}
	return file.Docs[0].Body
}

// maxYAMLDepth is how many brackets may be open: the parser's time grows with
// the square of it.
const maxYAMLDepth = 20

// deepYAML gives the place of the first bracket that is one too many, or -1.
// It takes brackets in quoted text for real ones.
func deepYAML(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			if depth++; depth > maxYAMLDepth {
				return i
			}
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return -1
}

func (y *yamlText) fail(n ast.Node, message, mend string) {
	if n == nil || n.GetToken() == nil {
		y.src.fail(y.src.lines[y.first], 0, message, mend)
		return
	}
	at := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 && m.Values[0].Key.GetToken() != nil {
		at = m.Values[0].Key.GetToken() // its own token is a colon
	}
	y.failToken(at, message, mend)
}

func (y *yamlText) failToken(t *token.Token, message, mend string) {
	offset, length := y.place(t)
	y.src.fail(offset, length, message, mend)
}

// place gives where a token stands in the file. YAML counts columns in
// characters.
func (y *yamlText) place(t *token.Token) (offset, length int) {
	if t.Position == nil {
		return y.src.lines[y.first], 0
	}
	n := min(y.first+max(t.Position.Line-1, 0), len(y.src.lines)-1)
	line := y.src.line(n)
	at := 0
	column := t.Position.Column
	if i := t.Position.Line - 1; i >= 0 && i < len(y.columns) {
		column += y.columns[i]
	}
	for i := 1; i < column && at < len(line); i++ {
		_, size := utf8.DecodeRuneInString(line[at:])
		at += size
	}
	return y.src.lines[n] + at, len(t.Value)
}

// entry is one "name: value" of a mapping.
type entry struct {
	name  string
	key   ast.Node
	value ast.Node
}

// mapping gives a mapping's entries, without those that are wrong.
func (y *yamlText) mapping(n ast.Node, what string) []entry {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		y.fail(n, fmt.Sprintf("%s must be a list of “name: value”.", what), "")
		return nil
	}
	var entries []entry
	for _, v := range values {
		name, ok := keyName(v.Key)
		if !ok {
			y.fail(v.Key, "A name is expected here.", "Anchors, merges and other YAML specialities are not used in courses.")
			continue
		}
		if slices.ContainsFunc(entries, func(e entry) bool { return e.name == name }) {
			y.fail(v.Key, fmt.Sprintf("%s stands here twice.", quote(name)), "Keep one of them.")
			continue
		}
		entries = append(entries, entry{name, v.Key, v.Value})
	}
	return entries
}

func keyName(key ast.MapKeyNode) (string, bool) {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode:
		return k.Token.Value, true
	case *ast.BoolNode:
		return k.Token.Value, true
	}
	return "", false
}

// fields reads a mapping whose names are all known.
func (y *yamlText) fields(n ast.Node, what string, read map[string]func(ast.Node)) {
	for _, e := range y.mapping(n, what) {
		if f, ok := read[e.name]; ok {
			f(e.value)
			continue
		}
		known := slices.Sorted(maps.Keys(read))
		y.fail(e.key, fmt.Sprintf("%s has no %s.", what, quote(e.name)), DidYouMean(e.name, known))
	}
}

// scalar gives a single value as it is written. Empty values are refused.
func (y *yamlText) scalar(n ast.Node, what string) (string, bool) {
	s := ""
	switch n := n.(type) {
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.IntegerNode:
		s = n.Token.Value
	case *ast.FloatNode:
		s = n.Token.Value
	case *ast.BoolNode:
		s = n.Token.Value
	case *ast.NullNode, nil:
	default:
		y.fail(n, fmt.Sprintf("%s must be a single value.", what), "")
		return "", false
	}
	if s = strings.TrimSpace(s); s == "" {
		y.fail(n, fmt.Sprintf("%s is empty.", what), "")
		return "", false
	}
	return s, true
}

// list gives a list's values.
func (y *yamlText) list(n ast.Node, what string) ([]ast.Node, bool) {
	s, ok := n.(*ast.SequenceNode)
	if !ok || len(s.Values) == 0 {
		y.fail(n, fmt.Sprintf("%s must be a list with at least one entry.", what), "Write [one, two].")
		return nil, false
	}
	return s.Values, true
}

// oneLine reads a text without line breaks, such as a title.
func (y *yamlText) oneLine(n ast.Node, what string, into *string) {
	s, ok := y.scalar(n, what)
	if !ok {
		return
	}
	s = strings.Join(strings.Fields(s), " ")
	if h, ok := nextHole(s, 0); ok {
		y.fail(n, fmt.Sprintf("%s has a hole %s, but is the same for all students.", what, quote(s[h.start:h.end])), "Put it into the text of a step.")
		return
	}
	*into = s
}
