package content

import (
	"fmt"
	"io/fs"
)

// File opens a picture or another file that a tutorial's pages link to, by
// its name in Tutorial.Files. Every other name is fs.ErrNotExist.
func (c *Course) File(tutorial, name string) (fs.File, error) {
	if t := c.Tutorial(tutorial); t != nil {
		if path, ok := t.Files[name]; ok {
			return c.fsys.Open(path)
		}
	}
	return nil, fmt.Errorf("the tutorial %q links to no file %q: %w", tutorial, name, fs.ErrNotExist)
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
