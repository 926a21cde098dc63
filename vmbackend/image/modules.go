package image

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// modulesRoot is where Debian's package user-mode-linux keeps the modules of
// its kernel, one folder a version.
const modulesRoot = "/usr/lib/uml/modules"

// moduleVersions lists the kernel versions below root. None is no error: a
// kernel of our own has no modules.
func moduleVersions(root string) []string {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	var versions []string
	for _, e := range entries {
		if e.IsDir() {
			versions = append(versions, e.Name())
		}
	}
	return versions
}

// moduleTree is a kernel's modules: what stands below /lib/modules/VERSION.
type moduleTree struct{ version, folder string }

// moduleTrees are the kernels whose modules go into an image: this machine's
// User-Mode Linux kernels, and k if there is one.
func moduleTrees(r *Recipe, k kernel) []moduleTree {
	if len(r.Modules) == 0 {
		return nil
	}
	var trees []moduleTree
	for _, v := range moduleVersions(modulesRoot) {
		if !r.arch().native() {
			break // User-Mode Linux runs on this machine's processor only
		}
		trees = append(trees, moduleTree{v, filepath.Join(modulesRoot, v)})
	}
	if k.version != "" {
		trees = append(trees, moduleTree{k.version, k.modules()})
	}
	return trees
}

// moduleFiles picks the wanted modules of one version and all that they
// depend on, and the files that depmod needs. Names are relative to folder.
func moduleFiles(folder string, wanted []string) ([]string, error) {
	f, err := os.Open(filepath.Join(folder, "modules.dep"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	chosen := map[string]bool{}
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		name, needs, found := strings.Cut(scan.Text(), ":")
		if !found || !wants(wanted, name) {
			continue
		}
		chosen[name] = true
		for _, n := range strings.Fields(needs) {
			chosen[n] = true
		}
	}
	if err := scan.Err(); err != nil {
		return nil, err
	}
	var files []string
	for name := range chosen {
		files = append(files, name)
	}
	for _, name := range []string{"modules.builtin", "modules.builtin.modinfo", "modules.order"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return files, nil
}

// wants says whether a module such as kernel/net/8021q/8021q.ko is named by
// one of the wanted paths, itself or by a folder above it.
func wants(wanted []string, name string) bool {
	name, _, _ = strings.Cut(strings.TrimPrefix(name, "kernel/"), ".ko")
	return slices.ContainsFunc(wanted, func(w string) bool {
		return name == w || strings.HasPrefix(name, w+"/")
	})
}
