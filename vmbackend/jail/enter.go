package jail

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// stage is what the first run tells the second.
type stage struct {
	Spec  Spec `json:"spec"`
	Files int  `json:"files"`
	// Trees says that descriptors of the mounts follow those of the program,
	// because the jail's user may not reach the files by their names.
	Trees bool `json:"trees"`
}

// controlFD is where the second run finds its control socket; the program's
// descriptors follow, then the mounts'.
const controlFD = 3

// Enter turns the process into the jailed program if Start began it; else it
// does nothing. Call it first in main: descriptors are at fixed numbers, and
// nothing may have started the runtime's poller, whose descriptor would be in
// their way.
func Enter() {
	if len(os.Args) != 1 || os.Args[0] != stageName {
		return
	}
	runtime.LockOSThread()
	err := enter()
	_, _ = unix.Write(controlFD, []byte(err.Error()))
	os.Exit(125)
}

func enter() error {
	var s stage
	if err := receive(&s); err != nil {
		return err
	}
	steps := []struct {
		name string
		do   func(*stage) error
	}{
		{"build the jail's files", buildRoot},
		{"name the host", func(*stage) error { return unix.Sethostname([]byte("guest")) }},
		{"limit resources", limit},
		{"drop capabilities", dropCapabilities},
		{"fix addresses", fixAddresses},
		{"tie to the parent's life", tieToParent},
		{"filter system calls", func(*stage) error { return filterSystemCalls() }},
	}
	for _, step := range steps {
		if err := step.do(&s); err != nil {
			return fmt.Errorf("cannot %s: %w", step.name, err)
		}
	}
	return execute(&s)
}

func receive(s *stage) error {
	var message []byte
	buf := make([]byte, 16<<10)
	for {
		n, err := unix.Read(controlFD, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot read the spec: %w", err)
		}
		if n == 0 {
			break
		}
		message = append(message, buf[:n]...)
	}
	return json.Unmarshal(message, s)
}

func limit(s *stage) error {
	// The kernel's input and output thread must see an error, not die of the
	// signal, when it reaches the limit of a file.
	signal.Ignore(unix.SIGXFSZ)
	limits := map[int]uint64{
		unix.RLIMIT_CORE:     0,
		unix.RLIMIT_MEMLOCK:  0,
		unix.RLIMIT_MSGQUEUE: 0,
		unix.RLIMIT_FSIZE:    s.Spec.Limits.FileSize,
		unix.RLIMIT_NPROC:    s.Spec.Limits.Processes,
		unix.RLIMIT_NOFILE:   s.Spec.Limits.OpenFiles,
	}
	for what, n := range limits {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("limit %d to %d: %w", what, n, err)
		}
	}
	return nil
}

// dropCapabilities takes all capabilities, and every way to get one back,
// from the calling thread; the others end when the program is executed.
func dropCapabilities(*stage) error {
	for c := uintptr(0); ; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL {
			break // past the last one that this kernel knows
		} else if err != nil {
			return fmt.Errorf("bounding set: %w", err)
		}
	}
	// SECBIT_NOROOT, _NO_SETUID_FIXUP, _NO_CAP_AMBIENT_RAISE and the locks of
	// these and of SECBIT_KEEP_CAPS (linux/securebits.h).
	const bits = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<5 | 1<<6 | 1<<7
	if err := unix.Prctl(unix.PR_SET_SECUREBITS, bits, 0, 0, 0); err != nil {
		return fmt.Errorf("secure bits: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
}

func fixAddresses(s *stage) error {
	if !s.Spec.FixedAddresses {
		return nil
	}
	const addrNoRandomize = 0x0040000 // linux/personality.h
	if _, _, errno := unix.RawSyscall(unix.SYS_PERSONALITY, addrNoRandomize, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// tieToParent makes the kernel kill this process when its parent dies. A
// parent that died just before is noticed by its end of the control socket.
func tieToParent(*stage) error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	_, err := unix.Write(controlFD, []byte("ok"))
	return err
}

// execute puts the program's descriptors in their places, marks all others to
// be closed, and becomes the program.
func execute(s *stage) error {
	high := make([]int, s.Files)
	for i := range high {
		fd, err := unix.FcntlInt(uintptr(controlFD+1+i), unix.F_DUPFD_CLOEXEC, s.Files)
		if err != nil {
			return fmt.Errorf("cannot arrange descriptors: %w", err)
		}
		high[i] = fd
	}
	control, err := unix.FcntlInt(controlFD, unix.F_DUPFD_CLOEXEC, s.Files)
	if err != nil {
		return fmt.Errorf("cannot arrange descriptors: %w", err)
	}
	for i, fd := range high {
		if err := unix.Dup2(fd, i); err != nil {
			return complain(control, fmt.Errorf("cannot arrange descriptors: %w", err))
		}
	}
	if err := unix.CloseRange(uint(s.Files), 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return complain(control, fmt.Errorf("cannot close descriptors: %w", err))
	}
	err = unix.Exec(s.Spec.Path, s.Spec.Args, s.Spec.Env)
	return complain(control, fmt.Errorf("cannot execute %s: %w", s.Spec.Path, err))
}

// complain tells of an error after the control socket has moved.
func complain(control int, err error) error {
	_, _ = unix.Write(control, []byte(err.Error()))
	os.Exit(125)
	return nil
}
