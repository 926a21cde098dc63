package jail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// probe runs inside the jail and never returns.
func probe(name string) {
	switch name {
	case "escapes":
		results := map[string]string{}
		for name, attempt := range attempts {
			if err := attempt(); err != nil {
				results[name] = "refused"
			} else {
				results[name] = "it worked"
			}
		}
		out, _ := json.Marshal(results)
		_, _ = os.Stdout.Write(out)
	case "tree":
		_ = filepath.WalkDir("/", func(path string, _ fs.DirEntry, _ error) error {
			fmt.Println(path)
			return nil
		})
	case "wait":
		fmt.Print(".")
		select {}
	}
	os.Exit(0)
}

// attempts each return nil if they got through.
var attempts = map[string]func() error{
	"read the host's password file": func() error { _, err := os.ReadFile("/etc/passwd"); return err },
	"see processes":                 func() error { _, err := os.ReadDir("/proc"); return err },
	"see devices' drivers":          func() error { _, err := os.ReadDir("/sys"); return err },
	"create a file in /":            func() error { return os.WriteFile("/new", nil, 0o600) },
	"create a file in /dev":         func() error { return os.WriteFile("/dev/new", nil, 0o600) },
	"write the given file":          func() error { _, err := os.OpenFile("/given", os.O_WRONLY, 0); return err },
	"replace the program":           func() error { return os.Rename("/own", "/probe") },
	"fill more memory than allowed": func() error { return os.WriteFile("/tmp/big", make([]byte, 2<<20), 0o600) },
	"make a file longer than allowed": func() error {
		if err := os.WriteFile("/own", []byte("written"), 0); err != nil {
			return nil // reported by the test: the file must be writable
		}
		return os.Truncate("/own", 9<<20)
	},
	"open more files than allowed": func() error {
		for range 70 {
			fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			defer func() { _ = unix.Close(fd) }()
		}
		return nil
	},
	"remount": func() error {
		return unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND, "")
	},
	"mount proc":        func() error { return unix.Mount("proc", "/tmp", "proc", 0, "") },
	"mount tmpfs":       func() error { return unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "") },
	"chroot":            func() error { return unix.Chroot("/tmp") },
	"make a device":     func() error { return unix.Mknod("/tmp/sda", unix.S_IFBLK|0o600, int(unix.Mkdev(8, 0))) },
	"new namespaces":    func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
	"change user":       setAnotherUser,
	"dial loopback":     func() error { _, err := net.Dial("tcp", "127.0.0.1:22"); return err },
	"unix socket":       func() error { _, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
	"netlink socket":    func() error { _, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0); return err },
	"packet socket":     func() error { _, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); return err },
	"inet socket pair":  func() error { _, err := unix.Socketpair(unix.AF_INET, unix.SOCK_STREAM, 0); return err },
	"kill others":       func() error { return unix.Kill(-1, 0) },
	"kill the parent":   func() error { return killed(os.Getppid()) },
	"trace the parent":  func() error { return traced(2) },
	"keyring":           func() error { _, err := unix.KeyctlGetKeyringID(-3, true); return err },
	"read kernel log":   func() error { _, err := unix.Klogctl(3, make([]byte, 100)); return err },
	"bpf":               func() error { return raw(unix.SYS_BPF) },
	"perf":              func() error { return raw(unix.SYS_PERF_EVENT_OPEN) },
	"userfaultfd":       func() error { return raw(unix.SYS_USERFAULTFD) },
	"io_uring":          func() error { return raw(unix.SYS_IO_URING_SETUP) },
	"clone3":            func() error { return unlessAbsent(raw(unix.SYS_CLONE3)) },
	"open by handle":    func() error { return raw(unix.SYS_OPEN_BY_HANDLE_AT) },
	"set the clock":     func() error { return unix.Settimeofday(&unix.Timeval{Sec: 1}) },
	"load a module":     func() error { return unix.FinitModule(0, "", 0) },
	"capabilities back": capabilitiesBack,
	"more than the one open descriptor set": func() error {
		for fd := 3; fd < 20; fd++ {
			var stat unix.Stat_t
			if unix.Fstat(fd, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFDIR {
				return nil // an open folder of the host is a way out
			}
		}
		return errors.New("no folder is open")
	},
}

func raw(nr uintptr) error {
	if _, _, errno := unix.RawSyscall(nr, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func unlessAbsent(err error) error {
	if errors.Is(err, unix.ENOSYS) {
		return err
	}
	return nil
}

func setAnotherUser() error {
	if err := syscall.Setuid(1); err != nil {
		return err
	}
	return nil
}

func killed(pid int) error {
	if pid == 0 {
		return errors.New("the parent is out of sight")
	}
	return unix.Kill(pid, 0)
}

func traced(pid int) error { return unix.PtraceAttach(pid) }

func capabilitiesBack() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Permitted: 1, Effective: 1}}
	return unix.Capset(&header, &data[0])
}
