package content

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"
)

// schemes are those that links may have.
var schemes = []string{"ftp", "http", "https", "mailto"}

// pictureTypes are the endings of files that browsers show as pictures.
var pictureTypes = []string{".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"}

// reference is a link to an id that may not be known yet.
type reference struct {
	tutorial   string
	id         string
	at, length int
}

// unescape resolves backslashes and character references as CommonMark does
// for text.
func unescape(text []byte) []byte {
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(text)))
}

// inlines checks what stands in a paragraph, heading or cell, and settles
// where its links lead.
func (c *compiler) inlines(block ast.Node) {
	var open []openTag
	_ = ast.Walk(block, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			n.Destination = c.destination(n.Destination, c.linkSpan(n.Pos(), n.Destination), false)
		case *ast.Image:
			at := c.linkSpan(n.Pos(), n.Destination)
			if strings.TrimSpace(c.plainText(n)) == "" {
				c.failPage(at, "This picture has no alternative text.", "Write what it shows between the brackets: ![a tree of folders](…).")
			}
			n.Destination = c.destination(n.Destination, at, true)
		case *ast.AutoLink:
			if n.AutoLinkType == ast.AutoLinkURL {
				address := n.URL(c.source)
				c.destination(address, c.linkSpan(n.Pos(), address), false)
			}
		case *ast.RawHTML:
			open = c.rawHTML(n, open)
		case *formula:
			c.formula(n)
		}
		return ast.WalkContinue, nil
	})
	c.unclosedTags(open)
}

// linkSpan gives the place of a link's target, or of the link's start where
// the target stands elsewhere.
func (c *compiler) linkSpan(start int, target []byte) span {
	start = max(start, 0)
	window := c.page.text[start:min(len(c.page.text), start+4096)]
	if i := strings.Index(window, string(target)); i > 0 && len(target) > 0 {
		return span{start + i, start + i + len(target)}
	}
	return span{start, min(start+1, len(c.page.text))}
}

// destination checks a link's target and gives the address for the page.
func (c *compiler) destination(raw []byte, at span, picture bool) []byte {
	if c.src.full() {
		return nil // each broken link would look into folders
	}
	target := string(util.ResolveEntityNames(util.ResolveNumericReferences(raw)))
	address, problem, mend := c.resolve(target, at, picture)
	if problem != "" {
		c.failPage(at, problem, mend)
		return nil
	}
	// The renderer resolves references once more.
	return []byte(strings.ReplaceAll(address, "&", "&amp;"))
}

