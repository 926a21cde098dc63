package themes

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"github.com/labmark/labmark/themes/words"
)

// Own is what a course lays over the theme, for its own pages. Its author is
// trusted with what these pages say, and with nothing else: see ownmarkup.go.
type Own struct {
	Templates []OwnTemplate
	// Words are the sentences, by the language's tag.
	Words map[string]map[string]words.Entry
}

// OwnTemplate is one file. What it defines takes the place of what the
// template of the same name defines.
type OwnTemplate struct {
	Name string // "course", "tutorial" or "parts"
	Path string // for problems, and not that of another one
	Text string
}

// Problem is something wrong in a template.
type Problem struct {
	Path           string
	Offset, Length int // in bytes of its text
	Message, Mend  string
	// Word is a name that is not known; Known are those that are.
	Word  string
	Known []string
}

// ownPages are the pages of a course, which its templates may change.
var ownPages = []Page{CoursePage{}, TutorialPage{}, PreviewPage{}}

// OwnTemplates are the names that an OwnTemplate may have. Those of parts
// reach all pages of the course.
var OwnTemplates = []string{"course", "tutorial", "parts"}

// shared are the templates that all pages have in common.
var shared = []string{"layout", "parts", "teach", "author"}

// fixed are blocks that stay ours: they load scripts, stand within a tag, or
// hold all others.
var fixed = []string{"layout", "head", "kind", "icons", "body", "check-data", "author"}

// Over is t with a course's own messages and templates, for ownPages alone. It
// is nil if there are problems.
func (t *Theme) Over(own Own) (*Theme, []Problem) {
	o := &overlay{base: t, trees: map[string]map[string]*parse.Tree{}}
	for _, file := range own.Templates {
		o.read(file)
	}
	if len(o.problems) > 0 {
		return nil, o.problems
	}
	over := &Theme{drawn: map[string]*drawing{}, bounded: true, sources: t.sources,
		assets: &assets{names: maps.Clone(t.assets.names), files: map[string][]byte{}}}
	for tag := range t.drawn {
		language := words.In(tag)
		if own.Words[tag] != nil {
			language = language.With(own.Words[tag])
			if err := over.assets.addWords(language); err != nil {
				return nil, []Problem{{Message: err.Error()}}
			}
		}
		d, err := o.bind(over.assets, language)
		if err != nil {
			return nil, []Problem{o.problem(err)}
		}
		over.drawn[tag] = d
	}
	return over, nil
}

// overlay is one Over under way.
type overlay struct {
	base     *Theme
	files    []OwnTemplate
	trees    map[string]map[string]*parse.Tree // by file and block
	problems []Problem
}

// read parses and checks one file.
func (o *overlay) read(file OwnTemplate) {
	whole := func(message string) {
		o.problems = append(o.problems, Problem{Path: file.Path, Message: message, Word: file.Name, Known: OwnTemplates})
	}
	if !slices.Contains(OwnTemplates, file.Name) {
		whole("A course can't change this template.")
		return
	}
	o.files = append(o.files, file)
	trees, err := parse.Parse(file.Path, file.Text, "", "", ownFunctions)
	if err != nil {
		o.problems = append(o.problems, o.problem(err))
		return
	}
	ours, err := o.base.blocks(file.Name)
	if err != nil {
		whole(err.Error())
		return
	}
	c := &ownCheck{file: file, trees: trees, ours: ours}
	c.all()
	o.problems = append(o.problems, c.problems...)
	for name, tree := range trees {
		tick(tree.Root)
		if parse.IsEmptyTree(tree.Root) { // which would leave ours in its place
			quiet, _ := parse.Parse(name, `{{""}}`, "", "")
			trees[name] = quiet[name]
		}
	}
	delete(trees, file.Path) // what stands outside of blocks, which is nothing
	o.trees[file.Name] = trees
}

