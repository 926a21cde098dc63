// Package bare starts a User-Mode Linux guest as one would by hand: the kernel
// as a plain child process, without jail, supervisor or stored state. It is
// what package uml is measured against, and fit for nothing else: root in such
// a guest may read the host's files.
package bare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

// Config is what the guest is made of; all are paths but Memory, in bytes.
type Config struct {
	Kernel, Initrd, Image string
	// Dir takes the copy-on-write file.
	Dir      string
	Memory   int64
	Personal guestlink.Personal
}

// Guest is a running guest.
type Guest struct {
	cmd  *exec.Cmd
	link *guestlink.Host
}

// Start boots the guest and returns when its SSH server can be dialled. Its
// copy-on-write file is made anew.
func Start(ctx context.Context, cfg Config) (*Guest, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make the serial line: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "serial line"), os.NewFile(uintptr(pair[1]), "serial line")
	defer ours.Close()
	defer theirs.Close()
	line, err := net.FileConn(ours)
	if err != nil {
		return nil, fmt.Errorf("make the serial line: %w", err)
	}
	disk := filepath.Join(cfg.Dir, "cow")
	if err := os.Remove(disk); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	// setarch -R is what Debian's kernel needs.
	cmd := exec.Command("setarch", "-R", cfg.Kernel,
		fmt.Sprintf("mem=%dK", cfg.Memory>>10), "initrd="+cfg.Initrd,
		"ubd0="+disk+","+cfg.Image, "root=/dev/ubda", "uml_dir="+cfg.Dir,
		"con=null", "con0=null,fd:1", "ssl=null", "ssl0=fd:3", "seccomp=auto", "quiet")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		line.Close()
		return nil, fmt.Errorf("start the kernel: %w", err)
	}
	g := &Guest{cmd: cmd}
	personal := cfg.Personal
	personal.Time, personal.Entropy = time.Now(), make([]byte, 64)
	if g.link, err = guestlink.Connect(ctx, line, personal, guestlink.Options{}); err != nil {
		g.Kill()
		return nil, err
	}
	return g, nil
}

// Dial opens a stream to the guest's SSH server. The name is ignored.
func (g *Guest) Dial(ctx context.Context, _ string) (net.Conn, error) { return g.link.Open(ctx) }

// Kill ends the guest and waits for its end.
func (g *Guest) Kill() {
	if g.link != nil {
		_ = g.link.Close()
	}
	_ = syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL)
	_ = g.cmd.Wait()
}
