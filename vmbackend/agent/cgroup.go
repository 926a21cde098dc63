package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// weight is the student's share of the processor under contention; a process
// outside the group has 100.
const weight = 20

// controlGroup is the one that the student's sessions run in. Nil means none.
type controlGroup struct{ dir *os.File }

// newControlGroup mounts cgroup v2 at path and makes the student's group with
// room for pids processes.
func newControlGroup(path string, pids int) (*controlGroup, error) {
	if err := unix.Mount("cgroup2", path, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return nil, fmt.Errorf("mounting cgroup2: %w", err)
	}
	return studentGroup(path, pids)
}

// ownControlGroup makes the student's group below the agent's own, which
// systemd has delegated to it. The agent then moves into a group beside it:
// only groups without processes can be divided.
func ownControlGroup(pids int) (*controlGroup, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	_, own, found := strings.Cut(strings.TrimSpace(string(text)), "0::")
	if !found {
		return nil, errors.New("this machine has no cgroup v2")
	}
	path := filepath.Join("/sys/fs/cgroup", own)
	self := filepath.Join(path, "agent")
	if err := os.Mkdir(self, 0o755); err != nil && !os.IsExist(err) {
		return nil, err
	}
	if err := writeFile(self, "cgroup.procs", strconv.Itoa(os.Getpid())); err != nil {
		return nil, err
	}
	return studentGroup(path, pids)
}

func studentGroup(path string, pids int) (*controlGroup, error) {
	// Each by itself: a kernel may lack one.
	errPids := writeFile(path, "cgroup.subtree_control", "+pids")
	_ = writeFile(path, "cgroup.subtree_control", "+cpu")
	group := filepath.Join(path, "student")
	if err := os.Mkdir(group, 0o755); err != nil && !os.IsExist(err) {
		return nil, err
	}
	_ = writeFile(group, "cpu.weight", strconv.Itoa(weight))
	if errPids == nil {
		errPids = writeFile(group, "pids.max", strconv.Itoa(pids))
	}
	dir, err := os.Open(group)
	if err != nil {
		return nil, err
	}
	return &controlGroup{dir}, errPids
}

// join makes the next process start in the group.
func (g *controlGroup) join(sys *syscall.SysProcAttr) {
	if g != nil {
		sys.UseCgroupFD, sys.CgroupFD = true, int(g.dir.Fd())
	}
}

func writeFile(dir, name, text string) error {
	return os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644)
}

// defaultPids is half of what the kernel allows, and at most 1024.
func defaultPids() int {
	data, err := os.ReadFile("/proc/sys/kernel/threads-max")
	if err != nil {
		return 256
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 256
	}
	return max(64, min(n/2, 1024))
}
