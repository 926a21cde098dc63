package image

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// RecipeError says what is wrong in a recipe and where.
type RecipeError struct {
	File string
	// Line and Column count from 1; Line is 0 when the whole file is meant.
	Line, Column int
	// Source is the line as written.
	Source  string
	Message string
}

// Error gives place and message, then the line with a caret below the place.
func (e *RecipeError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	text := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	if e.Source == "" {
		return text
	}
	return fmt.Sprintf("%s\n    %s\n    %s^", text, e.Source, indent(e.Source, e.Column))
}

// indent is the white space in front of column, with the line's own tabs.
func indent(line string, column int) string {
	var b strings.Builder
	for i, r := range []rune(line) {
		if i >= column-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	return b.String()
}

// at makes an error for a place in source. A line beyond the end is taken
// back to the last one, which is where something is missing then.
func at(file string, source []byte, line, column int, message string) *RecipeError {
	lines := strings.Split(strings.TrimRight(string(source), "\n"), "\n")
	line = max(1, min(line, len(lines)))
	return &RecipeError{File: file, Line: line, Column: max(1, column),
		Source: strings.TrimRight(lines[line-1], "\r"), Message: message}
}

// fromYAML turns an error of the YAML library into ours.
func fromYAML(file string, source []byte, err error) *RecipeError {
	var located yaml.Error
	if !errors.As(err, &located) || located.GetToken() == nil || located.GetToken().Position == nil {
		return &RecipeError{File: file, Message: err.Error()}
	}
	place := located.GetToken().Position
	message := located.GetMessage()
	var mistyped *yaml.TypeError
	var misshapen *yaml.UnexpectedNodeTypeError
	switch {
	case errors.As(err, &mistyped):
		message = authorsWords.Replace(fmt.Sprintf("a %s stands where a %s should", mistyped.SrcType.Kind(), mistyped.DstType.Kind()))
	case errors.As(err, &misshapen):
		message = authorsWords.Replace(message)
	}
	return at(file, source, place.Line, place.Column, message)
}

// authorsWords puts YAML's and Go's words for kinds of values into those of
// whoever writes a recipe.
var authorsWords = strings.NewReplacer("sequence", "list", "slice", "list", "mapping", "block of fields",
	"map", "block of fields", "struct", "block of fields", "string", "text", "float64", "number", "uint64", "number",
	"int64", "number", "int", "number", "bool", "true or false")

// problem is a finding of the check, at a YAML path such as $.files[0].path.
type problem struct {
	path    string
	message string
}

// locate gives the problem its line. A field that is missing is reported at
// what should hold it.
func (p *problem) locate(file string, source []byte, tree *ast.File) *RecipeError {
	for path := p.path; path != "$"; path = parent(path) {
		query, err := yaml.PathString(path)
		if err != nil {
			continue
		}
		node, err := query.FilterFile(tree)
		if err != nil || node == nil || node.GetToken() == nil {
			continue
		}
		place := node.GetToken().Position
		return at(file, source, place.Line, place.Column, p.message)
	}
	return &RecipeError{File: file, Message: p.message}
}

func parent(path string) string {
	return path[:strings.LastIndexAny(path, ".[")]
}
