package server

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheSecurityPageNamesRealTests: a claim whose test was renamed or removed
// would stand there unproved.
func TestTheSecurityPageNamesRealTests(t *testing.T) {
	page, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return filepath.SkipDir
		case strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, ".spec.mjs"):
			text, err := os.ReadFile(path)
			tests.Write(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+`).FindAllString(string(page), -1)
	for _, name := range named {
		if !strings.Contains(tests.String(), "\nfunc "+name+"(") {
			t.Errorf("docs/security.md names %s, which does not exist", name)
		}
	}
	inBrowsers := regexp.MustCompile(`“([^”]+)”`).FindAllStringSubmatch(string(page), -1)
	for _, m := range inBrowsers {
		if !strings.Contains(tests.String(), "test('"+m[1]+"'") {
			t.Errorf("docs/security.md names the browser test “%s”, which does not exist", m[1])
		}
	}
	if len(named) < 50 || len(inBrowsers) < 3 {
		t.Errorf("found %d tests and %d browser tests on the page", len(named), len(inBrowsers))
	}
}
