package checks

import "bytes"

// A record is how a script's end is told from what it prints: fields between
// separators within standard error. A separator holds a random number that is
// drawn for each run and that the script's child processes are never given, so
// that a student's program cannot print a verdict of its own.
type record struct {
	// status is the script's exit status; empty while more may follow.
	status string
	// kind is "pass", "fail", "partial" or "unsure" after the helper of that
	// name, and empty where the exit status decides. "start" says no more
	// than that the script has begun.
	kind string
	// got and of are points, for "partial".
	got, of string
	message string
	// values are the variables that the author's messages mention.
	values map[string]string
}

// recordFormat says how records look within one run.
type recordFormat struct {
	separator string
	values    []string
}

// maxField bounds what is kept of one field, in bytes.
const maxField = 16 << 10

func (f recordFormat) fields() int { return 5 + len(f.values) }

func (f recordFormat) record(fields [][]byte) record {
	r := record{
		status: string(fields[0]), kind: string(fields[1]), got: string(fields[2]), of: string(fields[3]),
		message: string(fields[4]), values: make(map[string]string, len(f.values)),
	}
	for i, name := range f.values {
		r.values[name] = string(fields[5+i])
	}
	return r
}

// splitter takes the records out of a stream. What is left goes to text.
type splitter struct {
	format recordFormat
	text   func([]byte)
	found  func(record)

	pending []byte   // may be the beginning of a separator
	fields  [][]byte // of the record that is under way; nil outside
}

func (s *splitter) write(p []byte) {
	separator := []byte(s.format.separator)
	s.pending = append(s.pending, p...)
	rest := s.pending
	for {
		i := bytes.Index(rest, separator)
		if i < 0 {
			break
		}
		s.emit(rest[:i])
		s.boundary()
		rest = rest[i+len(separator):]
	}
	keep := partialSuffix(rest, separator)
	s.emit(rest[:len(rest)-keep])
	s.pending = append(s.pending[:0], rest[len(rest)-keep:]...)
}

// close ends the stream: what looked like a separator's beginning is text.
func (s *splitter) close() {
	s.emit(s.pending)
	s.pending, s.fields = nil, nil
}

func (s *splitter) emit(p []byte) {
	if len(p) == 0 {
		return
	}
	if s.fields == nil {
		s.text(p)
		return
	}
	last := &s.fields[len(s.fields)-1]
	*last = append(*last, p[:min(len(p), maxField-len(*last))]...)
}

func (s *splitter) boundary() {
	switch {
	case s.fields == nil:
		s.fields = [][]byte{{}}
	case len(s.fields) < s.format.fields():
		s.fields = append(s.fields, []byte{})
	default:
		s.found(s.format.record(s.fields))
		s.fields = nil
	}
}

// partialSuffix returns the length of the longest end of p that begins a
// separator.
func partialSuffix(p, separator []byte) int {
	for n := min(len(p), len(separator)-1); n > 0; n-- {
		if bytes.HasPrefix(separator, p[len(p)-n:]) {
			return n
		}
	}
	return 0
}
