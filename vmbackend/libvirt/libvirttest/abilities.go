package libvirttest

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/labmark/labmark/vmbackend/libvirt/daemon"
)

// A libvirtd that is new asks every QEMU what it can do, which takes half a
// minute, and keeps the answers. Tests hand them on from one to the next.
// libvirt itself throws away what does not fit the QEMU that is installed.

func sharedAbilities() (string, error) {
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "labmark", "libvirt-abilities"), err
}

func ownAbilities(dir string) string {
	return filepath.Join(dir, "a", "libvirt", "qemu", "cache", "capabilities")
}

// takeAbilities gives a daemon that has just started what others have learnt. It
// looks only when it is first asked for a guest.
func takeAbilities(tb testing.TB, d *daemon.Daemon, dir string) {
	tb.Helper()
	shared, err := sharedAbilities()
	if err != nil {
		tb.Log("the abilities of QEMU are asked for anew:", err)
		return
	}
	own := ownAbilities(dir)
	copyFiles(tb, shared, own)
	for path := own; path != dir; path = filepath.Dir(path) {
		_ = os.Lchown(path, d.Uid(), d.Gid())
	}
}

func keepAbilities(tb testing.TB, dir string) {
	tb.Helper()
	if shared, err := sharedAbilities(); err == nil {
		copyFiles(tb, ownAbilities(dir), shared)
	}
}

// copyFiles copies what is not there yet, whole or not at all.
func copyFiles(tb testing.TB, from, to string) {
	tb.Helper()
	files, err := os.ReadDir(from)
	if err != nil {
		return // nothing is there to copy
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		tb.Error(err)
		return
	}
	for _, f := range files {
		target := filepath.Join(to, f.Name())
		content, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err != nil {
			continue
		}
		if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, content) {
			continue
		}
		if err := place(target, content); err != nil {
			tb.Error(err)
		}
	}
}

func place(path string, content []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".new")
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return os.Rename(temp.Name(), path)
}
