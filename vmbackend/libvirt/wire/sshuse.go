package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
)

// What goes through the one SSH connection.

func (w *sshWay) libvirt(ctx context.Context) (net.Conn, error) {
	runtimeDir := ""
	if w.target.mode == "session" && w.target.socket == "" {
		out, err := w.command(ctx, nil, `echo "${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"`, nil)
		if err != nil {
			return nil, err
		}
		runtimeDir = strings.TrimSpace(string(out))
	}
	var first error
	for _, path := range w.target.usualSockets(runtimeDir) {
		conn, err := w.socket(ctx, path)
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = fmt.Errorf("libvirtd: %w", err)
		}
	}
	return nil, first
}

func (w *sshWay) socket(ctx context.Context, path string) (net.Conn, error) {
	live, err := w.connection(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := live.client.DialContext(ctx, "unix", path)
	var refused *ssh.OpenChannelError
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !errors.As(err, &refused):
		return nil, fmt.Errorf("%w: the connection broke in the middle: %w", vmbackend.ErrUnreachable, err)
	}
	return nil, fmt.Errorf("the node's SSH server does not open %s (nobody listens there, the user %s may not, or "+
		"its sshd_config forbids it: it takes AllowStreamLocalForwarding yes and AllowTcpForwarding local): %w", path, w.target.user, err)
}

func (l *sshLive) isDead() bool {
	select {
	case <-l.dead:
		return true
	default:
		return false
	}
}

func (w *sshWay) command(ctx context.Context, stdin io.Reader, script string, args []string) ([]byte, error) {
	select {
	case w.commands <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	live, err := w.connection(ctx)
	if err != nil {
		<-w.commands
		return nil, err
	}
	type result struct {
		out []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-w.commands }()
		out, err := live.run(ctx, stdin, script, args)
		done <- result{out, err}
	}()
	select {
	case r := <-done:
		if r.err != nil && live.isDead() {
			return nil, fmt.Errorf("%w: the connection broke in the middle", vmbackend.ErrUnreachable)
		}
		return r.out, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the command did not end: %w", ctx.Err())
	}
}

func (l *sshLive) run(ctx context.Context, stdin io.Reader, script string, args []string) ([]byte, error) {
	session, err := l.client.NewSession()
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close() }()
	stop := context.AfterFunc(ctx, func() {
		_ = session.Signal(ssh.SIGKILL)
		_ = session.Close()
	})
	defer stop()
	out, errs := &limited{}, &limited{}
	session.Stdin, session.Stdout, session.Stderr = stdin, out, errs
	line := "exec sh -c " + quote(script) + " sh"
	for _, a := range args {
		line += " " + quote(a)
	}
	return out.finish(ctx, session.Run(line), errs)
}

// quote makes one word of s for any shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
