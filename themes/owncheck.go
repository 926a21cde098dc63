package themes

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
)

// ownCheck looks through one file of a course's templates.
type ownCheck struct {
	file     OwnTemplate
	trees    map[string]*parse.Tree // of the file
	ours     map[string]*parse.Tree // that it may change or use
	problems []Problem
}

func (c *ownCheck) fail(offset parse.Pos, length int, message, mend string) *Problem {
	c.problems = append(c.problems, Problem{Path: c.file.Path, Offset: int(offset), Length: length, Message: message, Mend: mend})
	return &c.problems[len(c.problems)-1]
}

// block is fail for a whole block, at its name.
func (c *ownCheck) block(name, message, mend string) *Problem {
	before := c.file.Text[:c.trees[name].Root.Pos]
	return c.fail(parse.Pos(max(0, strings.LastIndex(before, name))), len(name), message, mend)
}

func (c *ownCheck) all() {
	for _, name := range slices.SortedFunc(maps.Keys(c.trees), func(a, b string) int { return cmp.Compare(c.trees[a].Root.Pos, c.trees[b].Root.Pos) }) {
		root := c.trees[name].Root
		if name == c.file.Path {
			c.outside(root)
			continue
		}
		c.named(name)
		m := &reader{check: c}
		if end := m.walk(root, place{}); end.in != inText {
			c.block(name, fmt.Sprintf("The block “%s” ends within a tag.", name), "Close it.")
		}
		c.calls(root)
		if c.endless(name, nil) {
			c.block(name, fmt.Sprintf("The block “%s” draws itself again, without end.", name), "")
		}
	}
}

// outside refuses what stands in no block: it would be drawn nowhere.
func (c *ownCheck) outside(root *parse.ListNode) {
	for _, n := range root.Nodes {
		if text, ok := n.(*parse.TextNode); ok && len(strings.TrimSpace(string(text.Text))) == 0 {
			continue
		}
		if at := c.called(n); at != nil {
			// {{block}} outside of blocks defines one, and draws it.
			c.fail(at.Pos, len(at.Name)+2, "A block is defined here, not drawn.", fmt.Sprintf("Write {{define %q}}.", at.Name))
			continue
		}
		text := n.String()
		blank := len(text) - len(strings.TrimLeft(text, " \t\n"))
		c.fail(n.Position()+parse.Pos(blank), 1, "This stands outside of all blocks and would not be drawn.", `Put it between {{define "…"}} and {{end}}.`)
	}
}

func (c *ownCheck) called(n parse.Node) *parse.TemplateNode {
	t, _ := n.(*parse.TemplateNode)
	return t
}

// named refuses blocks that must stay ours, and those that nothing draws.
func (c *ownCheck) named(name string) {
	switch {
	case slices.Contains(fixed, name), c.file.Name == "parts" && (name == "main" || name == "top"):
		c.block(name, fmt.Sprintf("The block “%s” can't be changed here.", name), "")
	case c.ours[name] == nil && !c.uses(name):
		var known []string
		for _, k := range slices.Sorted(maps.Keys(c.ours)) {
			if !slices.Contains(fixed, k) && !slices.Contains(shared, k) && k != c.file.Name {
				known = append(known, k)
			}
		}
		p := c.block(name, fmt.Sprintf("There is no block “%s” to be changed, and nothing draws it.", name), "")
		p.Word, p.Known = name, known
	}
}

// uses says whether one of the file's blocks draws another.
func (c *ownCheck) uses(name string) bool {
	for _, tree := range c.trees {
		if slices.Contains(drawnBy(tree.Root), name) {
			return true
		}
	}
	return false
}

// endless finds a block among those that it draws. "body" is where a part's
// own parts come, which are fewer and fewer.
func (c *ownCheck) endless(name string, above []string) bool {
	if slices.Contains(above, name) {
		return name == above[0]
	}
	tree := c.trees[name]
	if tree == nil {
		tree = c.ours[name]
	}
	if tree == nil || name == "body" {
		return false
	}
	above = append(slices.Clone(above), name)
	return slices.ContainsFunc(drawnBy(tree.Root), func(n string) bool { return c.endless(n, above) })
}

// drawnBy are the names of the blocks that a list draws.
func drawnBy(list *parse.ListNode) (all []string) {
	each(list, func(n parse.Node) {
		if t, ok := n.(*parse.TemplateNode); ok && !slices.Contains(all, t.Name) {
			all = append(all, t.Name)
		}
	})
	return all
}

// each calls visit for every node below a list, pipelines included.
func each(list *parse.ListNode, visit func(parse.Node)) {
	if list == nil {
		return
	}
	branch := func(b *parse.BranchNode) {
		pipe(b.Pipe, visit)
		each(b.List, visit)
		each(b.ElseList, visit)
	}
	for _, n := range list.Nodes {
		visit(n)
		switch n := n.(type) {
		case *parse.ActionNode:
			pipe(n.Pipe, visit)
		case *parse.TemplateNode:
			pipe(n.Pipe, visit)
		case *parse.IfNode:
			branch(&n.BranchNode)
		case *parse.WithNode:
			branch(&n.BranchNode)
		case *parse.RangeNode:
			branch(&n.BranchNode)
		}
	}
}

func pipe(p *parse.PipeNode, visit func(parse.Node)) {
	if p == nil {
		return
	}
	for _, command := range p.Cmds {
		visit(command)
		for _, arg := range command.Args {
			if inner, ok := arg.(*parse.PipeNode); ok {
				pipe(inner, visit)
			}
		}
	}
}

// tagArgument is what may stand for the attributes of the function "tag".
var tagArgument = regexp.MustCompile(`^((id|class)="[\w -]*"( |$))*$`)

// calls refuses functions where they could make more than words. That there
// is no other function the parser has seen.
func (c *ownCheck) calls(root *parse.ListNode) {
	each(root, func(n parse.Node) {
		command, ok := n.(*parse.CommandNode)
		if !ok || len(command.Args) == 0 {
			return
		}
		for i, arg := range command.Args {
			if f, ok := arg.(*parse.IdentifierNode); ok && f.Ident == "tag" && (i > 0 || !harmless(command.Args)) {
				c.fail(command.Pos, len("tag"), "The function “tag” makes plain words here, with an id or a class.", "Write {{tag \"strong\" \"\" …}}.")
			}
		}
	})
}

func harmless(args []parse.Node) bool {
	if len(args) < 3 {
		return false
	}
	name, isText := args[1].(*parse.StringNode)
	attributes, areText := args[2].(*parse.StringNode)
	return isText && areText && slices.Contains([]string{"b", "br", "code", "em", "i", "kbd", "small", "span", "strong"}, name.Text) &&
		tagArgument.MatchString(attributes.Text)
}
