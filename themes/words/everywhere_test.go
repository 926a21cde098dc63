package words_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/labmark/labmark/themes/words"
)

// use is one place where the interface says a sentence.
type use struct {
	where, sentence string
	counts, script  bool
}

// source is what the program's sources say, and whatever else is written there
// between quotes: keys that are looked up by other means.
type source struct {
	said    []use
	literal map[string]bool
}

// Whatever templates, scripts and Go say stands in every catalog, in the form
// that is asked for; and a catalog says nothing that nobody asks for.
func TestEveryCatalogHasWhatIsSaid(t *testing.T) {
	s := &source{literal: map[string]bool{}}
	s.templates(t)
	s.scripts(t)
	s.goFiles(t)
	if len(s.said) < 800 {
		t.Errorf("only %d sentences were found in the sources: the test no longer sees them", len(s.said))
	}
	for _, tag := range words.Languages()[1:] {
		catalog, err := words.Read(os.DirFS("."), tag)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range s.said {
			e, ok := catalog[u.sentence]
			switch {
			case !ok:
				t.Errorf("%s: %q is in no catalog of %s", u.where, u.sentence, tag)
			case u.counts != (e.Other != ""):
				t.Errorf("%s: %q is counted there: %v, but not so in the catalog of %s", u.where, u.sentence, u.counts, tag)
			case u.script && !e.Script:
				t.Errorf("%s: %q is said by a script, and is in no catalog script*.yaml of %s", u.where, u.sentence, tag)
			}
		}
	}
	s.needless(t)
}

// needless finds what no source says. What Go puts together from pieces, as by
// fmt.Sprintf, is found by its pieces.
func (s *source) needless(t *testing.T) {
	var all strings.Builder
	for l := range s.literal {
		all.WriteString(verb.ReplaceAllString(strings.ReplaceAll(l, "%q", `"%v"`), "\x00") + "\x00")
	}
	pieces := all.String()
	for sentence := range words.Known() {
		if s.literal[sentence] {
			continue
		}
		bare, _, _ := strings.Cut(sentence, "##")
		for piece := range strings.SplitSeq(verb.ReplaceAllString(bare, "\x00"), "\x00") {
			if piece = strings.TrimSpace(piece); !strings.Contains(pieces, piece) {
				t.Errorf("no source says %q (not the piece %q)", sentence, piece)
				break
			}
		}
	}
}

var verb = regexp.MustCompile(`%[-+# 0-9.*]*[a-zA-Z]|\{[a-z]+\}`)

func (s *source) say(u use) { s.said = append(s.said, u) }

func (s *source) templates(t *testing.T) {
	for _, name := range files(t, "../templates", ".html") {
		text := read(t, name)
		trees := map[string]*parse.Tree{}
		tree := parse.New(name)
		tree.Mode = parse.SkipFuncCheck
		if _, err := tree.Parse(text, "", "", trees); err != nil {
			t.Fatal(err)
		}
		for _, tree := range trees {
			s.node(name, reflect.ValueOf(tree.Root))
		}
	}
}

// node walks a template by reflection: every node there is, of whatever kind.
func (s *source) node(where string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.CanInterface() {
			switch n := v.Interface().(type) {
			case *parse.Tree:
				return
			case *parse.StringNode:
				s.literal[n.Text] = true
			case *parse.CommandNode:
				s.command(where, n)
			}
		}
		s.node(where, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				s.node(where, v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			s.node(where, v.Index(i))
		}
	}
}

// command is {{t "…"}} and its like.
func (s *source) command(where string, n *parse.CommandNode) {
	f, ok := n.Args[0].(*parse.IdentifierNode)
	at := map[string]int{"t": 1, "rich": 1, "count": 3, "richcount": 3}
	if !ok || at[f.Ident] == 0 || len(n.Args) <= at[f.Ident] {
		return
	}
	if text, ok := n.Args[at[f.Ident]].(*parse.StringNode); ok {
		s.say(use{where: where, sentence: text.Text, counts: strings.HasSuffix(f.Ident, "count")})
	}
}

