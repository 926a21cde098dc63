// Command build bundles what browsers need, from themes/src and the npm
// packages in themes/node_modules, into themes/dist, from where package themes
// embeds it. Run it from the repository's root after "npm ci" in themes/:
//
//	go run ./themes/build
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// entries are the bundles. head.js runs before the first paint and is small;
// tutorial.js brings the terminal, teach.js what those who teach need, author.js the preview of a course. Modules
// are loaded by scripts, when they are wanted, and maths.css with one of them.
var entries = []string{"head.ts", "site.ts", "tutorial.ts", "lti.ts", "teach.ts", "author.ts", "css/site.css", "css/tutorial.css", "css/teach.css", "css/author.css", "css/maths.css"}

var modules = []string{"novnc.ts", "maths.ts", "diagram.ts"}

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", "themes", "the folder of package themes")
	flag.Parse()
	if err := build(*dir); err != nil {
		log.Fatalf("themes/build: %v", err)
	}
}

// build replaces everything in dist but its README.
func build(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@xterm")); err != nil {
		return fmt.Errorf("the npm packages are missing: run npm ci in %s first", dir)
	}
	bundled, manifest, inputs, err := bundle(dir)
	if err != nil {
		return err
	}
	static, err := copied(filepath.Join(dir, "src", "static"), manifest)
	if err != nil {
		return err
	}
	licences, err := licences(dir, inputs)
	if err != nil {
		return err
	}
	manifest["licences.txt"] = fingerprinted("licences.txt", licences)
	static[manifest["licences.txt"]] = licences
	if static["manifest.json"], err = json.MarshalIndent(manifest, "", "  "); err != nil {
		return err
	}
	for _, f := range bundled {
		static[filepath.Base(f.Path)] = f.Contents
	}
	return write(filepath.Join(dir, "dist"), static)
}

// bundle runs esbuild. The manifest maps plain names to fingerprinted ones;
// inputs are the files that went in, relative to src.
func bundle(dir string) (files []api.OutputFile, manifest map[string]string, inputs []string, err error) {
	manifest = map[string]string{}
	for format, entries := range map[api.Format][]string{api.FormatIIFE: entries, api.FormatESModule: modules} {
		result, err := esbuild(dir, format, entries)
		if err != nil {
			return nil, nil, nil, err
		}
		used, err := readMetafile(result.Metafile, manifest)
		if err != nil {
			return nil, nil, nil, err
		}
		files = append(files, result.OutputFiles...)
		inputs = append(inputs, used...)
	}
	return files, manifest, inputs, nil
}

func esbuild(dir string, format api.Format, entries []string) (api.BuildResult, error) {
	src, err := filepath.Abs(filepath.Join(dir, "src"))
	if err != nil {
		return api.BuildResult{}, err
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir:     src,
		EntryPoints:       entries,
		Outdir:            filepath.Join(src, "..", "dist"),
		EntryNames:        "[name]-[hash]",
		AssetNames:        "[name]-[hash]",
		ChunkNames:        "[name]-[hash]",
		Bundle:            true,
		Splitting:         format == api.FormatESModule, // Mermaid loads each kind of diagram by itself
		Format:            format,
		Target:            api.ES2022,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsNone, // licences.txt has them whole
		Sourcemap:         api.SourceMapNone,
		Loader:            map[string]api.Loader{".woff2": api.LoaderFile},
		Metafile:          true,
		LogLevel:          api.LogLevelWarning,
		Plugins:           []api.Plugin{modernFonts, withoutELK},
	})
	if n := len(result.Errors); n > 0 {
		return result, fmt.Errorf("esbuild reported %d errors, above", n)
	}
	return result, nil
}

// readMetafile picks the outputs of entry points out of esbuild's report, the
// pieces that modules share, and the fonts, which templates preload, into the
// manifest. It gives the files that went into any of them.
func readMetafile(metafile string, manifest map[string]string) (inputs []string, err error) {
	var meta struct {
		Outputs map[string]struct {
			EntryPoint string
			Inputs     map[string]struct{ BytesInOutput int }
		}
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, fmt.Errorf("esbuild's metafile: %w", err)
	}
	for output, o := range meta.Outputs {
		name := path.Base(output)
		entry := strings.HasPrefix(o.EntryPoint, "css/") || o.EntryPoint != "" && !strings.Contains(o.EntryPoint, "/")
		switch {
		case entry:
			plain := strings.TrimSuffix(path.Base(o.EntryPoint), path.Ext(o.EntryPoint))
			manifest[plain+path.Ext(name)] = name
		case path.Ext(name) == ".woff2" && len(o.Inputs) == 1:
			for input := range o.Inputs {
				manifest[path.Base(input)] = name
			}
		case path.Ext(name) == ".js":
			manifest[name] = name // other modules ask for it by this name
		default:
			return nil, fmt.Errorf("esbuild wrote %s, for which the manifest has no name", output)
		}
		for input := range o.Inputs {
			inputs = append(inputs, input)
		}
	}
	return inputs, nil
}

// copied reads files that go out as they are, with a fingerprint of their
// content in their names.
func copied(dir string, manifest map[string]string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		name := fingerprinted(e.Name(), b)
		files[name] = b
		manifest[e.Name()] = name
	}
	return files, nil
}

// fingerprinted is a file's name with a digest of its content in it.
func fingerprinted(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:5]) + ext
}

// write empties dist, but for its README, and fills it.
func write(dist string, files map[string][]byte) error {
	old, err := os.ReadDir(dist)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, e := range old {
		if e.Name() == "README.md" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dist, e.Name())); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	total := 0
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dist, name), b, 0o644); err != nil {
			return err
		}
		total += len(b)
	}
	log.Printf("themes: %d files, %d KB, in %s", len(files), total/1024, dist)
	return nil
}
