package libvirt

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

func testDamagedTemplate(t *testing.T, n *libvirttest.Node) {
	b := prepared(t, n, "p")
	if started(t, b, "whole"); !isClone(t, b, "whole") {
		t.Fatal("with a template the guest is no clone")
	}
	for name, damage := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 1<<20) },
		"overwritten": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt(make([]byte, 4<<20), 256<<10)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(only(t, b, "template-*.save")); err != nil {
				t.Fatal(err)
			}
			k := started(t, b, "unlucky-"+name)
			if got := k.run(t, b, "hostname"); got != k.spec.ID {
				t.Errorf("the guest calls itself %q", got)
			}
			if isClone(t, b, k.spec.ID) {
				t.Error("the guest is a clone of the damaged template")
			}
			if err := b.Prepare(within(t), vmbackend.Shape{Image: k.spec.Image}); err != nil {
				t.Fatal(err)
			}
			if next := started(t, b, "next-"+name); !isClone(t, b, next.spec.ID) {
				t.Error("there is no template again")
			}
		})
	}
}

func testDamagedTemplateIsFoundByTheNextBackend(t *testing.T, n *libvirttest.Node) {
	b := prepared(t, n, "p")
	path := only(t, b, "template-*.save")
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damage"), 8<<20); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	damaged := fileSum(t, path)
	_ = b.Close()
	b = prepared(t, n, "p")
	if now := only(t, b, "template-*.save"); fileSum(t, now) == damaged {
		t.Error("the damaged template is still there")
	}
}

func TestCorruptedImageIsBroughtAnew(t *testing.T) {
	n := libvirttest.Local(t)
	b := open(t, n, "p", func(c *Config) { c.NoTemplates = true })
	for name, damage := range map[string]func(*os.File) error{
		"head":    func(f *os.File) error { _, err := f.WriteAt(make([]byte, 64<<10), 0); return err },
		"cut-off": func(f *os.File) error { return f.Truncate(512 << 10) },
		"content": func(f *os.File) error { // all but the head: QEMU takes it, the guest finds no root
			size, err := f.Seek(0, io.SeekEnd)
			for at := int64(64 << 10); err == nil && at < size; at += 4096 {
				_, err = f.WriteAt(make([]byte, min(4096, size-at)), at)
			}
			return err
		},
	} {
		k := newKeys(t, name)
		if err := b.Create(within(t), k.spec); err != nil {
			t.Fatal(err)
		}
		base := only(t, b, "base-*.qcow2")
		whole := fileSum(t, base)
		f, err := os.OpenFile(base, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := damage(f); err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		if err := b.Start(within(t), name); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if fileSum(t, base) != whole {
			t.Errorf("%s: the image on the node is still damaged", name)
		}
		if got := k.run(t, b, "hostname"); got != name {
			t.Errorf("the guest calls itself %q", got)
		}
	}
}

func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount the small disk for this test")
	}
	n := libvirttest.Local(t)
	folder := filepath.Join(n.Dir, "small")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	const size = 160 << 20
	if err := syscall.Mount("labmark-test", folder, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("no small disk can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	if err := os.Chown(folder, n.Daemon.Uid(), n.Daemon.Gid()); err != nil {
		t.Fatal(err)
	}
	b := open(t, n, "small", func(c *Config) { c.NoTemplates = true })
	first := newKeys(t, "first")
	if err := b.Create(within(t), first.spec); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(folder, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, io.LimitReader(zeros{}, size)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the small disk is not full: %v", err)
	}
	_ = f.Close()
	second := newKeys(t, "second")
	if err := b.Create(within(t), second.spec); !errors.Is(err, vmbackend.ErrFull) {
		t.Errorf("Create on a full disk: %v, want %v", err, vmbackend.ErrFull)
	}
	if got := state(t, b, "second"); got != "" {
		t.Errorf("the guest that could not be made is %s", got)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := b.Create(within(t), second.spec); err != nil {
		t.Errorf("Create when there is room again: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
