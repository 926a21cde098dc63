package image

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestModulesAreLoadedAfterWhatTheyNeed(t *testing.T) {
	dir := t.TempDir()
	dep := "kernel/a/virtio_net.ko: kernel/a/net_failover.ko kernel/a/failover.ko kernel/v/virtio.ko kernel/v/virtio_ring.ko\n" +
		"kernel/a/net_failover.ko: kernel/a/failover.ko\nkernel/v/virtio.ko: kernel/v/virtio_ring.ko\n" +
		"kernel/v/virtio_blk.ko.xz: kernel/v/virtio.ko kernel/v/virtio_ring.ko\nkernel/x/unused.ko:\n"
	if err := os.WriteFile(filepath.Join(dir, "modules.dep"), []byte(dep), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := loadOrder(dir, []string{"virtio_blk", "built_in", "virtio_net"})
	want := "virtio_ring virtio virtio_blk failover net_failover virtio_net"
	var names []string
	for _, file := range got {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		names = append(names, name)
	}
	if err != nil || strings.Join(names, " ") != want {
		t.Errorf("order %v, error %v; want %s", names, err, want)
	}
	if !slices.Contains(got, "kernel/v/virtio_blk.ko.xz") {
		t.Errorf("a packed module is lost: %v", got)
	}
}

func TestForeignBuildSaysWhatIsMissing(t *testing.T) {
	if _, err := os.Stat(filepath.Join(binfmt, "qemu-s390x")); err == nil {
		t.Skip("this machine runs programs for s390x")
	}
	err := (&workshop{dir: t.TempDir()}).prepareForeign(t.Context(), newStore(t), &Recipe{Arch: "s390x"})
	if err == nil || !strings.Contains(err.Error(), "qemu-user-static") {
		t.Errorf("got %v, want the packages to install", err)
	}
}

func TestCompactDiskIsMadeOnceAndGoesWithItsImage(t *testing.T) {
	s := newStore(t)
	i := put(t, s, "mine", strings.Repeat("x", 1<<20))
	path, sum, size, err := s.Disk(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil || before.Size() != size || len(sum) != 64 {
		t.Errorf("%s has %v bytes, said are %d and %s; error %v", path, before, size, sum, err)
	}
	again, _, _, err := s.Disk(t.Context(), i)
	after, _ := os.Stat(again)
	if err != nil || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("it was made again: %v", err)
	}
	if err := os.Truncate(path, size-1); err != nil {
		t.Fatal(err)
	}
	if _, mended, _, err := s.Disk(t.Context(), i); err != nil || mended == "" {
		t.Errorf("a disk that was cut short is not made again: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != size {
		t.Errorf("it has %v, error %v", info, err)
	}
	if err := s.Remove("mine"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir(), "machines", "sha256*")); len(left) != 0 {
		t.Errorf("left of a removed image: %v", left)
	}
}
