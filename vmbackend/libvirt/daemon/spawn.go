package daemon

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	cmd := exec.Command("libvirtd", args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", d.environment(), d.who.process()
	cmd.Stdout, cmd.Stderr = log, log
	if err := within(d.o.NetNS, cmd.Start); err != nil {
		return fmt.Errorf("libvirtd: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		if d.Pid() != 0 && d.answers(ctx) {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("libvirtd ended at its start (%v): %s", err, d.lastWords())
		case <-ctx.Done():
			_ = cmd.Process.Kill()
			return fmt.Errorf("libvirtd does not get ready: %w; its last words: %s", ctx.Err(), d.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// maxLog is the size in bytes from which on a log is put aside at a start.
const maxLog = 4 << 20

func (d *Daemon) logFile() string { return filepath.Join(d.o.Dir, "libvirtd.log") }

func (d *Daemon) openLog() (*os.File, error) {
	path := d.logFile()
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		_ = os.Rename(path, path+".1")
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// lastWords are the last lines of the log.
func (d *Daemon) lastWords() string {
	content, err := os.ReadFile(d.logFile())
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-3):], []byte("; ")))
}

// within runs f in a network namespace. A new process inherits that of the
// thread that starts it, so f runs on a thread that ends afterwards.
func within(namespace string, f func() error) error {
	if namespace == "" {
		return f()
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread goes with the goroutine
		ns, err := os.Open(namespace)
		if err != nil {
			done <- err
			return
		}
		defer func() { _ = ns.Close() }()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("entering the network namespace %s: %w", namespace, err)
			return
		}
		done <- f()
	}()
	return <-done
}
