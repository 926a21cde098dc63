package libvirttest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// namespace is a network of its own with one cable to ours.
type namespace struct {
	tb      testing.TB
	name    string
	address string // of the node in it
}

// newNamespace skips the test where it is not run by root.
func newNamespace(tb testing.TB) *namespace {
	tb.Helper()
	if os.Geteuid() != 0 {
		tb.Skip("skipped: a node with an address of its own needs a network namespace, and that needs root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		tb.Skip("skipped: the command ip is missing: apt-get install iproute2")
	}
	var seed [2]byte
	_, _ = rand.Read(seed[:])
	number := binary.BigEndian.Uint16(seed[:]) &^ 3 // a network of four addresses
	at := func(host uint16) string {
		// 198.18.0.0/15 is set aside for tests of networks (RFC 2544).
		return net.IPv4(198, 18, byte((number+host)>>8), byte(number+host)).String()
	}
	s := &namespace{tb: tb, name: fmt.Sprintf("lm%04x%05x", number, os.Getpid()), address: at(2)}
	tb.Cleanup(s.remove)
	here, there := s.cable()
	ip(tb, "netns", "add", s.name)
	ip(tb, "link", "add", here, "type", "veth", "peer", "name", there, "netns", s.name)
	ip(tb, "addr", "add", at(1)+"/30", "dev", here)
	ip(tb, "link", "set", here, "up")
	ip(tb, "-n", s.name, "addr", "add", s.address+"/30", "dev", there)
	ip(tb, "-n", s.name, "link", "set", "lo", "up")
	ip(tb, "-n", s.name, "link", "set", there, "up")
	return s
}

func (s *namespace) path() string { return "/run/netns/" + s.name }

// cable names both ends; an interface's name has 15 bytes at most.
func (s *namespace) cable() (here, there string) { return s.name + "h", s.name + "n" }

func (s *namespace) plug(state string) {
	s.tb.Helper()
	_, there := s.cable()
	ip(s.tb, "-n", s.name, "link", "set", there, state)
}

// processes are those that live in the namespace.
func (s *namespace) processes() []int {
	info, err := os.Stat(s.path())
	if err != nil {
		return nil
	}
	inode := "net:[" + strconv.FormatUint(info.Sys().(*syscall.Stat_t).Ino, 10) + "]"
	links, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	var pids []int
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == inode {
			pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
			if pid != os.Getpid() {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// remove ends what lives in the namespace, then it.
func (s *namespace) remove() {
	if _, err := os.Stat(s.path()); err != nil {
		return // the guard has been there
	}
	kill(s.tb, s.processes)
	here, _ := s.cable()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// Deleting the cable first spares us waiting for the kernel to do it.
	_ = exec.CommandContext(ctx, "ip", "link", "del", here).Run()
	if out, err := exec.CommandContext(ctx, "ip", "netns", "del", s.name).CombinedOutput(); err != nil {
		s.tb.Errorf("ip netns del %s: %v: %s", s.name, err, out)
	}
}

// kill ends processes and waits until they are gone.
func kill(tb testing.TB, list func() []int) {
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		left := list()
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if time.Since(begun) > time.Minute {
			tb.Errorf("the processes %v do not end", left)
			return
		}
	}
}

func ip(tb testing.TB, args ...string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
		tb.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
