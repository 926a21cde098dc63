package content

import (
	"fmt"
	"sort"
)

// origin says that a source's lines, from one on and up to the next origin,
// stand in a file of their own: they were included.
type origin struct {
	line  int // of the source, from 0
	path  string
	first int // the line of that file, from 0
}

// where gives the file that an offset's text stands in, and its line there,
// from 1.
func (s *source) where(offset int) (path string, line int) {
	return s.originOf(s.lineAt(offset))
}

func (s *source) originOf(n int) (path string, line int) {
	i := sort.Search(len(s.origins), func(i int) bool { return s.origins[i].line > n }) - 1
	if i < 0 {
		return s.path, n + 1
	}
	o := s.origins[i]
	return o.path, o.first + n - o.line + 1
}

// offset is where a line of a file, from 1, starts in the source.
func (s *source) offset(path string, line int) int {
	for n := range s.lines {
		if p, l := s.originOf(n); l == line && p == path {
			return s.lines[n]
		}
	}
	return 0
}

// lineName names an offset's line in a message about the same tutorial.
func (s *source) lineName(offset int) string {
	path, line := s.where(offset)
	if path == s.path {
		return fmt.Sprintf("line %d", line)
	}
	return fmt.Sprintf("line %d of %s", line, path)
}
