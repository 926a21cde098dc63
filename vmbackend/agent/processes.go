package agent

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// processes starts programs and collects how they ended. Process 1 must also
// collect orphans; os/exec cannot be used beside that, as its Wait and the
// collecting of orphans would take each other's children.
type processes struct {
	// init says that this is process 1: reap is called for everybody.
	init bool
	// ordinary says that the agent has a privilege which programs shall not.
	ordinary bool
	// proc is /proc, held open: it stays even if the student unmounts it.
	proc *os.Root

	mu      sync.Mutex
	started map[int]*process
}

// process is one child. status is valid once done is closed.
type process struct {
	pid    int
	done   chan struct{}
	status syscall.WaitStatus
}

func newProcesses(init bool) (*processes, error) {
	proc, err := os.OpenRoot("/proc")
	if err != nil {
		return nil, err
	}
	return &processes{init: init, proc: proc, started: map[int]*process{}}, nil
}

// start runs a program. A kernel that is short of processes is asked again
// for a while: under a fork bomb one ends every moment.
func (ps *processes) start(path string, argv []string, attr *syscall.ProcAttr) (*process, error) {
	for deadline := time.Now().Add(2 * time.Second); ; {
		p, err := ps.tryStart(path, argv, attr)
		if !errors.Is(err, syscall.EAGAIN) || time.Now().After(deadline) {
			return p, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (ps *processes) tryStart(path string, argv []string, attr *syscall.ProcAttr) (*process, error) {
	// The lock keeps reap from collecting a child that is not yet known.
	ps.mu.Lock()
	defer ps.mu.Unlock()
	pid, err := syscall.ForkExec(path, argv, attr)
	if err != nil {
		return nil, err
	}
	if ps.ordinary {
		makeOrdinary(pid)
	}
	p := &process{pid: pid, done: make(chan struct{})}
	if ps.init {
		ps.started[pid] = p
	} else {
		go p.wait()
	}
	return p, nil
}

func (p *process) wait() {
	defer close(p.done)
	for {
		_, err := syscall.Wait4(p.pid, &p.status, 0, nil)
		if !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}

// reapForever collects every child that ends: process 1's duty.
func (ps *processes) reapForever() {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	for {
		ps.reap()
		<-ended
	}
}

func (ps *processes) reap() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if p := ps.started[pid]; p != nil {
			delete(ps.started, pid)
			p.status = status
			close(p.done)
		}
	}
}

// signalSession sends sig to all processes of the session that sid leads,
// whatever their process groups. KILL is repeated until none is left, since
// those that are about to die may still fork.
func (ps *processes) signalSession(sid int, sig syscall.Signal) {
	const rounds = 100
	for range rounds {
		_ = syscall.Kill(-sid, sig)
		left := 0
		for _, pid := range ps.session(sid) {
			if syscall.Kill(pid, sig) == nil {
				left++
			}
		}
		if left == 0 || sig != syscall.SIGKILL {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// session lists the processes of a session that are still alive.
func (ps *processes) session(sid int) []int {
	dir, err := ps.proc.Open(".")
	if err != nil {
		return nil
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, alive := ps.stat(name); alive && s == sid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// stat reads a process's session from /proc/PID/stat, see proc(5): fields 3
// (state) and 6, counted from the end of the name, which may hold anything.
func (ps *processes) stat(pid string) (session int, alive bool) {
	data, err := ps.proc.ReadFile(pid + "/stat")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 4 {
		return 0, false
	}
	session, err = strconv.Atoi(fields[3])
	return session, err == nil && fields[0] != "Z" && fields[0] != "X"
}
