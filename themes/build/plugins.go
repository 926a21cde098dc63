package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/evanw/esbuild/pkg/api"
)

// oldFonts are the sources of a font that only browsers without WOFF2 want.
var oldFonts = regexp.MustCompile(`,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\([^)]*\)`)

// modernFonts leaves fonts in older formats out of KaTeX's style sheet.
var modernFonts = api.Plugin{Name: "modern fonts", Setup: func(b api.PluginBuild) {
	b.OnLoad(api.OnLoadOptions{Filter: `[\\/]katex\.css$`}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		text, err := os.ReadFile(a.Path)
		if err != nil {
			return api.OnLoadResult{}, err
		}
		css := oldFonts.ReplaceAllString(string(text), "")
		return api.OnLoadResult{Contents: &css, Loader: api.LoaderCSS}, nil
	})
}}

// withoutELK leaves out Mermaid's second way to lay out graphs, which is as
// large as all the rest: diagrams that ask for it are laid out the first way,
// as in Mermaid's own smaller build.
var withoutELK = api.Plugin{Name: "without ELK", Setup: func(b api.PluginBuild) {
	b.OnResolve(api.OnResolveOptions{Filter: `^\./elk-[A-Z0-9]+\.mjs$`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		usual, err := filepath.Glob(filepath.Join(a.ResolveDir, "dagre-*.mjs"))
		if err != nil || len(usual) != 1 {
			return api.OnResolveResult{}, fmt.Errorf("Mermaid has %d layouts named dagre: teach plugins.go", len(usual))
		}
		return api.OnResolveResult{Path: usual[0]}, nil
	})
}}
