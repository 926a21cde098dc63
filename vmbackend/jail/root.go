package jail

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func devices() []Mount {
	var mounts []Mount
	for _, name := range []string{"/dev/null", "/dev/zero", "/dev/urandom"} {
		mounts = append(mounts, Mount{Source: name, Target: name, Writable: true, Device: true})
	}
	return mounts
}

// openTrees opens the mounts as root. The jail's user, who has nothing to do
// with root, could not reach files below root's private folders; so it gets
// detached mounts instead of names. An ordinary user's jail opens its own.
func openTrees(spec Spec) ([]*os.File, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	if spec.HostID <= 0 {
		return nil, fmt.Errorf("jail: root must name an unprivileged HostID to run the program as, not %d", spec.HostID)
	}
	var trees []*os.File
	for _, m := range spec.Mounts {
		fd, err := openTree(m)
		if err != nil {
			closeAll(trees)
			return nil, fmt.Errorf("jail: %w", err)
		}
		trees = append(trees, os.NewFile(uintptr(fd), m.Source))
	}
	return trees, nil
}

func openTree(m Mount) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, m.Source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("open %s for the jail: %w", m.Source, err)
	}
	return fd, nil
}

// buildRoot makes the jail's file tree and moves into it.
func buildRoot(s *stage) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("part from the host's mounts: %w", err)
	}
	trees := make([]int, len(s.Spec.Mounts))
	for i, m := range s.Spec.Mounts {
		trees[i] = controlFD + 1 + s.Files + i
		if !s.Trees {
			fd, err := openTree(m)
			if err != nil {
				return err
			}
			trees[i] = fd
		}
	}
	// Any folder that surely exists does as the mount point: this mount
	// namespace is the jail's alone, and the old tree goes away below.
	const root = "/proc"
	if err := mountTmpfs(root, "size=1m,mode=0755"); err != nil {
		return err
	}
	for i, m := range s.Spec.Mounts {
		if err := attach(trees[i], root, m); err != nil {
			return fmt.Errorf("put %s at %s: %w", m.Source, m.Target, err)
		}
	}
	if err := os.MkdirAll(root+"/tmp", 0o755); err != nil {
		return err
	}
	if err := mountTmpfs(root+"/tmp", fmt.Sprintf("size=%d,mode=0700", s.Spec.Scratch)); err != nil {
		return err
	}
	return moveInto(root)
}

func mountTmpfs(at, options string) error {
	if err := unix.Mount("tmpfs", at, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	return nil
}

// attach puts a detached mount over a new empty file, so that the jail's tree
// holds nothing writable but what is meant to be.
func attach(tree int, root string, m Mount) error {
	target := filepath.Join(root, m.Target)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		return err
	}
	if err := unix.MoveMount(tree, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID}
	if !m.Writable {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if !m.Device {
		attr.Attr_set |= unix.MOUNT_ATTR_NODEV
	}
	return unix.MountSetattr(unix.AT_FDCWD, target, 0, &attr)
}

// moveInto makes root the process's root folder, lets go of the old one and
// seals the new one against writing. See pivot_root(2) on the dots.
func moveInto(root string) error {
	if err := unix.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("let go of the host's files: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}
