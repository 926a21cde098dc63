package image

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// Variants of a recipe, after mmdebstrap's words.
const (
	// Minbase is a complete small Debian with apt; the default.
	Minbase = "minbase"
	// Extract unpacks the named packages and runs none of their scripts.
	// busybox-static must be among them.
	Extract = "extract"
)

// Recipe says how to build an image. It is written in YAML; a field that is
// not listed here is an error.
type Recipe struct {
	// Name is what courses call the image: 1 to 40 of [a-z0-9.-].
	Name string `yaml:"name" json:"name"`
	// Description is one line for people who choose an image.
	Description string `yaml:"description" json:"-"`
	// Base is the Debian suite to build from, such as bookworm.
	Base string `yaml:"base" json:"base"`
	// Variant is Minbase or Extract; empty means Minbase.
	Variant string `yaml:"variant" json:"variant,omitempty"`
	// Hostname stands in /etc/hostname until a guest gets its own.
	Hostname string `yaml:"hostname" json:"hostname,omitempty"`
	// Disk is the size of the guest's disk, such as 2G or 300M. Unused
	// room takes nothing on the host.
	Disk string `yaml:"disk" json:"disk"`
	// Packages are Debian packages, without what they recommend.
	Packages []string `yaml:"packages" json:"packages,omitempty"`
	// Arch is the guest's processor: x86_64, aarch64 or s390x; empty means
	// x86_64.
	Arch string `yaml:"arch" json:"arch,omitempty"`
	// Modules are paths below /lib/modules/VERSION/kernel to put into the
	// image: folders, or modules without ".ko". What they depend on comes
	// along. They are taken from every kernel that may start the image: this
	// machine's User-Mode Linux (Debian's user-mode-linux) and QEMU's, each as
	// far as it has them.
	Modules []string `yaml:"modules" json:"modules,omitempty"`
	// Kernel is the flavour of Debian's kernel that QEMU starts the image with,
	// Cloud or Generic; empty means Cloud.
	Kernel string `yaml:"kernel" json:"kernel,omitempty"`
	// Users are accounts beside root, made in this order.
	Users []User `yaml:"users" json:"users,omitempty"`
	// Files are written after the accounts were made.
	Files []File `yaml:"files" json:"files,omitempty"`
	// Run holds shell commands, run as root inside the image at the end of
	// the build. The first that fails ends the build.
	Run []string `yaml:"run" json:"run,omitempty"`
}

// User is an account in the guest. Nobody logs in by password: the gateway
// has a key to every account.
type User struct {
	Name string `yaml:"name" json:"name"`
	// UID is also the number of the user's own group.
	UID int `yaml:"uid" json:"uid"`
	// FullName stands in the comment field of /etc/passwd.
	FullName string `yaml:"full_name" json:"full_name,omitempty"`
	// Shell is an absolute path; empty means /bin/bash.
	Shell string `yaml:"shell" json:"shell,omitempty"`
	// Sudo lets the user become root without a password.
	Sudo bool `yaml:"sudo" json:"sudo,omitempty"`
}

// File is a file in the image.
type File struct {
	// Path is absolute. Missing folders above it are made, owned by root.
	Path string `yaml:"path" json:"path"`
	// Mode is octal, such as 0755; empty means 0644.
	Mode Mode `yaml:"mode" json:"mode,omitempty"`
	// Owner is "user" or "user:group" by name; empty means root.
	Owner   string `yaml:"owner" json:"owner,omitempty"`
	Content string `yaml:"content" json:"content"`
}

// Mode is a file's mode as written, in octal digits. To YAML, 0644 would be a
// number that is 420 in decimal.
type Mode string

// UnmarshalYAML takes the text of the value, with or without quotes.
func (m *Mode) UnmarshalYAML(text []byte) error {
	*m = Mode(strings.Trim(strings.TrimSpace(string(text)), `"'`))
	return nil
}

// maxRecipe bounds a recipe's length in bytes: it is text written by hand.
const maxRecipe = 1 << 20

// ParseRecipe reads a recipe. An error is a *RecipeError that shows the line;
// file only names the source in it.
func ParseRecipe(file string, source []byte) (*Recipe, error) {
	if len(source) > maxRecipe {
		return nil, &RecipeError{File: file, Message: "the recipe is longer than 1 MiB"}
	}
	tree, err := parser.ParseBytes(source, 0)
	if err != nil {
		return nil, fromYAML(file, source, err)
	}
	var r Recipe
	if err := yaml.UnmarshalWithOptions(source, &r, yaml.Strict()); err != nil {
		return nil, fromYAML(file, source, err)
	}
	if p := r.check(); p != nil {
		return nil, p.locate(file, source, tree)
	}
	return &r, nil
}

// ReadRecipe reads a recipe from a file.
func ReadRecipe(path string) (*Recipe, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ParseRecipe(path, source)
}

// builderVersion is part of every recipe's digest. Raise it when the builder
// makes something else from the same recipe.
const builderVersion = "2"

// Digest changes whenever a build would give something else on purpose: with
// the recipe, the builder and the kernels whose modules are wanted, not with
// Debian's packages.
func (r *Recipe) Digest() string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, numbers and booleans always marshal
	}
	h := sha256.New()
	fmt.Fprintln(h, builderVersion, string(text))
	if len(r.Modules) > 0 {
		fmt.Fprintln(h, moduleVersions(modulesRoot))
	}
	return digestText(h)
}
