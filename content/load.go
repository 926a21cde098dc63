package content

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

const (
	// maxTutorial is how many bytes a tutorial's Markdown may have: some
	// parts of Markdown take time that grows faster than the text.
	maxTutorial = 256 << 10
	// maxCourse bounds the Markdown of all tutorials together, with what they
	// include: it is compiled anew whenever a file changes.
	maxCourse    = 4 << 20
	maxTutorials = 200
	manifestName = "course.yaml"
	tutorialsDir = "tutorials"
)

// Load reads a whole course. It returns all that is wrong at once, and no
// course when one of the findings is an Error. It neither runs scripts nor
// reaches for the network; see Shellcheck for what takes longer.
func Load(fsys fs.FS) (*Course, Findings) {
	l := &loader{fsys: fsys, digests: map[string][sha256.Size]byte{}}
	course := l.load()
	l.findings.sort()
	if l.findings.refuse() {
		return nil, l.findings
	}
	course.fsys = fsys
	course.Revision = l.revision()
	for _, t := range course.translations {
		t.fsys, t.Revision = fsys, course.Revision
	}
	return course, l.findings
}

// loader is one Load under way.
type loader struct {
	fsys      fs.FS
	digests   map[string][sha256.Size]byte
	findings  Findings
	text      int               // bytes of Markdown compiled so far
	tutorials map[string]string // the Markdown file of each tutorial that students get, by ID
}

func (l *loader) load() *Course {
	raw, ok := l.read(manifestName, maxYAML)
	l.tutorials = l.find()
	if !ok {
		return nil
	}
	src := newSource(manifestName, raw)
	defer func() { l.findings = append(l.findings, src.findings...) }()
	if !src.readable() {
		return nil
	}
	m := l.manifest(src)
	var compiled []*compiler
	order := l.order(m)
	maps.DeleteFunc(l.tutorials, func(id, _ string) bool { return !slices.Contains(order, id) })
	for i, id := range order {
		if i == maxTutorials || l.text > maxCourse {
			l.fail(manifestName, fmt.Sprintf("The course has more than %d tutorials, or more than %d MiB of text.", maxTutorials, maxCourse>>20), "Make two courses of it.")
			break
		}
		if c := l.tutorial(id, m.defaults); c != nil {
			compiled = append(compiled, c)
			m.course.Tutorials = append(m.course.Tutorials, c.tutorial)
		}
	}
	checkReferences(compiled, compiled)
	l.translate(m.course, compiled)
	for _, c := range compiled {
		l.findings = append(l.findings, c.src.findings...)
	}
	return m.course
}

func (l *loader) tutorial(id string, d defaults) *compiler {
	file := l.tutorials[id]
	raw, ok := l.read(file, maxTutorial)
	if !ok {
		return nil
	}
	src := newSource(file, raw)
	if !src.readable() {
		l.findings = append(l.findings, src.findings...)
		return nil
	}
	f := l.frontMatter(src, d)
	f.tutorial.ID, f.tutorial.Path = id, file
	l.takeIn(src, f)
	l.text += len(src.text)
	c := newCompiler(l, src, f)
	c.compile()
	return c
}

// read gives a file of at most a number of bytes, and remembers its digest.
func (l *loader) read(name string, most int64) ([]byte, bool) {
	if info, err := fs.Stat(l.fsys, name); err == nil && !info.Mode().IsRegular() {
		l.fail(name, "This is no file but a folder, a pipe or a device.", "Delete it.") // a pipe would be waited for
		return nil, false
	}
	f, err := l.fsys.Open(name)
	if err != nil {
		l.fail(name, "The file can't be read: "+reason(err)+".", "")
		return nil, false
	}
	defer func() { _ = f.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		l.fail(name, "The file can't be read: "+reason(err)+".", "")
		return nil, false
	case int64(len(raw)) > most:
		l.fail(name, fmt.Sprintf("The file is larger than %d KiB.", most>>10), "Split it.")
		return nil, false
	}
	l.digests[name] = sha256.Sum256(raw)
	return raw, true
}

// reason leaves out of a file error what the finding says already.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "it does not exist"
	}
	return err.Error()
}

func (l *loader) fail(file, message, mend string) {
	l.findings = append(l.findings, Finding{Severity: Error, File: file, Length: 1, Message: message, Mend: mend})
}

// find gives the Markdown file of each tutorial: tutorials/ID.md or
// tutorials/ID/index.md.
func (l *loader) find() map[string]string {
	found := map[string]string{}
	entries, err := fs.ReadDir(l.fsys, tutorialsDir)
	if err != nil {
		l.fail(tutorialsDir, "There is no folder of tutorials: "+reason(err)+".", "Write the first as tutorials/ID.md.")
		return found
	}
	for _, e := range entries {
		id, file := strings.CutSuffix(e.Name(), ".md")
		name := path.Join(tutorialsDir, e.Name())
		if e.IsDir() {
			id, name = e.Name(), path.Join(name, "index.md")
			_, err := fs.Stat(l.fsys, name)
			file = err == nil
		}
		if !file || strings.HasPrefix(id, ".") {
			continue
		}
		if !isID(id) {
			l.fail(name, fmt.Sprintf("%s can't be a tutorial's id.", quote(id)), "Rename the file. "+idRule)
		}
		if other, twice := found[id]; twice {
			l.fail(name, fmt.Sprintf("The tutorial %s stands in %s, too.", quote(id), other), "Keep one of them.")
		}
		found[id] = name
	}
	return found
}

// images gives the names of all images that guests may have.
func (l *loader) images() []string {
	names := slices.Clone(builtinImages)
	files, _ := fs.Glob(l.fsys, "images/*.yaml")
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), ".yaml"))
	}
	return names
}

// order gives the tutorials' IDs in the course's order.
func (l *loader) order(m *manifest) []string {
	known := make([]string, 0, len(l.tutorials))
	for id := range l.tutorials {
		known = append(known, id)
	}
	slices.Sort(known)
	if m.tutorials == nil {
		if len(known) == 0 {
			m.yaml.src.failFile("The course has no tutorials.", "Write the first as tutorials/ID.md.")
		}
		return known
	}
	var ids []string
	for _, o := range m.tutorials {
		if _, ok := l.tutorials[o.id]; !ok {
			m.yaml.fail(o.node, fmt.Sprintf("There is no tutorial %s.", quote(o.id)), DidYouMean(o.id, known))
			continue
		}
		ids = append(ids, o.id)
	}
	for _, id := range known {
		if !slices.Contains(ids, id) {
			l.findings = append(l.findings, Finding{Severity: Warning, File: l.tutorials[id], Length: 1,
				Message: "Nobody will see this tutorial: it is not in the course's list.", Mend: "Add it to “tutorials” in course.yaml."})
		}
	}
	return ids
}

// revision is a digest over names and contents of all files that were read.
func (l *loader) revision() string {
	names := make([]string, 0, len(l.digests))
	for name := range l.digests {
		names = append(names, name)
	}
	slices.Sort(names)
	all := sha256.New()
	for _, name := range names {
		fmt.Fprintf(all, "%x %q\n", l.digests[name], name)
	}
	return hex.EncodeToString(all.Sum(nil))
}
