package content

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Prose that is included becomes part of the tutorial's text before that is
// compiled, so that its blocks are those of the tutorial; the source remembers
// where each line stands (see origin). A file is taken in only if its blocks
// are all closed: it can't close one of the tutorial, nor swallow its rest.

const (
	// maxIncludeDepth is how deeply files may include each other.
	maxIncludeDepth = 4
	// maxIncludes is how many includes one tutorial may have, with those of
	// what it includes.
	maxIncludes = 100
)

// includeStart is what starts an include. Texts without it are not parsed for
// them.
var includeStart = regexp.MustCompile(`:{3,}[ \t]*include\b`)

// including is the taking in of all files of one tutorial.
type including struct {
	loader *loader
	front  front
	count  int
	size   int // bytes of the tutorial so far
}

// piece is a run of lines of one file.
type piece struct {
	path  string
	first int // line, from 0
	text  string
}

// takeIn puts the files that a tutorial includes into its source, from the
// body on.
func (l *loader) takeIn(src *source, f front) {
	body := f.body
	if !includeStart.MatchString(src.text[body:]) {
		return
	}
	x := &including{loader: l, front: f, size: len(src.text)}
	pieces := x.pieces(src, body, []string{src.path})
	var b strings.Builder
	b.WriteString(src.text[:body])
	line := src.lineAt(body)
	var origins []origin
	for _, p := range pieces {
		if p.text == "" {
			continue
		}
		origins = append(origins, origin{line, p.path, p.first})
		line += strings.Count(p.text, "\n")
		b.WriteString(p.text)
	}
	whole := newSource(src.path, []byte(b.String()))
	src.text, src.lines, src.origins = whole.text, whole.lines, origins
}

// pieces gives a file's text from an offset on, with what it includes in place
// of its includes. chain names the files on the way here.
func (x *including) pieces(src *source, from int, chain []string) []piece {
	rest := func(from int) piece { return piece{src.path, src.lineAt(from), src.text[from:]} }
	f := x.front
	f.body = from
	c := newCompiler(x.loader, src, f)
	if _, message, _ := tooMuch(c.page.text); message != "" {
		return []piece{rest(from)} // refused when the whole is compiled
	}
	doc := markdown.Parser().Parse(text.NewReader(c.source))
	if len(chain) > 1 && !c.whole(doc) {
		return nil
	}
	var all []piece
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		block, ok := n.(*container)
		if !ok || !entering || c.page.text[block.word.start:block.word.stop] != "include" {
			return ast.WalkContinue, nil
		}
		taken := x.include(c, block, chain)
		if taken == nil {
			return ast.WalkSkipChildren, nil
		}
		first, last := src.lineAt(c.page.file(block.colons.start)), c.lastLine(block)
		all = append(all, piece{src.path, src.lineAt(from), src.text[from:src.lines[first]]})
		all = append(all, piece{src.path, first, "\n"})
		all = append(all, taken...)
		all = append(all, piece{src.path, last, "\n"})
		from = len(src.text)
		if last+1 < len(src.lines) {
			from = src.lines[last+1]
		}
		return ast.WalkSkipChildren, nil
	})
	return append(all, rest(from))
}

// lastLine gives the line of the “:::” that ends an empty container.
func (c *compiler) lastLine(n *container) int {
	line := c.src.lineAt(c.page.file(n.colons.start)) + 1
	for strings.TrimSpace(c.src.line(line)) == "" {
		line++
	}
	return line
}

