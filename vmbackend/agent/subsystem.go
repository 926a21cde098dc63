package agent

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/labmark/labmark/internal/facts"
	"github.com/labmark/labmark/vmbackend/sshserver"
)

// The subsystems: what Labmark asks of a guest without the guest's programs.
const (
	// CheckSubsystem runs a program of the toolbox. Its input is one line of
	// JSON, see order, and then what the program reads.
	CheckSubsystem = "labmark-check"
	// FactsSubsystem answers a facts.Question by a facts.Reply.
	FactsSubsystem = "labmark-facts"
	// ToolboxSubsystem takes the toolbox in: a gzipped tar.
	ToolboxSubsystem = "labmark-toolbox"
)

// FactsCommand makes the agent's binary answer one question and end.
const FactsCommand = "facts"

// Subsystem says which ones there are.
func (a *Agent) Subsystem(name string) bool {
	return name == CheckSubsystem || name == FactsSubsystem || name == ToolboxSubsystem || name == SFTPSubsystem
}

func (a *Agent) subsystem(s *sshserver.Session, acct account) (sshserver.Exit, error) {
	if s.Command == SFTPSubsystem {
		return a.sftpSession(s, acct)
	}
	if s.User != "root" {
		return sshserver.Exit{}, errors.New("this subsystem is root's")
	}
	switch s.Command {
	case CheckSubsystem:
		return a.checkSession(s)
	case FactsSubsystem:
		return a.factsSession(s)
	}
	return sshserver.Exit{}, a.toolbox.fill(s)
}

// order is the first line of a check.
type order struct {
	// User runs it; empty is root.
	User string `json:"user,omitempty"`
	// Argv begins with a program's name in the toolbox.
	Argv []string `json:"argv"`
	// Env is added to the environment.
	Env []string `json:"env,omitempty"`
}

// maxOrder bounds an order, in bytes.
const maxOrder = 64 << 10

func readOrder(in *bufio.Reader) (o order, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return o, fmt.Errorf("what to run can't be read: %w", err)
	}
	if err := json.Unmarshal(line, &o); err != nil {
		return o, fmt.Errorf("what to run can't be read: %w", err)
	}
	if len(o.Argv) == 0 || filepath.Base(o.Argv[0]) != o.Argv[0] {
		return o, errors.New("what to run is a name")
	}
	return o, nil
}

// checkSession runs a program of the toolbox, as plainSession does one of the
// guest's. No shell of the guest stands between.
func (a *Agent) checkSession(s *sshserver.Session) (sshserver.Exit, error) {
	in := bufio.NewReaderSize(s, maxOrder)
	o, err := readOrder(in)
	if err != nil {
		return sshserver.Exit{}, err
	}
	if o.User == "" {
		o.User = "root"
	}
	acct, err := lookup(a.root, o.User)
	if err != nil {
		return sshserver.Exit{}, err
	}
	if !a.toolbox.ready() {
		return sshserver.Exit{}, errNoToolbox
	}
	return a.onPipes(s, in, acct, func(files [3]*os.File) (*process, error) {
		attr := &syscall.ProcAttr{
			Dir: acct.home, Env: append([]string{"PATH=" + CheckPath, "HOME=" + acct.home, "LANG=C.UTF-8"}, o.Env...),
			Sys:   &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: acct.uid, Gid: acct.gid, Groups: acct.groups}},
			Files: []uintptr{files[0].Fd(), files[1].Fd(), files[2].Fd()},
		}
		return a.inView(true, func() (*process, error) { return a.startIn(toolboxPath+"/"+o.Argv[0], o.Argv, attr) })
	})
}

// factsGrace is how long the looking may take beyond its time.
const factsGrace = time.Second

// factsSession looks. It does so itself, as to start a process costs more than
// all of the looking; but once something has hung, and for facts that run
// commands, it is a child of this program that looks.
func (a *Agent) factsSession(s *sshserver.Session) (sshserver.Exit, error) {
	text, err := io.ReadAll(io.LimitReader(s, facts.MaxQuestion))
	if err != nil {
		return sshserver.Exit{}, err
	}
	var q facts.Question
	if err := json.Unmarshal(text, &q); err != nil {
		return sshserver.Exit{}, fmt.Errorf("the question can't be read: %w", err)
	}
	if q.Time <= 0 || q.Time > maxLook {
		return sshserver.Exit{}, fmt.Errorf("a look takes up to %v", maxLook)
	}
	tools := facts.NeedsShell(q.Facts)
	switch {
	case tools && !a.toolbox.ready():
		return sshserver.Exit{}, errNoToolbox
	case tools || a.hung.Load():
		return a.lookByChild(s, text, q.Time, tools)
	}
	return a.lookHere(s, text, q.Time)
}

// maxLook bounds the time of one question.
const maxLook = 10 * time.Minute

// lookHere looks by a goroutine that is left alone where it does not come back.
func (a *Agent) lookHere(s *sshserver.Session, text []byte, limit time.Duration) (sshserver.Exit, error) {
	done := make(chan error, 1)
	var reply bytes.Buffer
	go func() {
		runtime.LockOSThread() // as in inView
		var err error
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("looking failed: %v", p)
			}
			done <- err
		}()
		if err = a.enterView(false); err == nil {
			err = facts.Serve(s.Context(), bytes.NewReader(text), &reply, facts.Machine{Root: "/"})
		}
	}()
	late := time.NewTimer(limit + factsGrace)
	defer late.Stop()
	select {
	case err := <-done:
		if err == nil {
			_, err = s.Write(reply.Bytes())
		}
		return sshserver.Exit{}, err
	case <-late.C:
		a.hung.Store(true)
		return sshserver.Exit{Signal: "KILL"}, nil
	}
}

func (a *Agent) lookByChild(s *sshserver.Session, text []byte, limit time.Duration, tools bool) (sshserver.Exit, error) {
	env := []string{"GOGC=off", "GOMEMLIMIT=32MiB", "GOMAXPROCS=1"}
	acct := account{name: "root", home: "/root"}
	return a.onPipes(s, bytes.NewReader(text), acct, func(files [3]*os.File) (*process, error) {
		p, err := a.inView(tools, func() (*process, error) { return a.startSelf(FactsCommand, env, files) })
		if err == nil {
			late := time.AfterFunc(limit+factsGrace, func() { a.procs.signalSession(p.pid, syscall.SIGKILL) })
			go func() { <-p.done; late.Stop() }()
		}
		return p, err
	})
}
