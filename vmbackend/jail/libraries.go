package jail

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// libraryFolders is where a dynamic loader looks without being told.
var libraryFolders = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// Libraries returns the mounts that a program of the host needs to run in a
// jail beside itself: its dynamic loader and shared libraries, at the paths
// where the loader looks for them. A static program needs none.
func Libraries(program string) ([]Mount, error) {
	seen := map[string]bool{}
	var mounts []Mount
	var visit func(path string) error
	visit = func(path string) error {
		needs, err := needed(path)
		if err != nil {
			return err
		}
		for _, need := range needs {
			if seen[need] {
				continue
			}
			seen[need] = true
			found, err := findLibrary(need)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			mounts = append(mounts, Mount{Source: found, Target: found})
			if err := visit(found); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(program); err != nil {
		return nil, fmt.Errorf("find shared libraries: %w", err)
	}
	return mounts, nil
}

// needed lists the loader (a path) and libraries (names) of an ELF file.
func needed(path string) ([]string, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = file.Close() }()
	names, err := file.ImportedLibraries()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, prog := range file.Progs {
		if prog.Type == elf.PT_INTERP {
			loader := make([]byte, prog.Filesz)
			if _, err := prog.ReadAt(loader, 0); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			names = append(names, strings.TrimRight(string(loader), "\x00"))
		}
	}
	return names, nil
}

func findLibrary(name string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, folder := range libraryFolders {
		path := filepath.Join(folder, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("shared library %s is not in %s", name, strings.Join(libraryFolders, ", "))
}