// whole refuses a file with blocks that are not closed, or end what it has not
// started.
func (c *compiler) whole(doc ast.Node) bool {
	before := len(c.src.findings)
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *container:
			switch stray := n.stray() && n.rest.start == n.rest.stop; {
			case stray:
				c.failPage(n.colons, "There is no open block that this could close.", "A file that is included closes its own blocks only.")
			case !n.closed:
				c.failPage(span{n.colons.start, n.word.stop}, "This block is not closed in its file.", "End it with a line “:::”.")
			}
		case *fenceBlock:
			if !n.closed {
				c.failPage(n.marker, "This fence is not closed in its file.", "End it with a line like its start.")
			}
		case *formulaBlock:
			if !n.closed {
				c.failPage(n.at, "This formula is not closed in its file.", "End it with a line “$$”.")
			}
		case *ast.HTMLBlock:
			if n.HTMLBlockType == ast.HTMLBlockType2 && !n.HasClosure() && !strings.Contains(string(n.Lines().Value(c.source)), "-->") {
				c.failPage(c.nodeSpan(n), "This comment is not closed in its file.", "End it with “-->”.")
			}
		}
		return ast.WalkContinue, nil
	})
	return len(c.src.findings) == before
}

// include gives what stands for one include, nil after an error.
func (x *including) include(c *compiler, n *container, chain []string) []piece {
	b := c.block(n.word, n.rest)
	for _, key := range []string{"lines", "lang", "title"} {
		if a, ok := b.value(key); ok {
			b.fail(a, fmt.Sprintf("Prose is included whole, without %s.", quote(key)), "Delete it, or show a part of the file as code by “```include”.")
			return nil
		}
	}
	switch {
	case !n.closed:
		b.failWord("This include is not closed.", "End it with a line “:::”.")
		return nil
	case n.HasChildren():
		b.failWord("An include holds nothing.", "Put the text behind its “:::”, or into the file.")
		return nil
	case !withinContainers(n):
		b.failWord("An include can't stand in a list or a quote.", "Put it before or behind.")
		return nil
	}
	a, name, ok := b.file()
	if !ok {
		return nil
	}
	fail := func(message, mend string) []piece {
		b.failValue(a, message, mend)
		return nil
	}
	x.count++
	switch {
	case path.Ext(name) != ".md":
		return fail("Prose is included from Markdown files.", "Name a file *.md, or show this one as code by “```include”.")
	case slices.Contains(chain, name):
		return fail("This file would include itself.", "Leave out one of the includes.")
	case x.loader.tutorialFile(name):
		return fail(fmt.Sprintf("%s is a tutorial.", quote(name)), "Move what both have into a file in a folder, as tutorials/parts/x.md.")
	case len(chain) > maxIncludeDepth:
		return fail(fmt.Sprintf("Files include each other more than %d deep.", maxIncludeDepth), "")
	case x.count > maxIncludes:
		return fail(fmt.Sprintf("The tutorial has more than %d includes.", maxIncludes), "")
	}
	return x.taken(b, a, name, chain)
}

// taken reads a file that is included.
func (x *including) taken(b *block, a attribute, name string, chain []string) []piece {
	raw, ok := x.loader.read(name, maxTutorial)
	if !ok {
		return nil
	}
	if x.size += len(raw); x.size > maxTutorial {
		b.failValue(a, fmt.Sprintf("With this file the tutorial has more than %d KiB.", maxTutorial>>10), "Split the tutorial.")
		return nil
	}
	src := newSource(name, raw)
	defer func() { x.loader.findings = append(x.loader.findings, src.findings...) }()
	if !src.readable() {
		return nil
	}
	if strings.TrimRight(src.line(0), " \t") == fence {
		src.fail(0, len(fence), "This file is included, and takes no front matter.", "Delete it, and what belongs to it.")
		return nil
	}
	if !strings.HasSuffix(src.text, "\n") {
		src.text += "\n"
		src.lines = append(src.lines, len(src.text))
	}
	return x.pieces(src, 0, append(slices.Clip(chain), name))
}

// withinContainers says whether a container stands in none but others.
func withinContainers(n *container) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		if p.Kind() != kindContainer && p.Kind() != ast.KindDocument {
			return false
		}
	}
	return true
}

