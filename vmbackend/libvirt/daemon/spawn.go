package daemon

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// spawn starts libvirtd and waits until it can be dialled.
func (d *Daemon) spawn(ctx context.Context) error {
	log, err := d.openLog()
	if err != nil {
		return fmt.Errorf("libvirtd: %w", err)
	}
	defer func() { _ = log.Close() }()
	args := []string{"--pid-file", d.pidFile(), "--config", filepath.Join(d.o.Dir, "c", "libvirt", "libvirtd.conf")}
	if d.o.Listen != nil {
		args = append(args, "--listen")
	}
	path, err := exec.LookPath("libvirtd")
	if err != nil {
		return err
	}
	cmd, err := launch(charge{
		Path: path, Args: append([]string{path}, args...), Env: d.environment(),
		Credential: d.who.credential(), Lock: d.keeperFile(),
	}, d.o.NetNS, log)
	if err != nil {
		return fmt.Errorf("libvirtd's keeper: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the log tells why
		close(ended)
	}()
	if err := d.ready(ctx, ended); err != nil {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		return err
	}
	return nil
}

// ready waits until libvirtd can be dialled, or its keeper has ended.
func (d *Daemon) ready(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for d.Pid() == 0 || !d.answers(ctx) {
		select {
		case <-ended:
			return fmt.Errorf("libvirtd ended at its start: %s", d.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("libvirtd does not get ready: %w; its last words: %s", ctx.Err(), d.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// maxLog is the size in bytes from which on a log is put aside at a start.
const maxLog = 4 << 20

const logFile = "libvirtd.log"

// openLog stays below the folder, as makeFolders does.
func (d *Daemon) openLog() (*os.File, error) {
	below, err := os.OpenRoot(d.o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = below.Close() }()
	if info, err := below.Stat(logFile); err == nil && info.Size() > maxLog {
		_ = below.Rename(logFile, logFile+".1")
	}
	return below.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// lastWords are the last lines of the log.
func (d *Daemon) lastWords() string {
	content, err := os.ReadFile(filepath.Join(d.o.Dir, logFile))
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-3):], []byte("; ")))
}

// within runs f in a network namespace. A new process inherits that of the
// thread that starts it, so this thread goes there and comes back.
func within(namespace string, f func() error) error {
	if namespace == "" {
		return f()
	}
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() { _ = home.Close() }()
	if err := enter(namespace); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	err = f()
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		return back // with the thread locked: nothing else may run there
	}
	runtime.UnlockOSThread()
	return err
}

func enter(namespace string) error {
	ns, err := os.Open(namespace)
	if err != nil {
		return err
	}
	defer func() { _ = ns.Close() }()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering the network namespace %s: %w", namespace, err)
	}
	return nil
}
