package image

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kdomanski/iso9660"
)

func qemuImg(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "qemu-img", args...).CombinedOutput(); err != nil {
		t.Fatalf("qemu-img %v: %v\n%s", args, err, out)
	}
}

func TestImportTakesWholeDisksOnly(t *testing.T) {
	dir := t.TempDir()
	raw, disk, changes := filepath.Join(dir, "raw"), filepath.Join(dir, "disk.qcow2"), filepath.Join(dir, "changes.qcow2")
	if err := os.WriteFile(raw, bytes.Repeat([]byte("secret\n"), 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	qemuImg(t, "convert", "-f", "raw", "-O", "qcow2", raw, disk)
	qemuImg(t, "create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw, changes)
	s := newStore(t)
	for file, mend := range map[string]string{raw: "qemu-img convert", changes: "another file"} {
		if _, err := Import(t.Context(), s, file, "mine", "", nil); err == nil || !strings.Contains(err.Error(), mend) {
			t.Errorf("%s: got %v, want something about %q", file, err, mend)
		}
	}
	for name, arch := range map[string]string{"../x": "", "mine": "mips"} {
		if _, err := Import(t.Context(), s, disk, name, arch, nil); err == nil {
			t.Errorf("the name %s with the processor %s is taken", name, arch)
		}
	}
	i, err := Import(t.Context(), s, disk, "mine", "aarch64", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Resolve("mine"); err != nil || got != i || got.Format != QCOW2 || got.Arch != "arm64" || got.Size != 458752 {
		t.Errorf("the store has %+v, error %v", got, err)
	}
	node, _, _, err := s.Disk(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	back := filepath.Join(dir, "back")
	qemuImg(t, "convert", "-f", "qcow2", "-O", "raw", node, back)
	want, _ := os.ReadFile(raw)
	if got, err := os.ReadFile(back); err != nil || !bytes.HasPrefix(got, want) {
		t.Errorf("the disk for nodes holds something else, error %v", err)
	}
}

// What cloud-init looks for stands on the seed disk under the very names.
func TestSeedDiskIsReadByCloudInit(t *testing.T) {
	s := newStore(t)
	m, err := s.Machine(t.Context(), Image{Name: "mine", Format: QCOW2})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Machine(t.Context(), Image{Name: "mine", Format: QCOW2})
	if err != nil || again != m || m.Kernel != "" || m.Arch != "x86_64" {
		t.Errorf("got %+v, then %+v, error %v", m, again, err)
	}
	f, err := os.Open(m.Seed)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	disk, err := iso9660.OpenImage(f)
	if err != nil {
		t.Fatal(err)
	}
	label, err := disk.Label()
	if err != nil || label != "cidata" {
		t.Errorf("the disk is labelled %q, error %v", label, err)
	}
	root, err := disk.RootDir()
	if err != nil {
		t.Fatal(err)
	}
	files, err := root.GetChildren()
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, file := range files {
		sizes[file.Name()] = file.Size()
	}
	for _, name := range []string{"meta-data", "user-data", "network-config", "install", "labmark-agent", "labmark-agent.service"} {
		if sizes[name] == 0 {
			t.Errorf("%s is missing among %v", name, sizes)
		}
	}
}
