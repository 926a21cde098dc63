package agent

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend/agent/initrd"
)

// rootWait is how long the root device may take to appear.
const rootWait = 30 * time.Second

// newRoot is where the root file system is mounted before it becomes "/".
const newRoot = "/root"

// bootOptions are the words of the kernel's command line that count here.
type bootOptions struct {
	root, fstype, link string
	readOnly           bool
	pids               int
	toolbox            *os.File // that came with the initrd; may be nil
}

func parseCommandLine(line string) bootOptions {
	o := bootOptions{fstype: "ext4", link: "/dev/ttyS0"}
	for word := range strings.FieldsSeq(line) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "root":
			o.root = value
		case "rootfstype":
			o.fstype = value
		case "ro":
			o.readOnly = true
		case "rw":
			o.readOnly = false
		case "labmark.link":
			o.link = value
		case "labmark.pids":
			o.pids, _ = strconv.Atoi(value)
		}
	}
	return o
}

// mount is one line of a boot's mounts.
type mount struct {
	source, target, fstype string
	flags                  uintptr
	data                   string
}

// firstMounts are what the agent needs to find the root device.
var firstMounts = []mount{
	{"proc", "/proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
	{"sysfs", "/sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
	{"devtmpfs", "/dev", "devtmpfs", unix.MS_NOSUID, "mode=0755"},
}

// laterMounts come on top of the root file system.
var laterMounts = []mount{
	{"devpts", "/dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666"},
	{"tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	{"tmpfs", "/run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=0755"},
	{"tmpfs", "/run/lock", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, "mode=1777"},
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(m.source, m.target, m.fstype, m.flags, m.data); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("mounting %s on %s: %w", m.fstype, m.target, err)
	}
	return nil
}

// enterRoot mounts the root file system and makes it "/". Only what keeps a
// guest from running at all is an error; the rest is logged.
func enterRoot(log func(string, ...any)) (bootOptions, error) {
	for _, m := range firstMounts {
		if err := m.do(); err != nil {
			return bootOptions{}, err
		}
	}
	line, err := os.ReadFile("/proc/cmdline")
	if err != nil {
		return bootOptions{}, err
	}
	o := parseCommandLine(string(line))
	if o.root == "" {
		return o, errors.New("the kernel's command line has no root=DEVICE")
	}
	loadModules(initrd.ModulesDir, log)
	if o.toolbox, err = os.Open(initrd.ToolboxPath); err == nil {
		_ = os.Remove(initrd.ToolboxPath) // its memory goes when it is closed
	}
	if err := awaitDevice(o.root); err != nil {
		return o, err
	}
	if err := mountRoot(o); err != nil {
		return o, err
	}
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if err := moveInto(dir); err != nil {
			return o, err
		}
	}
	if err := switchRoot(); err != nil {
		return o, err
	}
	for _, m := range laterMounts {
		if err := m.do(); err != nil {
			log("%v", err)
		}
	}
	return o, nil
}

func awaitDevice(path string) error {
	for deadline := time.Now().Add(rootWait); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the root device %s has not appeared within %v", path, rootWait)
		}
	}
}

func mountRoot(o bootOptions) error {
	if err := os.MkdirAll(newRoot, 0o755); err != nil {
		return err
	}
	var flags uintptr
	if o.readOnly {
		flags = unix.MS_RDONLY
	}
	err := unix.Mount(o.root, newRoot, o.fstype, flags, "")
	if errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) {
		err = unix.Mount(o.root, newRoot, o.fstype, unix.MS_RDONLY, "")
	}
	if err != nil {
		return fmt.Errorf("mounting the root file system %s (%s): %w", o.root, o.fstype, err)
	}
	return nil
}

func moveInto(dir string) error {
	target := newRoot + dir
	if err := os.MkdirAll(target, 0o755); err != nil {
		return fmt.Errorf("the root file system has no directory %s: %w", dir, err)
	}
	if err := unix.Mount(dir, target, "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("moving %s: %w", dir, err)
	}
	return nil
}

// switchRoot makes newRoot "/" without starting anything: all threads of a
// process share their root directory.
func switchRoot() error {
	if err := unix.Chdir(newRoot); err != nil {
		return err
	}
	if err := unix.Mount(".", "/", "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("making the root file system the root: %w", err)
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	return unix.Chdir("/")
}
