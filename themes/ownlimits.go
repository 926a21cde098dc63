package themes

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"text/template/parse"
)

// What keeps a course's template from running for ever.

const (
	// mostWritten is how many bytes a page of a course's own may have.
	mostWritten = 16 << 20
	// mostSteps is how often such a page may write. A tutorial of 200 blocks
	// writes some 10 000 times.
	mostSteps = 1 << 20
)

var errEndless = errors.New("the page does not come to an end")

// boundedBuffer takes a page up to a size. Loops that write nothing are
// noticed as well, by the writes that tick adds.
type boundedBuffer struct {
	page  bytes.Buffer
	steps int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.steps++; b.steps > mostSteps || b.page.Len()+len(p) > mostWritten {
		return 0, errEndless
	}
	return b.page.Write(p)
}

// tick makes each turn of a loop write, if only nothing.
func tick(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			tick(n.List)
			tick(n.ElseList)
		case *parse.WithNode:
			tick(n.List)
			tick(n.ElseList)
		case *parse.RangeNode:
			tick(n.List)
			tick(n.ElseList)
			n.List.Nodes = slices.Insert(n.List.Nodes, 0, parse.Node(&parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos}))
		}
	}
}

// ownBuiltins are the functions of text/template, for the parser.
var ownBuiltins = names("and", "call", "html", "index", "slice", "js", "len", "not", "or", "print", "printf", "println",
	"urlquery", "eq", "ge", "gt", "le", "lt", "ne")

// ownFunctions are those that a course's templates may call. What makes tags,
// or large texts, is not among them.
var ownFunctions = names("and", "index", "len", "not", "or", "eq", "ge", "gt", "le", "lt", "ne",
	"t", "tr", "count", "asset", "points", "percent", "minutes", "datetime", "when", "inc", "outcome", "standing", "words", "ended",
	"total", "use", "asks", "chosen", "desktopGuest", "inOrder", "left", "machines", "spent", "rich", "richcount", "moment", "strong",
	"gradeState", "gradeWords", "gradeIcon", "given", "tag", "keys")

func names(all ...string) map[string]any {
	m := map[string]any{}
	for _, name := range all {
		m[name] = true
	}
	return m
}

// fieldsOf are the names that a page's data have, by the name of their type.
func fieldsOf(typeName string) []string {
	found := map[string][]string{}
	var look func(reflect.Type)
	look = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || found[t.Name()] != nil {
			return
		}
		found[t.Name()] = []string{}
		for _, f := range reflect.VisibleFields(t) {
			if f.IsExported() {
				found[t.Name()] = append(found[t.Name()], f.Name)
				look(f.Type)
			}
		}
	}
	for _, p := range ownPages {
		look(reflect.TypeOf(p))
	}
	return found[typeName]
}
