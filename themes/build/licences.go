package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	out.WriteString("Labmark's pages contain the packages below, unchanged as npm has them under these names\nand versions, with their licences.\n")
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
		text, err := licence(home)
		if err != nil {
			return nil, fmt.Errorf("%s has no licence file: %w", name, err)
		}
		fmt.Fprintf(&out, "\n\n=== %s %s (%s) ===\n\n%s\n", name, about.Version, about.License, bytes.TrimSpace(text))
	}
	return out.Bytes(), nil
}

// licence is the text of a package's licence file, and of those that it keeps
// in a folder: noVNC's names them there, and has the terms of pako in its own
// folder.
func licence(home string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(home, "LICENSE"))
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if text, err = os.ReadFile(filepath.Join(home, "LICENSE.txt")); err != nil {
		return nil, err
	}
	for _, pattern := range []string{"docs/LICENSE.*", "vendor/*/LICENSE"} {
		more, err := filepath.Glob(filepath.Join(home, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range more {
			part, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			text = fmt.Appendf(text, "\n\n--- %s ---\n\n%s", strings.TrimPrefix(file, home+"/"), part)
		}
	}
	return text, nil
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
