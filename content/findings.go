package content

// Severity says whether a finding keeps a course from being served.
type Severity string

// An Error refuses the course; a Warning does not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is something wrong in a course's files, at the place where it
// stands.
type Finding struct {
	Severity Severity
	File     string // path within the course
	Line     int    // from 1; 0 when the whole file is meant
	Column   int    // from 1, in characters; 0 when the whole line is meant
	Length   int    // characters to underline; at least 1
	Message  string // what is wrong
	Mend     string // what to do about it; may be empty
	Source   string // the line as written
}

// Findings are in order of file and place.
type Findings []Finding
