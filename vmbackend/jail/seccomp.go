package jail

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets into struct seccomp_data (seccomp(2)), for little-endian machines.
const (
	offNumber = 0
	offArch   = 4
	offArg0   = 16
	offArg1   = 24
)

// newNamespaces are the flags of clone(2) that make namespaces.
const newNamespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// filterSystemCalls refuses for ever what the program has no need of. Refused
// calls fail and do not kill: a User-Mode Linux kernel traps its guest's calls
// with filters of its own, and the stricter verdict would win over those.
func filterSystemCalls() error {
	filter := program()
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

func program() []unix.SockFilter {
	deny := unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	absent := unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	p := []unix.SockFilter{
		load(offArch),
		jump(unix.BPF_JEQ, auditArch, 1, 0),
		give(absent), // another calling convention would slip past the numbers
		load(offNumber),
		jump(unix.BPF_JGE, foreignNumbers, 0, 1),
		give(absent),
	}
	for _, nr := range absentCalls {
		p = append(p, jump(unix.BPF_JEQ, nr, 0, 1), give(absent))
	}
	for _, nr := range deniedCalls {
		p = append(p, jump(unix.BPF_JEQ, nr, 0, 1), give(deny))
	}
	// Pairs of unix sockets are the kernel's pipes; all others are refused.
	p = append(p, whenArgument(unix.SYS_SOCKETPAIR, offArg0,
		jump(unix.BPF_JEQ, unix.AF_UNIX, 1, 0), give(deny))...)
	p = append(p, whenArgument(unix.SYS_CLONE, offArg0,
		jump(unix.BPF_JSET, newNamespaces, 0, 1), give(deny))...)
	// A panicking User-Mode Linux kernel sends itself SIGABRT until it dies,
	// which process 1 of a namespace never does. Refused, it exits.
	p = append(p, whenArgument(unix.SYS_KILL, offArg1,
		jump(unix.BPF_JEQ, uint32(unix.SIGABRT), 0, 1), give(deny))...)
	return append(p, give(unix.SECCOMP_RET_ALLOW))
}

// whenArgument applies two instructions to one argument of one system call,
// allowing the call when they fall through.
func whenArgument(nr, offset uint32, test, verdict unix.SockFilter) []unix.SockFilter {
	return []unix.SockFilter{
		jump(unix.BPF_JEQ, nr, 0, 4), load(offset), test, verdict, give(unix.SECCOMP_RET_ALLOW),
	}
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func jump(kind uint16, k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | kind | unix.BPF_K, K: k, Jt: yes, Jf: no}
}

func give(verdict uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: verdict}
}
