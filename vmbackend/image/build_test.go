package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// needTools skips where images cannot be built.
func needTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"mmdebstrap", "mke2fs", "debugfs"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: apt-get install mmdebstrap e2fsprogs", tool)
		}
	}
	if _, err := mirrorLines(t.Context(), "bookworm"); err != nil {
		t.Skipf("no mirror to build from: %v", err)
	}
}

// inDisk reads from an ext4 image without mounting it.
func inDisk(t *testing.T, disk, command string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "debugfs", "-R", command, disk).Output()
	if err != nil {
		t.Fatalf("debugfs %s: %v", command, err)
	}
	return string(out)
}

func TestBuildTiny(t *testing.T) {
	needTools(t)
	t.Setenv("TMPDIR", t.TempDir())
	r, err := Builtin("tiny")
	if err != nil {
		t.Fatal(err)
	}
	r.Files = append(r.Files, File{Path: "/home/student/secret", Owner: "student", Mode: "0600", Content: "mine\n"})
	r.Run = append(r.Run, "echo built >/etc/built")
	s := newStore(t)
	var last Progress
	i, err := Build(t.Context(), r, s, func(p Progress) {
		if p.Fraction < last.Fraction {
			t.Errorf("progress fell from %+v to %+v", last, p)
		}
		last = p
	})
	if err != nil {
		t.Fatal(err)
	}
	if last.Fraction != 1 {
		t.Errorf("the last progress was %+v", last)
	}
	if i.Size != 64<<20 || i.Occupied <= 0 || i.Occupied > 16<<20 {
		t.Errorf("the disk has %d bytes and takes %d", i.Size, i.Occupied)
	}
	for command, want := range map[string]string{
		"cat /etc/built":            "built\n",
		"cat /home/student/secret":  "mine\n",
		"cat /etc/hostname":         "tiny\n",
		"cat /etc/passwd":           "student:x:1000:1000:Student:/home/student:/bin/sh\n",
		"stat /home/student/secret": "Mode:  0600",
		"stat /home/student":        "User:  1000",
		"stat /bin/busybox":         "Type: regular",
	} {
		if got := inDisk(t, i.Path, command); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", command, got, want)
		}
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("the build left %v behind", left)
	}
	again, err := Ensure(t.Context(), r, s, func(p Progress) {
		if p.Phase != phaseWait.name {
			t.Errorf("an unchanged recipe is built again: %+v", p)
		}
	})
	if err != nil || again != i {
		t.Errorf("Ensure gives %+v, error %v; want what is there", again, err)
	}
}

func TestBuildThatFailsSaysWhy(t *testing.T) {
	needTools(t)
	t.Setenv("TMPDIR", t.TempDir())
	r := &Recipe{Name: "broken", Base: "bookworm", Variant: Extract, Disk: "64M", Packages: []string{"busybox-static"},
		Run: []string{"echo some trouble here; exit 3"}}
	s := newStore(t)
	_, err := Build(t.Context(), r, s, nil)
	if err == nil || !strings.Contains(err.Error(), "some trouble here") || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v, want the command's own words", err)
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("a failed build left %v in the store, error %v", list, err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("the build left %v behind", left)
	}
}

func TestBuildEndsWithItsContext(t *testing.T) {
	needTools(t)
	t.Setenv("TMPDIR", t.TempDir())
	r, err := Builtin("tiny")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = Build(ctx, r, newStore(t), func(p Progress) {
		if p.Phase == phaseLists.name && p.Detail != "" {
			cancel()
		}
	})
	cancel()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancelled context", err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("the build left %v behind", left)
	}
}

func TestToolThatIsMissingIsNamedWithItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := (&workshop{dir: t.TempDir()}).run(t.Context(), func(string) {}, "", "mke2fs")
	if err == nil || !strings.Contains(err.Error(), "apt-get install e2fsprogs") {
		t.Errorf("got %v", err)
	}
}

const debian, foreign = "/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/vendor.gpg"

func TestMirrorIsTheMachinesOwn(t *testing.T) {
	const main, security = "http://mirror.example/debian/", "http://mirror.example/security/"
	ours := []target{
		{main, "bookworm", "bookworm", "main", "Debian", ""},
		{main, "bookworm-updates", "bookworm-updates", "main", "Debian", ""},
		{main, "bookworm", "bookworm", "contrib", "Debian", ""},
		{security, "bookworm-security", "bookworm-security", "main", "Debian", ""},
	}
	foreigners := []target{
		{"https://vendor.example/apt/", "bookworm", "bookworm", "main", "Vendor", foreign},
		{"https://vendor.example/node/", "nodistro", "", "main", "", foreign},
	}
	whole := []string{"deb " + main + " bookworm main", "deb " + main + " bookworm-updates main", "deb " + security + " bookworm-security main"}
	for _, c := range []struct {
		name  string
		all   []target
		suite string
		want  []string
	}{
		{"own suite", ours, "bookworm", whole},
		{"foreign sources are left out", slices.Concat(foreigners, ours, foreigners), "bookworm", whole},
		{"another suite from the same mirror", ours, "trixie", []string{"deb " + main + " trixie main", "deb " + security + " trixie-security main"}},
		{"no security archive known", ours[:1], "trixie", []string{"deb " + main + " trixie main"}},
		{"before the first apt update", []target{
			{"https://vendor.example/apt/", "bookworm", "", "main", "", foreign},
			{main, "bookworm", "", "main", "", debian},
		}, "bookworm", whole[:1]},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := sourceLines(c.all, c.suite, true)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("got %v, error %v; want %v", got, err, c.want)
			}
		})
	}
	if _, err := sourceLines(foreigners, "bookworm", true); err == nil || !strings.Contains(err.Error(), "apt-get update") {
		t.Errorf("without an archive of Debian: got %v, want the mend", err)
	}
}

