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

	"golang.org/x/sys/unix"
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

// socket dials only what libvirtd's own user listens at, where we are root and
// that is somebody else: such a user, who names the paths, must not use us to
// reach what is root's.
func (l local) socket(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	owner := l.owner()
	if owner == nil {
		return conn, nil
	}
	if uid, err := listener(conn); err != nil || uid != owner.Uid {
		_ = conn.Close()
		return nil, fmt.Errorf("at the socket %s listens user %d, not %d, whose libvirtd this is: nothing is sent there", path, uid, owner.Uid)
	}
	return conn, nil
}

// listener is the user at the other end of a unix socket.
func listener(conn net.Conn) (uid uint32, err error) {
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, errors.New("it is no unix socket")
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *unix.Ucred
	failed := raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err = errors.Join(failed, err); err != nil {
		return 0, err
	}
	return peer.Uid, nil
}

// command runs as the user whose libvirtd it is, as it does by SSH: what a
// script makes must be the guests' to read.
func (l local) command(ctx context.Context, stdin io.Reader, script string, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "sh", append([]string{"-c", script, "sh"}, args...)...)
	cmd.Dir, cmd.Stdin = "/", stdin
	out, errs := &limited{}, &limited{}
	cmd.Stdout, cmd.Stderr = out, errs
	owner := l.owner()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	if owner != nil { // our own environment is not for others
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	}
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
