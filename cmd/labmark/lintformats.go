package main

import (
	"encoding/json"
	"io"
	"net/url"
	"path"
	"path/filepath"

	"github.com/labmark/labmark/content"
)

// lintFinding is one line of lint's JSON.
type lintFinding struct {
	Course   string           `json:"course"` // the folder, as it was named
	Severity content.Severity `json:"severity"`
	File     string           `json:"file"` // within the course
	Line     int              `json:"line,omitempty"`
	Column   int              `json:"column,omitempty"` // from 1, in characters
	Length   int              `json:"length,omitempty"`
	Message  string           `json:"message"`
	Mend     string           `json:"mend,omitempty"`
	Source   string           `json:"source,omitempty"`
}

// lintJSON writes one list of all findings.
func lintJSON(out io.Writer, all []linted) error {
	list := []lintFinding{}
	for _, l := range all {
		for _, f := range l.findings {
			list = append(list, lintFinding{Course: l.dir, Severity: f.Severity, File: f.File, Line: f.Line, Column: f.Column,
				Length: f.Length, Message: f.Message, Mend: f.Mend, Source: f.Source})
		}
	}
	return writeJSON(out, list)
}

func writeJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// What is needed of SARIF 2.1.0 (OASIS standard, sections 3.13 to 3.30).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string       `json:"id"`
		ShortDescription sarifMessage `json:"shortDescription"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int           `json:"startLine"`
		StartColumn int           `json:"startColumn,omitempty"`
		EndColumn   int           `json:"endColumn,omitempty"`
		Snippet     *sarifMessage `json:"snippet,omitempty"`
	}
)

const (
	sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
	sarifRuleID = "course-format"
)

// lintSARIF writes all findings as one run.
func lintSARIF(out io.Writer, all []linted) error {
	rules := []sarifRule{{ID: sarifRuleID, ShortDescription: sarifMessage{"What Labmark's course format refuses or warns of."}}}
	run := sarifRun{Tool: sarifTool{sarifDriver{Name: "labmark lint", Version: version, Rules: rules}},
		ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	for _, l := range all {
		for _, f := range l.findings {
			run.Results = append(run.Results, sarifFinding(l.dir, f))
		}
	}
	return writeJSON(out, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

func sarifFinding(dir string, f content.Finding) sarifResult {
	text := f.Message
	if f.Mend != "" {
		text += " " + f.Mend
	}
	where := sarifPhysical{Artifact: sarifArtifact{fileURI(filepath.Join(dir, filepath.FromSlash(f.File)))}}
	if f.Line > 0 {
		where.Region = &sarifRegion{StartLine: f.Line, Snippet: &sarifMessage{f.Source}}
		if f.Column > 0 {
			where.Region.StartColumn, where.Region.EndColumn = f.Column, f.Column+max(1, f.Length)
		}
	}
	level := "error"
	if f.Severity == content.Warning {
		level = "warning"
	}
	return sarifResult{RuleID: sarifRuleID, Level: level, Message: sarifMessage{text}, Locations: []sarifLocation{{where}}}
}

// fileURI names a file as the command line did: from the working folder, or
// from the root.
func fileURI(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if path.IsAbs(u.Path) {
		u.Scheme = "file"
	}
	return u.String()
}