func (l *loader) tutorialFile(name string) bool {
	for _, file := range l.tutorials {
		if file == name {
			return true
		}
	}
	return false
}

// file reads the name of a file in the folder “tutorials”, which starts from
// the file that names it, and gives its path in the course.
func (b *block) file() (a attribute, name string, ok bool) {
	a, ok = b.required("file")
	if !ok {
		return a, "", false
	}
	at, _ := b.c.src.where(b.at)
	folder, at := inTranslation(at)
	name = path.Join(path.Dir(at), a.value)
	below, inside := strings.CutPrefix(name, tutorialsDir+"/")
	if !inside || strings.HasPrefix(a.value, "/") || strings.HasPrefix(below, ".") || strings.Contains(below, "/.") {
		b.failValue(a, fmt.Sprintf("There is no file %s to include.", quote(a.value)), "Files that are included must be in the folder “tutorials”, and not hidden; paths start from this file.")
		return a, "", false
	}
	name = b.c.loader.nearest(folder, name)
	info, err := fs.Stat(b.c.loader.fsys, name)
	if err != nil || !info.Mode().IsRegular() || b.c.loader.symbolic(name) {
		b.failValue(a, fmt.Sprintf("There is no file %s.", quote(a.value)), DidYouMean(path.Base(name), b.c.siblings(name, path.Ext(name))))
		return a, "", false
	}
	return a, name, true
}

// includeCode compiles a fence that shows a file, or some of its lines.
func (c *compiler) includeCode(n *fenceBlock, b *block) {
	if strings.TrimSpace(string(n.Lines().Value(c.source))) != "" {
		b.failWord("An include holds nothing.", "Delete the lines between its fences.")
	}
	a, name, ok := b.file()
	if !ok {
		return
	}
	if strings.EqualFold(path.Ext(name), ".md") {
		b.failValue(a, "Markdown is not shown as code: it may hold answers.", "Include it as prose by “:::include”.")
		return
	}
	info, err := fs.Stat(c.loader.fsys, name)
	if err == nil && info.Size() > maxTutorial {
		b.failValue(a, fmt.Sprintf("The file is larger than %d KiB.", maxTutorial>>10), "")
		return
	}
	raw, ok := c.loader.read(name, maxTutorial)
	if !ok {
		return
	}
	src := newSource(name, raw)
	if !src.readable() {
		b.failValue(a, "This file is no text that could be shown.", "")
		return
	}
	n.secret = false
	lines := b.fileLines(src)
	c.fills(lines)
	n.code = &shownCode{language: b.language(name), text: c.page.filled(lines, c.declared)}
	n.code.title, _ = b.title("")
}

// language is the file's, by the end of its name, unless the author says it.
func (b *block) language(name string) string {
	a, ok := b.value("lang")
	if !ok {
		return strings.TrimPrefix(path.Ext(name), ".")
	}
	if lexerFor(a.value) == nil {
		b.failValue(a, fmt.Sprintf("%s is no language that is known here.", quote(a.value)), "Write it as after a fence, or leave it out.")
	}
	return a.value
}

// fileLines gives the lines of a file that "lines" names, or all.
func (b *block) fileLines(src *source) string {
	text := strings.TrimSuffix(src.text, "\n")
	a, ok := b.value("lines")
	if !ok {
		return text + "\n"
	}
	lines := strings.SplitAfter(text+"\n", "\n")
	r, ok := b.lineRange(a, a.value, len(lines)-1, "The file")
	if !ok {
		return ""
	}
	return strings.Join(lines[r[0]-1:r[1]], "")
}

// filled gives a text from elsewhere with tokens in place of its holes.
func (p *page) filled(text string, declared func(string) bool) string {
	var b strings.Builder
	for _, part := range splitHoles(text, declared) {
		if part.Var != "" {
			b.WriteString(p.token(Part{Var: part.Var}))
		} else {
			b.WriteString(part.Text)
		}
	}
	return b.String()
}
