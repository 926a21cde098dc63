package main

import (
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"

	"github.com/labmark/labmark/server/store"
)

// configFiles are the files that were read, later ones winning.
type configFiles struct {
	read []*configFile
	// lenient keeps what is wrong in files in faults, instead of failing.
	lenient bool
	faults  []error
}

// configFile is one YAML file with flags' names as keys.
type configFile struct {
	name   string
	values map[string]any
	files  *configFiles
}

// load is a kong.ConfigurationLoader.
func (f *configFiles) load(r io.Reader) (kong.Resolver, error) {
	c := &configFile{name: "a configuration file", files: f}
	if file, ok := r.(*os.File); ok {
		c.name = file.Name()
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(text, &c.values); err != nil {
		c.values = nil
		if err := f.fault(fmt.Errorf("%s: %s", c.name, yaml.FormatError(err, false, true))); err != nil {
			return nil, err
		}
	}
	f.read = append(f.read, c)
	return c, nil
}

// fault returns the error, or keeps it.
func (f *configFiles) fault(err error) error {
	if f.lenient {
		f.faults = append(f.faults, err)
		return nil
	}
	return err
}

// Validate refuses keys that no flag has, so that a typo does not pass for a
// setting.
func (c *configFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	_ = kong.Visit(app, func(n kong.Visitable, next kong.Next) error {
		if flag, ok := n.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	for key := range c.values {
		if !known[key] {
			if err := c.files.fault(fmt.Errorf("%s: there is no setting %q: see labmark config", c.name, key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Resolve gives the file's value of a flag, or nil. A variable in the
// environment wins over it.
func (c *configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if fromEnvironment(flag) != "" {
		return nil, nil
	}
	return c.values[flag.Name], nil
}

func fromEnvironment(flag *kong.Flag) string {
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return name
		}
	}
	return ""
}

// configCmd takes serve's flags too, to show what they would do.
type configCmd struct{ serveSettings }

func (c *configCmd) Run(k *kong.Context, files *configFiles, out io.Writer) error {
	given := map[*kong.Flag]bool{}
	for _, p := range k.Path {
		if p.Flag != nil && !p.Resolved {
			given[p.Flag] = true
		}
	}
	var lines []string
	for _, flag := range k.Flags() {
		if flag.Name == "help" {
			continue
		}
		value := show(k.FlagValue(flag))
		if flag.Name == "database" {
			value = store.Shown(value)
		}
		lines = append(lines, fmt.Sprintf("%s\t%s\t%s", flag.Name, value, files.origin(flag, given)))
	}
	sort.Strings(lines)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tVALUE\tFROM")
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
	return w.Flush()
}

// origin says where a flag's value came from.
func (f *configFiles) origin(flag *kong.Flag, given map[*kong.Flag]bool) string {
	if given[flag] {
		return "flag --" + flag.Name
	}
	if name := fromEnvironment(flag); name != "" {
		return "environment " + name
	}
	for i := len(f.read) - 1; i >= 0; i-- {
		if _, ok := f.read[i].values[flag.Name]; ok {
			return "file " + f.read[i].name
		}
	}
	return "default"
}

func show(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ",")
	}
	return fmt.Sprint(v)
}
