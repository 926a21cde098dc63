package image

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labmark/labmark/vmbackend"
)

const sound = `name: mine
base: bookworm
disk: 1G
packages: [bash, sudo, kmod]
modules: [net/netfilter]
users:
  - name: ada
    uid: 1001
    sudo: true
files:
  - path: /etc/motd
    mode: 0600
    owner: ada:users
    content: hello
run:
  - "true"
`

func TestSoundRecipe(t *testing.T) {
	r, err := ParseRecipe("mine.yaml", []byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "mine" || r.diskSize() != 1<<30 || len(r.Packages) != 3 || r.Users[0].UID != 1001 ||
		r.Files[0].Mode != "0600" || r.Files[0].Owner != "ada:users" || r.Run[0] != "true" {
		t.Errorf("read as %+v", r)
	}
}

func TestBuiltinRecipesAreSound(t *testing.T) {
	names := BuiltinNames()
	if strings.Join(names, " ") != "debian-12 debian-12-desktop tiny" {
		t.Errorf("built in are %v", names)
	}
	for _, name := range names {
		r, err := Builtin(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Name != name {
			t.Errorf("%s.yaml names itself %s", name, r.Name)
		}
	}
	if _, err := Builtin("../store"); !errors.Is(err, vmbackend.ErrNoImage) || !strings.Contains(err.Error(), "debian-12") {
		t.Errorf("an unknown recipe: got %v, want ErrNoImage and the names that there are", err)
	}
}

// Whoever writes a recipe is shown the line, the place and what is wrong.
func TestRecipeErrors(t *testing.T) {
	for _, c := range []struct {
		name, old, new string
		line           int
		marked         string // what the caret stands below
		says           string
	}{
		{"unknown field", "packages:", "packges:", 4, "packges", "packges"},
		{"unknown field inside", "    uid: 1001", "    uuid: 1001", 8, "uuid", "uuid"},
		{"twice", "disk: 1G", "disk: 1G\nname: again", 4, "name", "name"},
		{"wrong type", "[bash, sudo, kmod]", "bash", 4, "bash", "list"},
		{"bad name", "name: mine", "name: My_Image", 1, "My_Image", "a-z"},
		{"no name", "name: mine\n", "", 0, "", "name is missing"},
		{"no disk", "disk: 1G\n", "", 0, "", "disk is missing"},
		{"bad size", "1G", "1 GB", 3, "1 GB", "2G"},
		{"small disk", "1G", "1M", 3, "1M", "16M"},
		{"bad suite", "bookworm", "../x", 2, "../x", "suite"},
		{"bad package", "bash, sudo", "bash, $(id)", 4, "$(id)", "package"},
		{"bad module", "net/netfilter", "../../etc", 5, "../../etc", "module"},
		{"modules without kmod", ", kmod", "", 5, "[", "kmod"},
		{"sudo without sudo", "sudo, ", "", 9, "true", "sudo"},
		{"bad user", "name: ada", "name: Ada:0", 7, "Ada:0", "a-z"},
		{"root again", "name: ada", "name: root", 7, "root", "already"},
		{"system uid", "1001", "0", 8, "0", "1000"},
		{"relative path", "/etc/motd", "etc/motd", 11, "etc/motd", "absolute"},
		{"dots in path", "/etc/motd", "/etc/../motd", 11, "/etc/../motd", "absolute"},
		{"bad mode", "0600", "0999", 12, "0999", "octal"},
		{"bad owner", "ada:users", "'ada; rm'", 13, "'ada", "owner"},
		{"empty command", `- "true"`, `- ""`, 16, `""`, "empty"},
		{"variant without busybox", "disk: 1G", "disk: 1G\nvariant: extract", 5, "[", "busybox-static"},
		{"unknown variant", "disk: 1G", "disk: 1G\nvariant: huge", 4, "huge", "minbase"},
		{"unknown processor", "disk: 1G", "disk: 1G\narch: mips", 4, "mips", "aarch64"},
		{"unknown kernel", "disk: 1G", "disk: 1G\nkernel: mine", 4, "mine", "generic"},
		{"tab", "name: mine", "name:\n\tmine", 2, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sound, c.old, c.new, 1)
			_, err := ParseRecipe("mine.yaml", []byte(text))
			var e *RecipeError
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want a *RecipeError", err)
			}
			if e.Line != c.line || !strings.Contains(e.Message, c.says) {
				t.Errorf("line %d, %q; want line %d and something about %q", e.Line, e.Message, c.line, c.says)
			}
			if c.marked != "" && !strings.HasPrefix(e.Source[min(len(e.Source), e.Column-1):], c.marked) {
				t.Errorf("the caret is not below %q:\n%v", c.marked, err)
			}
			if !strings.HasPrefix(err.Error(), "mine.yaml:") {
				t.Errorf("the file is not named: %v", err)
			}
		})
	}
}

func TestCaretStandsBelowThePlace(t *testing.T) {
	e := at("r.yaml", []byte("a: b\n\tcé: x\n"), 2, 5, "no")
	if want := "r.yaml:2:5: no\n    \tcé: x\n    \t   ^"; e.Error() != want {
		t.Errorf("got\n%q, want\n%q", e.Error(), want)
	}
}

func TestDigestFollowsTheRecipe(t *testing.T) {
	first, err := ParseRecipe("a", []byte(sound))
	if err != nil {
		t.Fatal(err)
	}
	same, _ := ParseRecipe("b", []byte("# another comment\n"+sound))
	other, _ := ParseRecipe("a", []byte(strings.Replace(sound, "hello", "bye", 1)))
	if first.Digest() != same.Digest() {
		t.Error("a comment changes the digest")
	}
	if first.Digest() == other.Digest() {
		t.Error("a file's content does not change the digest")
	}
}

func TestReadRecipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(name, []byte("nonsense: true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadRecipe(name); err == nil || !strings.Contains(err.Error(), name+":1:") {
		t.Errorf("got %v, want an error that names file and line", err)
	}
}

func FuzzParseRecipe(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte("name: [a\n\t- b: *x"))
	f.Add([]byte("&a [*a]"))
	for _, name := range BuiltinNames() {
		source, err := recipes.ReadFile("recipes/" + name + ".yaml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		r, err := ParseRecipe("fuzz.yaml", source)
		var e *RecipeError
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("an error that shows no place: %v", err)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		if r.check() != nil || r.diskSize() < minDisk {
			t.Fatalf("accepted although it is not sound: %+v", r)
		}
	})
}
