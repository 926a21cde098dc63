package proof

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
)

// report has something good, something bad and something skipped, with words
// that are hard on XML and HTML.
func report(t *testing.T) Report {
	r := prove(t, "", "~~~check {#a}\nhas '<b>'\n~~~\n~~~solve {for=a}\nadd '<b>'\nadd '<script>alert(1)</script>'\n~~~\n~~~check {#u unsolved}\nhas x\n~~~\n")
	r.Tutorials[0].Results[0].Message = "a bell \a, ]]> & <i>"
	return r
}

func TestJUnit(t *testing.T) {
	var b bytes.Buffer
	r := report(t)
	if err := r.WriteJUnit(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Cases []struct {
				Name    string `xml:"name,attr"`
				File    string `xml:"file,attr"`
				Line    int    `xml:"line,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
					Type    string `xml:"type,attr"`
					Text    string `xml:",chardata"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	if got.Tests != len(r.Tutorials[0].Results) || got.Failures != 1 || got.Skipped != 1 || len(got.Suites) != 1 {
		t.Errorf("%d tests, %d failures, %d skipped in %d suites:\n%s", got.Tests, got.Failures, got.Skipped, len(got.Suites), b.String())
	}
	for _, c := range got.Suites[0].Cases {
		if c.Failure == nil {
			continue
		}
		if c.Failure.Type != "survivor" || c.File != "tutorials/t.md" || c.Line != 9 || !strings.Contains(c.Failure.Text, "well done") {
			t.Errorf("the failure is %+v of %+v", *c.Failure, c)
		}
	}
}

func TestPage(t *testing.T) {
	var b bytes.Buffer
	if err := report(t).WritePage(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"Not proved: 1 bad", "tutorials/t.md:9", "&lt;script&gt;alert", "failed: has &#39;&lt;b&gt;", "A course"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "http://", "https://", "src=", "<i>"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
}
