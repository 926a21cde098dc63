package facts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxPrinted is how much of a command's output is kept, in bytes.
const maxPrinted = 64 << 10

// command runs a line in a shell.
func (m *Machine) command(ctx context.Context, f Fact) (seen, error) {
	shell := m.Shell
	if shell == "" {
		shell = "/bin/sh"
	}
	cmd := exec.CommandContext(ctx, shell, "-c", f.Subject)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 250 * time.Millisecond // for what it left in the background
	out := &bounded{}
	cmd.Stdout = out
	account, err := m.become(cmd, f.option("user"))
	if err != nil {
		return seen{missing: err.Error()}, nil
	}
	cmd.Env = append([]string{"PATH=" + m.searchPath(), "LANG=C.UTF-8", "SHELL=" + shell}, account...)
	for name, value := range m.Vars {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	err = cmd.Run()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return seen{}, errors.New("the command had not ended in time")
	case err != nil && !errors.As(err, &ended) && !errors.Is(err, exec.ErrWaitDelay):
		return seen{}, fmt.Errorf("the command could not be started: %w", err)
	}
	status := cmd.ProcessState.ExitCode()
	if status < 0 {
		status = 128 + int(cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
	}
	text := out.String()
	s := seen{fields: map[string][]string{"exit": {strconv.Itoa(status)}, "contains": {text}, "matches": {text}, "equals": {text}}}
	if out.cut {
		s.note = fmt.Sprintf(" (only the first %d KB were looked at)", maxPrinted>>10)
	}
	return s, nil
}

func (m *Machine) searchPath() string {
	if m.Path != "" {
		return m.Path
	}
	return "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
}

// become makes a command another user's, and returns what the environment
// says of the user.
func (m *Machine) become(cmd *exec.Cmd, name string) ([]string, error) {
	if name == "" || name == "root" {
		return []string{"HOME=/root", "USER=root", "LOGNAME=root"}, nil
	}
	m.readAccounts()
	line := named(m.accounts.users, 0, name)
	if line == nil {
		return nil, fmt.Errorf("no user %s", name)
	}
	uid, err1 := strconv.ParseUint(line[2], 10, 32)
	gid, err2 := strconv.ParseUint(line[3], 10, 32)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("no user %s with a number", name)
	}
	groups := []uint32{uint32(gid)}
	for _, g := range m.accounts.groups {
		id, err := strconv.ParseUint(g[2], 10, 32)
		if err == nil && strings.Contains(","+g[3]+",", ","+name+",") {
			groups = append(groups, uint32(id))
		}
	}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groups}
	}
	if info, err := os.Stat(line[5]); err == nil && info.IsDir() {
		cmd.Dir = line[5]
	}
	return []string{"HOME=" + line[5], "USER=" + name, "LOGNAME=" + name}, nil
}

// bounded keeps the start of what is written.
type bounded struct {
	bytes.Buffer
	cut bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := maxPrinted - b.Len()
	if len(p) > room {
		b.cut = true
		_, _ = b.Buffer.Write(p[:room])
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
