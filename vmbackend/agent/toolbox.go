package agent

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// toolbox holds the programs that checks use instead of the guest's: static
// ones, in a file system in memory that is mounted read-only, in a namespace
// in which nothing runs. They lie packed in the initrd until the first check;
// guests that have booted without one get them from the gateway then.
type toolbox struct {
	// proc and home are /proc and the namespace that the student lives in,
	// opened before anything of the student's ran.
	proc, home *os.File

	mu     sync.Mutex
	packed *os.File // what came with the initrd; nil once it was unpacked
	holder *os.File // the namespace; nil before there is a toolbox
	seal   map[string]syscall.Stat_t
}

// toolboxLimit bounds what a toolbox may hold, in bytes.
const toolboxLimit = 16 << 20

// open is called at the agent's start. Where it fails there are no toolboxes.
func (t *toolbox) open() {
	t.proc, _ = os.Open("/proc")
	t.home, _ = os.Open("/proc/self/ns/mnt")
}

// ready says whether there is a toolbox. It unpacks the one that there may be.
func (t *toolbox) ready() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder == nil && t.packed != nil {
		if err := t.unpackOnce(t.packed); err != nil {
			logf("%v", err)
		}
		_ = t.packed.Close()
		t.packed = nil
	}
	return t.holder != nil
}

// clone returns a copy of the mounted toolbox, to be attached. It leaves the
// calling thread in the student's namespace. A toolbox that somebody has
// changed is thrown away.
func (t *toolbox) clone() (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder == nil {
		return -1, errNoToolbox
	}
	if err := unix.Setns(int(t.holder.Fd()), unix.CLONE_NEWNS); err != nil {
		return -1, fmt.Errorf("the toolbox's namespace: %w", err)
	}
	changed := t.changed()
	tree, err := unix.OpenTree(unix.AT_FDCWD, toolboxPath, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if back := unix.Setns(int(t.home.Fd()), unix.CLONE_NEWNS); err == nil && back != nil {
		_ = unix.Close(tree)
		err = back
	}
	if changed != nil {
		if err == nil {
			_ = unix.Close(tree)
		}
		_ = t.holder.Close()
		t.holder = nil
		return -1, fmt.Errorf("%w: somebody has changed the one that was here (%w)", errNoToolbox, changed)
	}
	if err != nil {
		return -1, fmt.Errorf("the toolbox: %w", err)
	}
	return tree, nil
}

// fill takes a toolbox in: a gzipped tar of files and links, all in one
// folder.
func (t *toolbox) fill(archive io.Reader) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder != nil {
		return nil
	}
	return t.unpackOnce(archive)
}

// unpackOnce is called with mu held.
func (t *toolbox) unpackOnce(archive io.Reader) error {
	if t.proc == nil || t.home == nil {
		return errors.New("this machine can hold no toolbox: it had no /proc at its start")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // as in inView
		done <- t.fillHere(archive)
	}()
	return <-done
}

func (t *toolbox) fillHere(archive io.Reader) error {
	// This program is part of the toolbox, too. It lies in no file system
	// that the student sees.
	self, err := unix.OpenTree(int(t.proc.Fd()), "self/exe", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return fmt.Errorf("this program itself: %w", err)
	}
	defer func() { _ = unix.Close(self) }()
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	if err := unshareMounts(); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	if err := unix.Mount("toolbox", toolboxPath, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("mode=0755,size=%d", toolboxLimit)); err != nil {
		return err
	}
	if err := unpack(archive); err != nil {
		return err
	}
	// A name for each of the agent's own: they are mounted, not copied.
	for _, name := range []string{"curl"} {
		path := filepath.Join(toolboxPath, name)
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			return err
		}
		if err := attach(self, path); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := unix.Mount("", toolboxPath, "", unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return err
	}
	holder, err := os.Open("/proc/thread-self/ns/mnt")
	if err != nil {
		return err
	}
	if t.seal, err = stamps(); err != nil {
		_ = holder.Close()
		return err
	}
	t.holder = holder
	return nil
}

// unpack writes what an archive holds into toolboxPath.
func unpack(archive io.Reader) error {
	plain, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("the toolbox: %w", err)
	}
	files := tar.NewReader(plain)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, plain) // its digest stands at its end
			return err
		}
		if err != nil {
			return fmt.Errorf("the toolbox: %w", err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		if strings.Contains(name, "/") || strings.Contains(h.Linkname, "/") || name == ".." {
			return fmt.Errorf("the toolbox: %q leads out of it", h.Name)
		}
		path := filepath.Join(toolboxPath, name)
		switch h.Typeflag {
		case tar.TypeSymlink:
			err = os.Symlink(h.Linkname, path)
		case tar.TypeReg:
			err = writeTool(path, files, os.FileMode(h.Mode).Perm())
		}
		if err != nil {
			return fmt.Errorf("the toolbox: %w", err)
		}
	}
}

func writeTool(path string, from io.Reader, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, from)
	return errors.Join(err, file.Close())
}

// stamps are what the kernel says of the files in toolboxPath; a change of any
// changes these.
func stamps() (map[string]syscall.Stat_t, error) {
	seal := map[string]syscall.Stat_t{}
	for _, name := range []string{".", "bash", "busybox", "nsswitch.conf", "empty"} {
		var s syscall.Stat_t
		if err := syscall.Lstat(toolboxPath+"/"+name, &s); err != nil {
			return nil, fmt.Errorf("the toolbox has no %s: %w", name, err)
		}
		s.Atim = syscall.Timespec{}
		seal[name] = s
	}
	return seal, nil
}

// changed is called in the toolbox's namespace.
func (t *toolbox) changed() error {
	now, err := stamps()
	if err != nil {
		return err
	}
	for name, s := range t.seal {
		if now[name] != s {
			return fmt.Errorf("%s is not what it was", name)
		}
	}
	return nil
}