func (c *compiler) resolve(target string, at span, picture bool) (address, problem, mend string) {
	what := "link"
	if picture {
		what = "picture"
	}
	shown := quote(c.page.written(target))
	switch {
	case target == "":
		return "", fmt.Sprintf("This %s has no target.", what), ""
	case strings.ContainsFunc(target, unicode.IsControl) || strings.Contains(target, `\`):
		return "", fmt.Sprintf("The target %s has characters that no address has.", shown), "Write “/” between folders."
	}
	head := target
	if i := strings.IndexAny(target, "/?#"); i >= 0 {
		head = target[:i]
	}
	scheme, _, absolute := strings.Cut(head, ":")
	switch {
	case absolute && picture:
		return "", "Pictures of other sites are not shown.", "Put the picture beside the tutorial."
	case absolute && !slices.Contains(schemes, strings.ToLower(scheme)):
		return "", fmt.Sprintf("A link can't lead to %s.", shown), "Known are " + strings.Join(schemes, ", ") + "."
	case absolute:
		return target, "", ""
	case strings.HasPrefix(target, "/"):
		return "", fmt.Sprintf("The target %s leads out of the course.", shown), "Start from the tutorial's folder, or write the whole address with https://."
	case picture || !strings.HasPrefix(target, "#"):
		return c.relative(target, at, picture)
	}
	c.refer(c.tutorial.ID, target[1:], at)
	return target, "", ""
}

// fileAt is the file in which a piece of the page stands.
func (c *compiler) fileAt(at span) string {
	file, _ := c.src.where(c.page.file(at.start))
	return file
}

func (c *compiler) refer(tutorial, id string, at span) {
	start := c.page.file(at.start)
	c.references = append(c.references, reference{tutorial, c.page.written(id), start, c.page.file(at.stop) - start})
}

// relative resolves a target within the course: another tutorial or a file.
func (c *compiler) relative(target string, at span, picture bool) (address, problem, mend string) {
	shown := quote(c.page.written(target))
	u, err := url.Parse(target)
	if err != nil {
		return "", fmt.Sprintf("The target %s can't be read.", shown), ""
	}
	if c.page.count(u.Path) > 0 {
		return "", fmt.Sprintf("The file %s would be another for each student.", shown), "Write its name without holes."
	}
	folder, file := inTranslation(c.fileAt(at))
	name := path.Join(path.Dir(file), u.Path)
	if id := c.tutorialAt(name); id != "" && !picture {
		if u.Fragment == "" {
			return id, "", ""
		}
		c.refer(id, u.Fragment, at)
		return id + "#" + u.Fragment, "", ""
	}
	if picture && !slices.Contains(pictureTypes, strings.ToLower(path.Ext(name))) {
		return "", fmt.Sprintf("%s is not a picture that browsers show.", shown), "Known are " + strings.Join(pictureTypes, ", ") + "."
	}
	below, inside := strings.CutPrefix(name, tutorialsDir+"/")
	if !inside || strings.HasPrefix(below, ".") || strings.Contains(below, "/.") || strings.EqualFold(path.Ext(name), ".md") {
		return "", fmt.Sprintf("There is no tutorial or file %s.", shown), "Files that pages show must be in the folder “tutorials”; hidden files and Markdown are never sent."
	}
	if near := c.loader.nearest(folder, name); near != name {
		name, below = near, folder+below
	}
	info, err := fs.Stat(c.loader.fsys, name)
	if err != nil || !info.Mode().IsRegular() || c.loader.symbolic(name) {
		return "", fmt.Sprintf("There is no file %s.", shown), DidYouMean(path.Base(name), c.siblings(name, ""))
	}
	if _, known := c.loader.digests[name]; !known {
		if _, ok := c.loader.read(name, maxFile); !ok {
			return "", fmt.Sprintf("The file %s can't be read.", shown), ""
		}
	}
	if c.tutorial.Files == nil {
		c.tutorial.Files = map[string]string{}
	}
	c.tutorial.Files[below] = name
	to := url.URL{Path: path.Join(c.tutorial.ID, "files", below), Fragment: u.Fragment}
	return to.String(), "", ""
}

// symbolic says whether a file is reached by a symbolic link, which may lead
// out of the course.
func (l *loader) symbolic(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		info, err := fs.Lstat(l.fsys, name)
		if err != nil || info.Mode()&fs.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

// maxFile is how many bytes a picture or another linked file may have.
const maxFile = 32 << 20

// tutorialAt gives the ID of the tutorial whose file or folder this is.
func (c *compiler) tutorialAt(name string) string {
	for id, file := range c.loader.tutorials {
		if file == name || path.Join(tutorialsDir, id) == name {
			return id
		}
	}
	return ""
}

// siblings are the names beside a file, for "did you mean": those with an
// ending, or all that pages may link to.
func (c *compiler) siblings(name, ending string) []string {
	entries, _ := fs.ReadDir(c.loader.fsys, path.Dir(name))
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && len(names) < 20 && !strings.HasPrefix(e.Name(), ".") &&
			(ending == "" && path.Ext(e.Name()) != ".md" || ending != "" && path.Ext(e.Name()) == ending) {
			names = append(names, e.Name())
		}
	}
	return names
}

// checkReferences refuses links to ids that no page of the course has.
func checkReferences(compiled, course []*compiler) {
	pages := map[string]*compiler{}
	for _, c := range course {
		pages[c.tutorial.ID] = c
	}
	for _, c := range compiled {
		for _, r := range c.references {
			to, ok := pages[r.tutorial]
			if !ok {
				continue // refused for reasons of its own
			}
			if _, ok := to.ids[r.id]; ok {
				continue
			}
			var ids []string
			for id := range to.ids {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			c.src.fail(r.at, r.length, fmt.Sprintf("The tutorial %s has nothing with the id %s.", quote(r.tutorial), quote(r.id)), DidYouMean(r.id, ids))
		}
	}
}
