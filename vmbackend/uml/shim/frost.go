package shim

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// How a guest is frozen, and why no other way would do, is told in
// docs/decisions/uml-suspend.md.

const (
	// frostPatience is how long the processes of a guest may take to stand
	// still: on a busy host each needs its turn to see the signal.
	frostPatience = 10 * time.Second
	frostPause    = 2 * time.Millisecond
)

// suspend freezes the guest where it is.
func (s *supervisor) suspend() error {
	s.frost.Lock()
	defer s.frost.Unlock()
	now, _, _ := s.look()
	switch now.State {
	case vmbackend.Suspended:
		return nil
	case vmbackend.Running:
	default:
		return fmt.Errorf("it is %s: %w", now.State, vmbackend.ErrWrongState)
	}
	if err := freeze(now.Pid); err != nil {
		thaw(now.Pid)
		return err
	}
	if !s.swap(now, vmbackend.Suspended) {
		return fmt.Errorf("it ended at this moment: %w", vmbackend.ErrWrongState)
	}
	return nil
}

// resume thaws the guest. Its clock needs no help: it reads the host's.
func (s *supervisor) resume() error {
	s.frost.Lock()
	defer s.frost.Unlock()
	now, _, _ := s.look()
	switch now.State {
	case vmbackend.Running:
		return nil
	case vmbackend.Suspended:
	default:
		return fmt.Errorf("it is %s: %w", now.State, vmbackend.ErrWrongState)
	}
	thaw(now.Pid)
	if !s.swap(now, vmbackend.Running) {
		return fmt.Errorf("it ended at this moment: %w", vmbackend.ErrWrongState)
	}
	return nil
}

// swap enters a state unless the guest does something else by now.
func (s *supervisor) swap(was Event, to vmbackend.State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.State != was.State || s.now.Pid != was.Pid {
		return false
	}
	s.now.State, s.now.Since, s.now.Reason = to, time.Now(), ""
	s.announce()
	return true
}

// freeze stops a guest's kernel, then all processes below it, and returns when
// none of them runs any more. The kernel comes first: it makes no new ones then.
func freeze(kernel int) error {
	if err := syscall.Kill(kernel, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("freeze the guest: %w", err)
	}
	deadline := time.Now().Add(frostPatience)
	for still := false; ; time.Sleep(frostPause) {
		p, err := readProcess(kernel)
		switch {
		case err != nil || p.gone():
			return fmt.Errorf("it ended at this moment: %w", vmbackend.ErrWrongState)
		case still && frozen(kernel):
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("freeze the guest: its processes do not stand still within %s", frostPatience)
		}
		still = p.still()
	}
}

// frozen stops what still runs below a kernel that stands still, and says
// whether nothing did.
func frozen(kernel int) bool {
	all := true
	for _, pid := range below(kernel) {
		p, err := readProcess(pid)
		if err != nil || p.still() || p.gone() {
			continue
		}
		all = false
		signal := syscall.SIGSTOP
		if p.traced {
			// Its kernel, which traces it, would take SIGSTOP for a fault. This
			// one halts it all the same, until the kernel looks, which then
			// passes it over.
			signal = syscall.SIGALRM
		}
		_ = syscall.Kill(pid, signal)
	}
	return all
}

// thaw lets a frozen guest go on, the kernel last.
func thaw(kernel int) {
	for _, pid := range below(kernel) {
		if p, err := readProcess(pid); err == nil && !p.traced {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}
	_ = syscall.Kill(kernel, syscall.SIGCONT)
}

// below are all processes that descend from one.
func below(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, list := range lists {
			content, _ := os.ReadFile(list)
			for _, child := range strings.Fields(string(content)) {
				if n, err := strconv.Atoi(child); err == nil {
					all = append(all, n)
				}
			}
		}
	}
	return all[1:]
}

// process is what /proc tells of one (proc_pid_status(5)).
type process struct {
	state  byte
	traced bool
}

func (p process) still() bool { return p.state == 'T' || p.state == 't' }
func (p process) gone() bool  { return p.state == 'Z' || p.state == 'X' }

func readProcess(pid int) (process, error) {
	var p process
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return p, err
	}
	for line := range bytes.Lines(content) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch string(name) {
		case "State":
			if len(value) > 0 {
				p.state = value[0]
			}
		case "TracerPid":
			p.traced = string(value) != "0"
		}
	}
	if p.state == 0 {
		return p, errors.New("no State")
	}
	return p, nil
}
