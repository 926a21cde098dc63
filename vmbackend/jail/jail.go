// Package jail runs one program with nothing of the host around it: no files
// but those it is given, no network, no capabilities, no other processes. It
// is pure Go, needs no helper installed, and works as root and as an ordinary
// user where user namespaces are allowed.
//
// The program runs in new user, mount, pid, network, ipc, uts and cgroup
// namespaces, as their process 1, on a read-only tmpfs that holds just its
// Mounts, /dev/null, /dev/zero, /dev/urandom and a size-limited /tmp. There is
// no /proc. A seccomp filter refuses what a User-Mode Linux kernel never needs.
//
// To get there, Start runs the calling executable a second time, inside the
// new namespaces; therefore main (or TestMain) must call Enter before all else.
package jail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Spec describes the program and all that it may touch.
type Spec struct {
	// Path is the program's path inside the jail, Args its arguments with the
	// program's name first, Env its whole environment.
	Path string   `json:"path"`
	Args []string `json:"args"`
	Env  []string `json:"env,omitempty"`
	// Mounts are the host's files that the program sees.
	Mounts []Mount `json:"mounts"`
	// Scratch is the room in /tmp, in bytes; it is memory.
	Scratch int64 `json:"scratch"`
	// Files become the program's descriptors 0, 1, 2 …; at least three.
	Files []*os.File `json:"-"`
	// HostID is the host's user and group that the program runs as when root
	// starts it. An ordinary user's jail runs as that user.
	HostID int `json:"host_id,omitempty"`
	// FixedAddresses turns off address randomisation, which Debian's
	// User-Mode Linux cannot stand.
	FixedAddresses bool `json:"fixed_addresses,omitempty"`
	// Limits bound what the program may take.
	Limits Limits `json:"limits"`
}

// Mount puts one file of the host into the jail.
type Mount struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	Writable bool   `json:"writable,omitempty"`
	Device   bool   `json:"device,omitempty"`
}

// Limits are resource limits (setrlimit(2)); zero values mean zero.
type Limits struct {
	FileSize  uint64 `json:"file_size"` // bytes in any one file
	OpenFiles uint64 `json:"open_files"`
	Processes uint64 `json:"processes"`
}

// Process is a running jail.
type Process struct {
	// Pid is the program's process id as the host sees it.
	Pid   int
	cmd   *exec.Cmd
	ended chan struct{}
	err   error
}

// stageName is argv[0] of the executable's second run.
const stageName = "labmark-jail"

const namespaces = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID |
	syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP

// Start runs the program and returns once it has been executed. The program
// dies with the caller's process. Errors name the step that failed.
func Start(spec Spec) (*Process, error) {
	if len(spec.Files) < 3 {
		return nil, errors.New("jail: a program needs at least descriptors 0, 1 and 2")
	}
	spec.Mounts = append(devices(), spec.Mounts...)
	trees, err := openTrees(spec)
	if err != nil {
		return nil, err
	}
	defer closeAll(trees)

	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("jail: control socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "jail control"), os.NewFile(uintptr(pair[1]), "jail control")
	defer ours.Close()

	p := &Process{ended: make(chan struct{})}
	p.cmd = command(spec)
	p.cmd.ExtraFiles = append(append([]*os.File{theirs}, spec.Files...), trees...)
	started := make(chan error)
	go p.run(started)
	err = <-started
	theirs.Close()
	if err != nil {
		return nil, fmt.Errorf("jail: cannot make new namespaces: %w; an ordinary user needs user namespaces to be allowed (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)", err)
	}
	p.Pid = p.cmd.Process.Pid
	if err := handOver(ours, spec); err != nil {
		p.Kill()
		<-p.ended
		return nil, err
	}
	return p, nil
}

// run starts and reaps the program on one thread that stays: the kernel takes
// the death of the starting thread for the death of the parent.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
	close(p.ended)
}

// Kill ends the program and everything it started, at once.
func (p *Process) Kill() { _ = p.cmd.Process.Kill() }

// Ended is closed when nothing of the program runs any more.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Err says how the program ended, as exec.Cmd.Wait does; call it after Ended.
func (p *Process) Err() error { return p.err }

func command(spec Spec) *exec.Cmd {
	attr := &syscall.SysProcAttr{
		Cloneflags:  namespaces,
		Pdeathsig:   syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	if os.Getuid() == 0 {
		attr.UidMappings[0].HostID = spec.HostID
		attr.GidMappings[0].HostID = spec.HostID
		attr.GidMappingsEnableSetgroups = true
		attr.Credential = &syscall.Credential{} // also drops root's groups
	}
	return &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{stageName},
		Env:    []string{"GOMAXPROCS=1", "GOGC=off"},
		Stderr: spec.Files[2], SysProcAttr: attr,
	}
}

// handOver sends the spec and waits until the second run has become the
// program: then the control socket closes without a word.
func handOver(control *os.File, spec Spec) error {
	message, err := json.Marshal(stage{Spec: spec, Files: len(spec.Files), Trees: os.Getuid() == 0})
	if err != nil {
		return fmt.Errorf("jail: encode spec: %w", err)
	}
	if _, err := control.Write(message); err != nil {
		return fmt.Errorf("jail: send spec: %w", err)
	}
	if err := unix.Shutdown(int(control.Fd()), unix.SHUT_WR); err != nil {
		return fmt.Errorf("jail: send spec: %w", err)
	}
	complaint, err := io.ReadAll(control)
	if err != nil {
		return fmt.Errorf("jail: the second stage broke off: %w", err)
	}
	switch text := string(complaint); {
	case strings.HasPrefix(text, "ok"):
		if text != "ok" {
			return errors.New("jail: " + text[2:])
		}
		return nil
	case text == "":
		return errors.New("jail: the second stage died without a word; does main call jail.Enter first?")
	default:
		return errors.New("jail: " + text)
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
