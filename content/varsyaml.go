package content

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// varName is a shell variable in lower case, so that no author overwrites
// PATH or HOME.
var varName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)

var intRange = regexp.MustCompile(`^(-?[0-9]{1,18})\s*-\s*(-?[0-9]{1,18})$`)

const (
	maxVars   = 100
	maxHex    = 256
	maxChoice = 200 // bytes

	maxWords    = 12
	maxPassword = 64
	maxCount    = 1000
)

// vars reads what is drawn for each student.
func (y *yamlText) vars(n ast.Node) []Var {
	var vars []Var
	drawn := 0
	for _, e := range y.mapping(n, "vars") {
		if !varName.MatchString(e.name) {
			y.fail(e.key, fmt.Sprintf("%s can't be a variable's name.", quote(e.name)), "Use lower-case letters, digits and “_”, a letter first.")
			continue
		}
		if len(vars) == maxVars {
			y.fail(e.key, fmt.Sprintf("More than %d variables.", maxVars), "")
			break
		}
		v := y.variable(e)
		if drawn += v.Count; drawn > maxDrawn {
			y.fail(e.key, fmt.Sprintf("All lists together have more than %d values.", maxDrawn), "Draw fewer, or draw one value and make the rest of it in a setup.")
			break
		}
		vars = append(vars, v)
	}
	return vars
}

func (y *yamlText) variable(e entry) Var {
	v := Var{Name: e.name}
	kinds := 0
	kind := func(read func(ast.Node, *Var)) func(ast.Node) {
		return func(n ast.Node) {
			kinds++
			read(n, &v)
		}
	}
	var count ast.Node
	before := len(y.src.findings)
	y.fields(e.value, "A variable", map[string]func(ast.Node){
		"int":      kind(y.intVar),
		"choice":   kind(y.choiceVar),
		"hex":      kind(y.lengthVar("hex", "digits", 1, maxHex, func(v *Var) *int { return &v.Hex })),
		"words":    kind(y.lengthVar("words", "words", 1, maxWords, func(v *Var) *int { return &v.Words })),
		"password": kind(y.lengthVar("password", "characters", 4, maxPassword, func(v *Var) *int { return &v.Password })),
		"ip":       kind(y.ipVar),
		"date":     kind(y.dateVar),
		"line":     kind(y.lineVar),
		"count":    func(n ast.Node) { count = n },
	})
	if len(y.src.findings) > before {
		return v
	}
	if kinds != 1 {
		y.fail(e.key, "A variable is drawn in exactly one way.", "Write {int: 1-6}, {choice: [red, blue]} or {hex: 8}; docs/format.md has more.")
	} else if count != nil {
		y.count(count, &v)
	}
	return v
}

func (y *yamlText) intVar(n ast.Node, v *Var) {
	s, ok := y.scalar(n, "int")
	if !ok {
		return
	}
	m := intRange.FindStringSubmatch(s)
	if m == nil {
		y.fail(n, fmt.Sprintf("%s is not a range of whole numbers.", quote(s)), "Write the least and the greatest: 8000-8999.")
		return
	}
	low, _ := strconv.ParseInt(m[1], 10, 64)
	high, _ := strconv.ParseInt(m[2], 10, 64)
	if low > high {
		y.fail(n, fmt.Sprintf("The range %s ends before it starts.", quote(s)), fmt.Sprintf("Write %d-%d.", high, low))
		return
	}
	v.Int = &IntRange{Min: low, Max: high}
}

func (y *yamlText) choiceVar(n ast.Node, v *Var) {
	nodes, ok := y.list(n, "choice")
	if !ok {
		return
	}
	for _, n := range nodes {
		s, ok := y.scalar(n, "A choice")
		switch {
		case !ok:
		case strings.ContainsFunc(s, unicode.IsControl) || len(s) > maxChoice:
			y.fail(n, "A choice is one short line of text.", "")
		case slices.Contains(v.Choice, s):
			y.fail(n, fmt.Sprintf("The choice %s stands here twice.", quote(s)), "Keep one of them.")
		default:
			v.Choice = append(v.Choice, s)
		}
	}
}

// lengthVar reads how long something is to be.
func (y *yamlText) lengthVar(name, what string, least, most int, into func(*Var) *int) func(ast.Node, *Var) {
	return func(n ast.Node, v *Var) {
		s, ok := y.scalar(n, name)
		if !ok {
			return
		}
		length, err := strconv.Atoi(s)
		if err != nil || length < least || length > most {
			y.fail(n, fmt.Sprintf("%s is not a number of %s from %d to %d.", quote(s), what, least, most), "")
			return
		}
		*into(v) = length
	}
}