var (
	call   = regexp.MustCompile(`(^|[^\w.])(t|rich|count)\(`)
	quoted = regexp.MustCompile(`'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|` + "`[^`]*`")
	remark = regexp.MustCompile(`(?m)(^|\s)//.*$`)
)

func (s *source) scripts(t *testing.T) {
	for _, name := range files(t, "../src", ".ts") {
		text := remark.ReplaceAllString(read(t, name), "")
		for _, l := range quoted.FindAllString(text, -1) {
			s.literal[unquote(l)] = true
		}
		if filepath.Base(name) == "words.ts" {
			continue
		}
		for _, at := range call.FindAllStringSubmatchIndex(text, -1) {
			f := text[at[4]:at[5]]
			arguments := arguments(text[at[1]:])
			i := 0
			if f == "count" {
				i = 2
			}
			if len(arguments) <= i {
				continue
			}
			for _, l := range quoted.FindAllString(arguments[i], -1) {
				s.say(use{where: name, sentence: unquote(l), counts: f == "count", script: true})
			}
		}
	}
}

// arguments are those of a call, whose text goes on behind its end.
func arguments(text string) (all []string) {
	depth, from := 0, 0
	strings := quoted.FindAllStringIndex(text[:min(len(text), 2000)], -1)
	for i := 0; i < len(text); i++ {
		if len(strings) > 0 && i == strings[0][0] {
			i = strings[0][1]
			strings = strings[1:]
		}
		switch text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return append(all, text[from:i])
			}
		case ',':
			if depth == 0 {
				all, from = append(all, text[from:i]), i+1
			}
		}
	}
	return all
}

func unquote(l string) string {
	return strings.NewReplacer(`\'`, `'`, `\"`, `"`, `\\`, `\`).Replace(l[1 : len(l)-1])
}

func (s *source) goFiles(t *testing.T) {
	for _, dir := range []string{"../../server", "../../checks", "../../lti", "../../internal", "../../content", "../../vmbackend", ".."} {
		names := files(t, dir, ".go")
		names = slices.DeleteFunc(names, func(n string) bool {
			return strings.HasSuffix(n, "_test.go") || strings.Contains(n, "../demo/") || strings.Contains(n, "../sample/") ||
				strings.Contains(n, "/ltitest/")
		})
		for _, name := range names {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool { s.goNode(name, n); return true })
		}
	}
}

func (s *source) goNode(where string, n ast.Node) {
	if e, ok := n.(ast.Expr); ok {
		if text, ok := constant(e); ok {
			s.literal[text] = true
		}
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		name := ""
		switch f := n.Fun.(type) {
		case *ast.SelectorExpr:
			name = f.Sel.Name
		case *ast.Ident:
			name = f.Name
		}
		i, ok := map[string]int{"Say": 0, "sayError": 0, "Count": 2}[name]
		if !ok || len(n.Args) <= i {
			return
		}
		if text, ok := constant(n.Args[i]); ok {
			s.say(use{where: where, sentence: text, counts: name == "Count"})
		}
	case *ast.CompositeLit:
		of, ok := n.Type.(*ast.Ident)
		if !ok || of.Name != "problem" {
			return
		}
		for _, e := range n.Elts {
			if text, ok := constant(e); ok && text != "" {
				s.say(use{where: where, sentence: text})
			}
		}
	}
}

// constant is a text in quotes, or several with "+" between them.
func constant(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.BinaryExpr:
		x, ok := constant(e.X)
		y, too := constant(e.Y)
		return x + y, ok && too && e.Op == token.ADD
	case *ast.ParenExpr:
		return constant(e.X)
	}
	return "", false
}

// files are those below a folder whose names end so.
func files(t *testing.T, dir, ending string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist") {
			return filepath.SkipDir
		}
		if err == nil && !d.IsDir() && strings.HasSuffix(name, ending) {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s below %s: %v", ending, dir, err)
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
