package content

import (
	"fmt"
	"io/fs"
)

// File opens a picture or another file that a tutorial's pages link to, by
// its name in Tutorial.Files. Every other name is fs.ErrNotExist, and so is
// what has become a symbolic link, a pipe or a device since the course was
// loaded: while a version with such a file is refused, the last good one is
// still served.
func (c *Course) File(tutorial, name string) (fs.File, error) {
	if t := c.Tutorial(tutorial); t != nil {
		path, ok := t.Files[name]
		if l := (loader{fsys: c.fsys}); ok && !l.symbolic(path) && l.regular(path) {
			return c.fsys.Open(path)
		}
	}
	return nil, fmt.Errorf("the tutorial %q links to no file %q: %w", tutorial, name, fs.ErrNotExist)
}

// regular says whether opening a file can neither wait nor do anything.
func (l *loader) regular(name string) bool {
	info, err := fs.Stat(l.fsys, name)
	return err == nil && info.Mode().IsRegular()
}

// Tutorial gives a tutorial by its ID, nil where there is none.
func (c *Course) Tutorial(id string) *Tutorial {
	for _, t := range c.Tutorials {
		if t.ID == id {
			return t
		}
	}
	return nil
}