func TestTargetsOfApt(t *testing.T) {
	got := parseTargets([]byte("http://m/\tbookworm\tbookworm\tmain\tDebian\t$(SIGNED_BY)\nnonsense\n"))
	if want := (target{"http://m/", "bookworm", "bookworm", "main", "Debian", ""}); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v", got)
	}
}

// A shortened output of mmdebstrap must move the bar through all its phases.
func TestProgress(t *testing.T) {
	var seen []Progress
	m := newMeter(func(p Progress) { seen = append(seen, p) })
	for _, l := range []string{
		"I: running apt-get update...", "Get:1 http://m bookworm InRelease [151 kB]",
		"I: downloading packages with apt...", "0 upgraded, 60 newly installed, 0 to remove and 0 not upgraded.",
		"I: extracting archives...", "I: installing essential packages...", "Setting up bash (5.2) ...",
		"I: installing remaining packages inside the chroot...", "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
		"Get:1 http://m bookworm/main a", "Get:2 http://m bookworm/main b", "Unpacking a (1) ...", "Unpacking b (1) ...",
		"Setting up a (1) ...", "Setting up b (1) ...", ownPhaseMark,
	} {
		m.line(l)
	}
	var phases []string
	for i, p := range seen {
		if i > 0 && p.Fraction < seen[i-1].Fraction {
			t.Errorf("from %+v to %+v", seen[i-1], p)
		}
		if len(phases) == 0 || phases[len(phases)-1] != p.Phase {
			phases = append(phases, p.Phase)
		}
	}
	want := []string{phaseLists.name, phaseBase.name, phasePackages.name, phaseOwn.name}
	if !slices.Equal(phases, want) {
		t.Errorf("phases were %q, want %q", phases, want)
	}
	if last := seen[len(seen)-1]; last.Fraction != phaseOwn.start {
		t.Errorf("all packages are in, but the bar is at %f", last.Fraction)
	}
}

func TestModulesBringWhatTheyNeed(t *testing.T) {
	dir := t.TempDir()
	dep := "kernel/net/netfilter/nf_tables.ko: kernel/lib/crc.ko\nkernel/net/bridge/bridge.ko: kernel/net/llc/llc.ko\n" +
		"kernel/net/bridge/netfilter/ebt.ko:\nkernel/lib/crc.ko:\nkernel/net/llc/llc.ko:\nkernel/fs/xfs/xfs.ko:\n"
	for name, text := range map[string]string{"modules.dep": dep, "modules.order": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := moduleFiles(dir, []string{"net/netfilter", "net/bridge/bridge"})
	want := []string{"kernel/lib/crc.ko", "kernel/net/bridge/bridge.ko", "kernel/net/llc/llc.ko", "kernel/net/netfilter/nf_tables.ko", "modules.order"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, error %v; want %v", got, err, want)
	}
}

func TestArchiveHoldsTheRecipesFiles(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	r := &Recipe{Hostname: "box", Files: []File{{Path: "/opt/x", Mode: "4755", Owner: "ada:users", Content: "abc"}}}
	var b bytes.Buffer
	if err := writeArchive(&b, r, nil); err != nil {
		t.Fatal(err)
	}
	files := map[string]*tar.Header{}
	for in := tar.NewReader(&b); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = h
	}
	x := files["opt/x"]
	if x == nil || x.Mode != 0o4755 || x.Uname != "ada" || x.Gname != "users" || x.Size != 3 || !x.ModTime.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("opt/x is %+v", x)
	}
	for _, name := range []string{"etc/hostname", "etc/hosts", "etc/resolv.conf"} {
		if files[name] == nil {
			t.Errorf("%s of the building machine would stay in the image", name)
		}
	}
}

func TestShellQuoting(t *testing.T) {
	nasty := "a'b \"$(id)\" `id` \\ \n*"
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+quote(nasty)).Output()
	if err != nil || string(out) != nasty {
		t.Errorf("the shell reads %q, error %v", out, err)
	}
}