// blocks are all blocks of a page, or those that pages share.
func (t *Theme) blocks(page string) (map[string]*parse.Tree, error) {
	all := map[string]*parse.Tree{}
	files := shared
	if !slices.Contains(files, page) {
		files = append(slices.Clone(files), page)
	}
	for _, name := range files {
		trees, err := parse.Parse(name, t.sources[name], "", "", ownBuiltins, functions(t.assets, words.In(words.Source)))
		if err != nil {
			return nil, fmt.Errorf("themes: %w", err)
		}
		maps.Copy(all, trees)
	}
	return all, nil
}

// bind is bind for the pages of a course, with what its templates define.
func (o *overlay) bind(assets *assets, language *words.Language) (*drawing, error) {
	base := template.New("").Funcs(functions(assets, language))
	for _, name := range shared {
		if err := parseInto(base, name, o.base.sources); err != nil {
			return nil, err
		}
		if err := o.add(base, name); err != nil {
			return nil, err
		}
	}
	d := &drawing{pages: map[string]*template.Template{}, parts: base}
	for _, p := range ownPages {
		page, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("themes: %w", err)
		}
		if err := parseInto(page, p.template(), o.base.sources); err != nil {
			return nil, err
		}
		if err := o.add(page, p.template()); err != nil {
			return nil, err
		}
		d.pages[p.template()] = page
	}
	return d, nil
}

// add puts a file's blocks in the place of ours. Drawing changes trees, so
// each language gets its own.
func (o *overlay) add(t *template.Template, file string) error {
	for name, tree := range o.trees[file] {
		if _, err := t.AddParseTree(name, tree.Copy()); err != nil {
			return err
		}
	}
	return nil
}

// placed are the errors of the two template packages that name a place.
var placed = regexp.MustCompile(`(?s)^(?:themes: .*?)?(?:html/)?template: ?(.+?):(\d+)(?::(\d+))?: (.*)$`)

// at is what an error of execution stumbled over.
var at = regexp.MustCompile(`(?s)executing ".*?" at <(.*?)>: (.*)$`)

// noField is such an error for a name that a page's data lack.
var noField = regexp.MustCompile(`can't evaluate field (\w+) in type (?:\*|\[\])*themes\.(\w+)`)

// problem gives an error of parsing or drawing its place, if that is in one of
// the course's files.
func (o *overlay) problem(err error) Problem {
	p := Problem{Message: "The template can't be drawn: " + err.Error() + "."}
	if len(o.files) > 0 {
		p.Path = o.files[0].Path
	}
	m := placed.FindStringSubmatch(err.Error())
	i := slices.IndexFunc(o.files, func(f OwnTemplate) bool { return m != nil && f.Path == m[1] })
	if i < 0 {
		return p
	}
	p.Path, p.Message = m[1], "The template can't be read: "+m[4]+"."
	number, _ := strconv.Atoi(m[2])
	lines := strings.SplitAfter(o.files[i].Text, "\n")
	for _, line := range lines[:min(number-1, len(lines))] {
		p.Offset += len(line)
	}
	line := strings.TrimRight(strings.Join(lines[min(number-1, len(lines)):min(number, len(lines))], ""), "\n")
	p.Length = len(line)
	if stumbled := at.FindStringSubmatch(m[4]); stumbled != nil {
		p.Message = "The template can't be drawn: " + stumbled[2] + "."
		if column := strings.Index(line, stumbled[1]); column >= 0 {
			p.Offset, p.Length = p.Offset+column, len(stumbled[1])
		}
	}
	if f := noField.FindStringSubmatch(m[4]); f != nil {
		p.Message = fmt.Sprintf("The page has no “%s” here.", f[1])
		p.Word, p.Known = f[1], fieldsOf(f[2])
	}
	return p
}

// Try draws a page by the course's templates, and says what is wrong with them.
func (t *Theme) Try(own Own, page Page) *Problem {
	var nothing strings.Builder
	err := t.Render(&nothing, page)
	if err == nil {
		return nil
	}
	p := (&overlay{files: own.Templates}).problem(err)
	p.Path = cmp.Or(p.Path, page.template())
	return &p
}
