package proof

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The elements of JUnit's XML that CI systems read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as JUnit XML: a suite for each tutorial.
func (r Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{Name: clean(r.Course), Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	for _, t := range r.Tutorials {
		s := junitSuite{Name: t.ID, Time: fmt.Sprintf("%.3f", t.Took.Seconds()), Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05")}
		for _, result := range t.Results {
			s.Cases = append(s.Cases, result.junit())
		}
		s.Tests, s.Failures, s.Skipped = len(t.Results), t.Count(Fault)+t.Count(Survivor), t.Count(Skipped)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r Result) junit() junitCase {
	c := junitCase{Class: r.Tutorial + "." + string(r.Kind), Name: clean(r.Subject + ", " + r.What), File: r.File, Line: r.Line,
		Time: fmt.Sprintf("%.3f", r.Took.Seconds())}
	switch {
	case r.Bad():
		c.Failure = &junitMessage{Type: string(r.State), Message: clean(r.Message), Text: clean(r.details())}
	case r.State == Skipped:
		c.Skipped = &junitMessage{Message: clean(r.Message)}
	}
	return c
}

// details are place, message, mend and evidence, for people.
func (r Result) details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s\n%s\n", r.File, r.Line, r.Message, r.Mend)
	for _, run := range r.Runs {
		fmt.Fprintf(&b, "\n%s (%s): %s\n%s", run.Title, run.Verdict, run.Message, run.Evidence.Stdout.Text+run.Evidence.Stderr.Text)
	}
	return b.String()
}

// clean leaves out what XML can't hold.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r
	}, s)
}
