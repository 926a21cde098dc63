package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// Agent runs what SSH sessions ask for, with real processes.
type Agent struct {
	procs     *processes
	terminals terminals
	pty       *ptyMaker
	student   *controlGroup // nil where there are no control groups
	toolbox   toolbox
	hung      atomic.Bool // a look at facts has not come back
	root      string      // "/", but in tests

	mu  sync.Mutex
	ssh sshserver.Config
}

// New makes an agent for the machine that it runs on. init says that this is
// process 1, which then must collect all orphans too.
func New(init bool) (*Agent, error) {
	procs, err := newProcesses(init)
	if err != nil {
		return nil, err
	}
	pty, err := newPtyMaker("/dev/pts")
	if err != nil {
		return nil, err
	}
	a := &Agent{procs: procs, pty: pty, root: "/", terminals: terminals{kept: map[string]*terminal{}}}
	a.toolbox.open()
	return a, nil
}

// SetKeys says which key the SSH server has and which ones may log in.
func (a *Agent) SetKeys(hostKey, authorized []byte) error {
	signer, keys, err := sshserver.ParseKeys(hostKey, authorized)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ssh = sshserver.Config{HostKey: signer, AuthorizedKeys: keys, Handler: a}
	return nil
}

// ServeStream serves one SSH connection and closes conn.
func (a *Agent) ServeStream(ctx context.Context, conn net.Conn) {
	a.mu.Lock()
	config := a.ssh
	a.mu.Unlock()
	if config.HostKey == nil {
		_ = conn.Close()
		return
	}
	_ = sshserver.Serve(ctx, conn, config)
}

// cannotRun is what shells answer when a command cannot be started.
const cannotRun = 126

// Session runs one session. See the package comment.
func (a *Agent) Session(s *sshserver.Session) sshserver.Exit {
	acct, err := lookup(a.root, s.User)
	switch {
	case err != nil:
	case s.Kind == sshserver.Subsystem:
		var exit sshserver.Exit
		if exit, err = a.subsystem(s, acct); err == nil {
			return exit
		}
	case s.Pty != nil || s.Kind == sshserver.Shell && s.Getenv(terminalVariable) != "":
		var exit sshserver.Exit
		if exit, err = a.terminalSession(s, acct); err == nil {
			return exit
		}
	default:
		var exit sshserver.Exit
		if exit, err = a.plainSession(s, acct); err == nil {
			return exit
		}
	}
	_, _ = fmt.Fprintf(s.Stderr(), "labmark: %v\r\n", err)
	return sshserver.Exit{Status: cannotRun}
}

// allowed picks from what the client set what may reach the program.
func allowed(s *sshserver.Session) []string {
	var env []string
	for _, v := range s.Env {
		if forPrograms(v.Name) {
			env = append(env, v.Name+"="+v.Value)
		}
	}
	return env
}

// startShell starts acct's shell in an own session on the three files, with
// the first shell that there is. With a command it runs that; without one it
// is a login shell.
func (a *Agent) startShell(acct account, command string, isCommand bool, extra []string, files [3]*os.File, sys *syscall.SysProcAttr) (*process, error) {
	sys.Setsid = true
	acct.own(sys)
	var first error
	shells := acct.shells(!isCommand)
	for _, shell := range shells {
		argv := []string{"-" + filepath.Base(shell)}
		if isCommand {
			argv = []string{filepath.Base(shell), "-c", command}
		}
		attr := &syscall.ProcAttr{
			Dir: acct.home, Env: acct.environment(shell, extra), Sys: sys,
			Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd()},
		}
		p, err := a.startIn(shell, argv, attr)
		if err == nil {
			return p, nil
		}
		if first == nil {
			first = fmt.Errorf("%s: %w", shell, err)
		}
	}
	return nil, fmt.Errorf("no shell can be started, not even /bin/sh (%w)", first)
}

// startIn starts a program in its directory or, if that cannot be entered,
// in the root directory.
func (a *Agent) startIn(path string, argv []string, attr *syscall.ProcAttr) (*process, error) {
	if info, err := os.Stat(attr.Dir); err != nil || !info.IsDir() {
		attr.Dir = "/"
	}
	p, err := a.procs.start(path, argv, attr)
	if err != nil && attr.Dir != "/" {
		attr.Dir = "/"
		return a.procs.start(path, argv, attr)
	}
	return p, err
}

// exitOf translates how a process ended.
func exitOf(status syscall.WaitStatus) sshserver.Exit {
	if status.Signaled() {
		return sshserver.Exit{Signal: signalName(status.Signal()), Core: status.CoreDump()}
	}
	return sshserver.Exit{Status: uint32(status.ExitStatus())}
}

// signals are those of RFC 4254 section 6.10.
var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP,
	"ILL": syscall.SIGILL, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE,
	"QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

func signalName(sig syscall.Signal) string {
	for name, s := range signals {
		if s == sig {
			return name
		}
	}
	return fmt.Sprintf("%d@labmark", int(sig))
}
