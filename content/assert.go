package content

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/labmark/labmark/internal/facts"
)

// maxFacts is how many facts an assert block may list.
const maxFacts = 100

// assert compiles a check that is declared: a YAML list of facts.
func (c *compiler) assert(n *fenceBlock, b *block, s script, at place) {
	check := c.worth(b, at)
	n.token = c.page.token(Part{Check: check.ID})
	c.runs(check, b, &s)
	check.Whole = !b.flag("partial", true)
	c.holesInScript(s)
	if strings.TrimSpace(s.text) == "" {
		return // has been told
	}
	y := &yamlText{src: c.src, first: c.src.lineAt(s.at[0]), columns: s.place.columns}
	check.Facts = y.facts(y.parse(s.text), "assert", 0)
}

// facts reads a list of facts.
func (y *yamlText) facts(n ast.Node, what string, depth int) []facts.Fact {
	nodes, ok := n.(*ast.SequenceNode)
	if n == nil {
		return nil
	}
	if !ok || len(nodes.Values) == 0 {
		y.fail(n, fmt.Sprintf("%s must be a list with at least one fact.", what), "Begin each fact with a dash: “- file: /etc/motd”.")
		return nil
	}
	if len(nodes.Values) > maxFacts {
		y.fail(nodes.Values[maxFacts], fmt.Sprintf("More than %d facts.", maxFacts), "Make a second assert of them.")
		return nil
	}
	var list []facts.Fact
	for _, n := range nodes.Values {
		if f, ok := y.fact(n, depth); ok {
			list = append(list, f)
		}
	}
	return list
}

// maxFactDepth is how deep facts may stand in each other.
const maxFactDepth = 4

// fact reads one entry: a kind with its subject, and what is to hold of it.
func (y *yamlText) fact(n ast.Node, depth int) (facts.Fact, bool) {
	if depth > maxFactDepth {
		y.fail(n, "Facts stand in each other too deep here.", "")
		return facts.Fact{}, false
	}
	entries := y.mapping(n, "A fact")
	if len(entries) == 0 {
		return facts.Fact{}, false
	}
	starts := append(facts.Kinds(), "not", "any")
	i := slices.IndexFunc(entries, func(e entry) bool { return slices.Contains(starts, e.name) })
	if i < 0 {
		y.fail(entries[0].key, fmt.Sprintf("There is no fact %s.", quote(entries[0].name)), DidYouMean(entries[0].name, starts))
		return facts.Fact{}, false
	}
	head := entries[i]
	fields := slices.Delete(slices.Clone(entries), i, i+1)
	f, ok := y.subject(head, depth)
	for _, e := range fields {
		if e.name == "message" {
			f.Message, _ = y.text(e.value, "message")
			continue
		}
		if head.name == "not" || head.name == "any" {
			y.fail(e.key, fmt.Sprintf("%s stands beside %s.", quote(e.name), quote(head.name)), "Put it into the fact it belongs to; only message may stand here.")
			continue
		}
		wants := y.wants(f.Kind, e)
		f.Wants = append(f.Wants, wants...)
	}
	if f.Kind == "sysctl" && len(f.Wants) == 0 {
		y.fail(head.key, "A sysctl needs the value that it should have.", "Add “value: 1”.")
	}
	return f, ok
}

// subject reads the entry that says what a fact is about.
func (y *yamlText) subject(e entry, depth int) (f facts.Fact, ok bool) {
	switch e.name {
	case "not":
		inner, ok := y.fact(e.value, depth+1)
		return facts.Fact{Not: &inner}, ok
	case "any":
		any := y.facts(e.value, "any", depth+1)
		return facts.Fact{Any: any}, len(any) > 0
	}
	f.Kind = e.name
	if f.Subject, ok = y.text(e.value, e.name); !ok {
		return f, false
	}
	if err := facts.CheckSubject(f.Kind, f.Subject); err != nil {
		y.fail(e.value, sentence(err), "Write it as in “"+f.Kind+": "+facts.Example(f.Kind)+"”.")
	}
	return f, true
}

// wants reads one field; a header's value is a mapping of several.
func (y *yamlText) wants(kind string, e entry) []facts.Want {
	if kind == "http" && e.name == "header" {
		var wants []facts.Want
		for _, h := range y.mapping(e.value, "header") {
			wants = append(wants, y.want(kind, "header "+h.name, h.value)...)
		}
		return wants
	}
	if known := facts.Fields(kind); !slices.Contains(known, e.name) {
		y.fail(e.key, fmt.Sprintf("A fact on a %s has no %s.", kind, quote(e.name)), DidYouMean(e.name, append(known, "message")))
		return nil
	}
	return y.want(kind, e.name, e.value)
}

func (y *yamlText) want(kind, field string, n ast.Node) []facts.Want {
	value, ok := y.value(n, field, 0)
	if !ok {
		return nil
	}
	if err := facts.CheckValue(kind, field, value); err != nil {
		y.fail(n, sentence(err), "")
		return nil
	}
	return []facts.Want{{Field: field, Value: value}}
}

// value reads what a field is compared with: a text; a list, all of which must
// hold; {not: …} or {any: […]}.
func (y *yamlText) value(n ast.Node, what string, depth int) (v facts.Value, ok bool) {
	if depth > maxFactDepth {
		y.fail(n, "Values stand in each other too deep here.", "")
		return v, false
	}
	switch n := n.(type) {
	case *ast.SequenceNode:
		v.All, ok = y.values(n, what, depth)
		return v, ok
	case *ast.MappingNode, *ast.MappingValueNode:
		y.fields(n, what, map[string]func(ast.Node){
			"not": func(n ast.Node) {
				var inner facts.Value
				if inner, ok = y.value(n, what, depth+1); ok {
					v = facts.Value{Not: &inner}
				}
			},
			"any": func(n ast.Node) {
				var any []facts.Value
				if any, ok = y.values(n, what, depth+1); ok {
					v = facts.Value{Any: any}
				}
			},
		})
		return v, ok
	}
	v.Text, ok = y.text(n, what)
	return v, ok
}

func (y *yamlText) values(n ast.Node, what string, depth int) (list []facts.Value, ok bool) {
	nodes, ok := y.list(n, what)
	for _, n := range nodes {
		v, good := y.value(n, what, depth+1)
		list, ok = append(list, v), ok && good
	}
	return list, ok
}

// text gives a single value as it is written; quotes may hold an empty one.
func (y *yamlText) text(n ast.Node, what string) (string, bool) {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value, true
	}
	if s, ok := n.(*ast.LiteralNode); ok {
		return s.Value.Value, true
	}
	return y.scalar(n, what)
}

// sentence makes a finding's message of an error.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
