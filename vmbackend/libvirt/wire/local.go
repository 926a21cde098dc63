package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// local reaches the libvirtd of this machine.
type local struct{ target target }

func (l local) close() {}

func (l local) libvirt(ctx context.Context) (net.Conn, error) {
	var errs []error
	for _, path := range l.target.usualSockets(ownRuntimeDir()) {
		conn, err := l.socket(ctx, path)
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("libvirtd does not run here: %w", errors.Join(errs...))
}

func (l local) socket(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// command runs as the user whose libvirtd it is, as it does by SSH: what a
// script makes must be the guests' to read.
func (l local) command(ctx context.Context, stdin io.Reader, script string, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", script, "sh"}, args...)...)
	cmd.Dir, cmd.Stdin = "/", stdin
	out, errs := &limited{}, &limited{}
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: l.owner()}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return out.finish(ctx, cmd.Run(), errs)
}

// owner is who has the socket's folder, which is there also while libvirtd is
// not, if we are root and it is somebody else.
func (l local) owner() *syscall.Credential {
	if l.target.socket == "" || os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(l.target.socket))
	if err != nil {
		return nil
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return nil
	}
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}

// limited keeps the first bytes of a command's output.
type limited struct {
	buf  bytes.Buffer
	over bool
}

// maxOutput bounds what a command may print, in bytes.
const maxOutput = 4 << 20

func (l *limited) Write(p []byte) (int, error) {
	room := maxOutput - l.buf.Len()
	if len(p) > room {
		l.over = true
		l.buf.Write(p[:room])
		return len(p), nil
	}
	return l.buf.Write(p)
}

// finish makes what Command returns of the output and the command's end.
func (l *limited) finish(ctx context.Context, err error, errs *limited) ([]byte, error) {
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("the command did not end: %w", ctx.Err())
	case err != nil:
		said := strings.TrimSpace(errs.buf.String())
		return l.buf.Bytes(), fmt.Errorf("%w: %s", err, said[max(0, len(said)-1000):])
	case l.over:
		return l.buf.Bytes(), fmt.Errorf("the command printed more than %d bytes", maxOutput)
	}
	return l.buf.Bytes(), nil
}
