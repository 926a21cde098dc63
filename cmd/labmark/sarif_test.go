package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"github.com/labmark/labmark/content"
)

// sarifObjects are the objects of SARIF 2.1.0 that lint writes, as its JSON
// schema has them: what must be there, and what else may be of what we write.
// Everything else is refused there.
var sarifObjects = map[string]struct{ must, may []string }{
	"sarifLog":            {[]string{"version", "runs"}, []string{"$schema"}},
	"run":                 {[]string{"tool"}, []string{"columnKind", "results"}},
	"tool":                {[]string{"driver"}, nil},
	"toolComponent":       {[]string{"name"}, []string{"version", "rules"}},
	"reportingDescriptor": {[]string{"id"}, []string{"shortDescription"}},
	"message":             {[]string{"text"}, nil},
	"result":              {[]string{"message"}, []string{"ruleId", "level", "locations"}},
	"location":            {nil, []string{"physicalLocation"}},
	"physicalLocation":    {[]string{"artifactLocation"}, []string{"region"}},
	"artifactLocation":    {[]string{"uri"}, nil},
	"region":              {nil, []string{"startLine", "startColumn", "endColumn", "snippet"}},
	"snippet":             {nil, []string{"text"}},
}

// sarifWithin says what the objects below a name are.
var sarifWithin = map[string]string{"runs": "run", "tool": "tool", "driver": "toolComponent", "rules": "reportingDescriptor",
	"shortDescription": "message", "results": "result", "message": "message", "locations": "location",
	"physicalLocation": "physicalLocation", "artifactLocation": "artifactLocation", "region": "region", "snippet": "snippet"}

func keepsToSARIF(t *testing.T, kind, name string, value any) {
	t.Helper()
	switch v := value.(type) {
	case []any:
		for _, each := range v {
			keepsToSARIF(t, kind, name, each)
		}
	case map[string]any:
		rules := sarifObjects[kind]
		for _, must := range rules.must {
			if _, ok := v[must]; !ok {
				t.Errorf("a %s has no %q: %v", kind, must, v)
			}
		}
		for name, inner := range v {
			if !slices.Contains(rules.must, name) && !slices.Contains(rules.may, name) {
				t.Errorf("a %s has %q, which the schema refuses", kind, name)
			}
			keepsToSARIF(t, sarifWithin[name], name, inner)
		}
	case float64:
		if v < 1 || v != float64(int(v)) {
			t.Errorf("%s is %v, and no number from 1", name, v)
		}
	case string:
		allowed := map[string][]string{"version": {"2.1.0", version}, "level": {"none", "note", "warning", "error"}, "columnKind": {"utf16CodeUnits", "unicodeCodePoints"}}
		if list, ok := allowed[name]; ok && !slices.Contains(list, v) {
			t.Errorf("%s is %q", name, v)
		}
		if _, err := url.Parse(v); (name == "uri" || name == "$schema") && (err != nil || v == "") {
			t.Errorf("%s is %q: %v", name, v, err)
		}
	default:
		t.Errorf("%s is %v", name, value)
	}
}

func TestSARIFKeepsToItsSchema(t *testing.T) {
	all := []linted{{dir: "a b:c", findings: content.Findings{
		{Severity: content.Error, File: "tutorials/100% ü.md", Line: 3, Column: 4, Length: 0, Message: "Wrong.", Mend: "Mend it.", Source: "text <b>"},
		{Severity: content.Warning, File: "course.yaml", Length: 1, Message: "Of the whole file."},
		{Severity: content.Error, File: "tutorials/x.md", Line: 7, Message: "Without a column."},
		{Severity: content.Error, Message: "Without a file."},
	}}, {dir: "/abs", findings: content.Findings{{Severity: content.Error, File: "x", Line: 1, Column: 1, Length: 5, Message: "M", Source: "xxxxx"}}}, {dir: "good"}}
	for _, some := range [][]linted{all, nil} {
		var out bytes.Buffer
		if err := lintSARIF(&out, some); err != nil {
			t.Fatal(err)
		}
		var log any
		if err := json.Unmarshal(out.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		keepsToSARIF(t, "sarifLog", "", log)
	}
}
