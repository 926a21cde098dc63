package content

import (
	"bytes"
	"cmp"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// maxFindings is how many findings of one file are kept: more would not be
// read.
const maxFindings = 100

// source is one text file of a course and what was found in it.
type source struct {
	path     string
	text     string   // with "\n" at the end of lines
	lines    []int    // where each line starts
	origins  []origin // of text that was included, in order
	findings Findings
}

func newSource(path string, raw []byte) *source {
	raw = bytes.TrimPrefix(raw, []byte("\uFEFF"))
	if bytes.IndexByte(raw, '\r') >= 0 {
		raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	}
	s := &source{path: path, text: string(raw), lines: []int{0}}
	for i := 0; i < len(s.text); i++ {
		if s.text[i] == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// readable refuses what is not text.
func (s *source) readable() bool {
	for i, r := range s.text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s.text[i:]); size == 1 {
				s.fail(i, 1, "This is not UTF-8 text.", "Save the file as UTF-8.")
				return false
			}
		}
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			s.fail(i, 1, fmt.Sprintf("The control character %U does not belong in a text.", r), "Delete it.")
			return false
		}
	}
	return true
}

// lineAt gives the number of the line, from 0, that an offset is in.
func (s *source) lineAt(offset int) int {
	return sort.SearchInts(s.lines, offset+1) - 1
}

// line gives a line's text without its end.
func (s *source) line(n int) string {
	if n < 0 || n >= len(s.lines) {
		return ""
	}
	end := len(s.text)
	if n+1 < len(s.lines) {
		end = s.lines[n+1] - 1
	}
	return s.text[s.lines[n]:end]
}

// fail reports an error at an offset, length bytes wide.
func (s *source) fail(offset, length int, message, mend string) {
	s.report(Error, offset, length, message, mend)
}

func (s *source) warn(offset, length int, message, mend string) {
	s.report(Warning, offset, length, message, mend)
}

func (s *source) report(severity Severity, offset, length int, message, mend string) {
	if s.full() {
		s.add(Finding{}) // to find the place takes time, too
		return
	}
	offset = max(0, min(offset, len(s.text)))
	n := s.lineAt(offset)
	line := s.line(n)
	from := min(offset-s.lines[n], len(line))
	to := min(from+max(length, 0), len(line))
	file, lineThere := s.originOf(n)
	s.add(Finding{
		Severity: severity,
		File:     file,
		Line:     lineThere,
		Column:   utf8.RuneCountInString(line[:from]) + 1,
		Length:   max(1, utf8.RuneCountInString(line[from:to])),
		Message:  message,
		Mend:     mend,
		Source:   line,
	})
}

// FindingAt is an error at an offset of a file's text, length bytes wide, that
// lacks its message: for what is found by others than this package.
func FindingAt(file, text string, offset, length int) Finding {
	s := newSource(file, []byte(text))
	s.fail(offset, length, "", "")
	return s.findings[0]
}

// full says that no more findings are kept.
func (s *source) full() bool { return len(s.findings) >= maxFindings }

// failFile reports an error of the whole file.
func (s *source) failFile(message, mend string) {
	s.add(Finding{Severity: Error, Length: 1, Message: message, Mend: mend})
}

func (s *source) add(f Finding) {
	f.File = cmp.Or(f.File, s.path)
	switch {
	case len(s.findings) < maxFindings:
		s.findings = append(s.findings, f)
	case len(s.findings) == maxFindings:
		s.findings = append(s.findings, Finding{Severity: Error, File: s.path, Length: 1,
			Message: "There is more to mend than is listed here.", Mend: "Mend these first, then look again."})
	}
}

// quote shows a word of the author in a message, cut where it is long.
func quote(s string) string {
	const limit = 60
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit]) + "…"
	}
	return "“" + printable(strings.ReplaceAll(s, "\n", " ")) + "”"
}
