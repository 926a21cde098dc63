package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// licences collects the licence texts of all packages that any of the files
// is of. One without a licence file stops the build.
func licences(dir string, files []string) ([]byte, error) {
	var names []string
	for _, file := range files {
		if name := packageOf(file); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out bytes.Buffer
	out.WriteString("Labmark's pages contain the packages below, or parts of them, unchanged as npm has them under\nthese names and versions, with their licences.\n")
	for _, name := range names {
		home := filepath.Join(dir, "node_modules", filepath.FromSlash(name))
		var about struct{ Version, License string }
		if err := readJSON(filepath.Join(home, "package.json"), &about); err != nil {
			return nil, err
		}
		text, err := licence(home)
		if err != nil {
			return nil, fmt.Errorf("%s has no licence file: %w", name, err)
		}
		fmt.Fprintf(&out, "\n\n=== %s %s (%s) ===\n\n%s\n", name, about.Version, about.License, bytes.TrimSpace(text))
	}
	return out.Bytes(), nil
}

// packageOf names the package that a file is of, by its path below
// node_modules: "d3-array", "@xterm/xterm", and, for one that another brings
// along, "a/node_modules/b". It is empty for a file of our own.
func packageOf(file string) string {
	const folder = "node_modules/"
	_, below, ok := strings.Cut(file, folder)
	if !ok {
		return ""
	}
	home, last := "", below
	if i := strings.LastIndex(below, folder); i >= 0 {
		home, last = below[:i+len(folder)], below[i+len(folder):]
	}
	parts := strings.SplitN(last, "/", 3)
	if strings.HasPrefix(last, "@") {
		return home + parts[0] + "/" + parts[1]
	}
	return home + parts[0]
}

// licencePaths are where packages keep their licences: noVNC's names those of
// its parts in a folder, and has the terms of pako in pako's own.
var licencePaths = []string{"[Ll][Ii][Cc][Ee][Nn][CcSs][Ee]*", "docs/LICENSE.*", "vendor/*/LICENSE"}

// licence is the text of all of a package's licence files.
func licence(home string) ([]byte, error) {
	var text []byte
	for _, pattern := range licencePaths {
		files, err := filepath.Glob(filepath.Join(home, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			part, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			if len(text) > 0 {
				text = fmt.Appendf(text, "\n\n--- %s ---\n\n", strings.TrimPrefix(file, home+"/"))
			}
			text = append(text, part...)
		}
	}
	if len(text) == 0 {
		return nil, fs.ErrNotExist
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
