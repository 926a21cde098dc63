package image

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/labmark/labmark/vmbackend"
)

//go:embed recipes/*.yaml
var recipes embed.FS

// Builtin returns a recipe that comes with Labmark, by name. The error wraps
// vmbackend.ErrNoImage and lists the names that there are.
func Builtin(name string) (*Recipe, error) {
	file := path.Join("recipes", name+".yaml")
	source, err := recipes.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("Labmark has no recipe for %s, only for %s: %w", name, strings.Join(BuiltinNames(), ", "), vmbackend.ErrNoImage)
	}
	return ParseRecipe(name+".yaml", source)
}

// BuiltinNames lists the recipes that come with Labmark.
func BuiltinNames() []string {
	entries, err := recipes.ReadDir("recipes")
	if err != nil {
		panic(err) // embedded: it is there or the program was not built
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}
