package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// licences collects the licence texts of all packages that package.json
// depends on at run time. One without a licence file stops the build.
func licences(dir string) ([]byte, error) {
	var needs struct{ Dependencies map[string]string }
	if err := readJSON(filepath.Join(dir, "package.json"), &needs); err != nil {
		return nil, err
	}
	var names []string
	for name := range needs.Dependencies {
		names = append(names, name)
	}
	slices.Sort(names)
	var out bytes.Buffer
	out.WriteString("Labmark's pages contain the packages below, with their licences.\n")
	for _, name := range names {
		home := filepath.Join(dir, "node_modules", filepath.FromSlash(name))
		var about struct {
			Version, License string
			Dependencies     map[string]string
		}
		if err := readJSON(filepath.Join(home, "package.json"), &about); err != nil {
			return nil, err
		}
		if len(about.Dependencies) > 0 {
			return nil, fmt.Errorf("%s has dependencies of its own: teach licences.go to follow them", name)
		}
		text, err := os.ReadFile(filepath.Join(home, "LICENSE"))
		if err != nil {
			return nil, fmt.Errorf("%s has no LICENSE file: %w", name, err)
		}
		fmt.Fprintf(&out, "\n\n=== %s %s (%s) ===\n\n%s\n", name, about.Version, about.License, bytes.TrimSpace(text))
	}
	return out.Bytes(), nil
}

func readJSON(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
