package uml

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/uml/shim"
)

// askPatience is how long a supervisor may take to stop before it is killed.
const askPatience = 5 * time.Second

// stop ends the guest's supervisor and kernel. One that does not answer is
// killed; the kernel dies with its supervisor.
func (b *Backend) stop(ctx context.Context, g *guest) error {
	err := b.glance(ctx, g)
	if errors.Is(err, errNotRunning) {
		return nil
	}
	if err == nil {
		err = b.askToStop(ctx, g)
	}
	if err != nil && ctx.Err() == nil {
		b.cfg.Log.Warn("kill a guest's supervisor that does not answer", "guest", g.id, "error", err)
		err = killShim(ctx, b.folder(g.id))
	}
	if err != nil {
		return fmt.Errorf("stop guest %s: %w", g.id, err)
	}
	return b.awaitStopped(ctx, g)
}

func (b *Backend) askToStop(ctx context.Context, g *guest) error {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	err := shim.Stop(ctx, b.folder(g.id))
	if notRunning(err) || g.now().State == vmbackend.Stopped {
		return nil // it ended by itself at this moment
	}
	return err
}

// awaitStopped waits until this backend has noticed what has happened.
func (b *Backend) awaitStopped(ctx context.Context, g *guest) error {
	for {
		now, changed := g.look()
		if !now.alive() {
			return nil
		}
		select {
		case <-changed:
		case <-b.life.Done():
			return errClosed
		case <-ctx.Done():
			return fmt.Errorf("stop guest %s: %w", g.id, context.Cause(ctx))
		}
	}
}

// killShim kills a supervisor that does not answer, and waits for its end. The
// number of its process may have gone to another one meanwhile, so it is held
// before it is looked at.
func killShim(ctx context.Context, folder string) error {
	pid, err := shim.Pid(folder)
	if err != nil {
		return err
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("hold process %d: %w", pid, err)
	}
	defer func() { _ = unix.Close(fd) }()
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || string(cmdline) != shim.CommandLine(folder) {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil {
		return fmt.Errorf("kill process %d: %w", pid, err)
	}
	for ctx.Err() == nil {
		const pause = 100 // milliseconds between looks at the context
		if n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, pause); n > 0 {
			return nil
		}
	}
	return context.Cause(ctx)
}
