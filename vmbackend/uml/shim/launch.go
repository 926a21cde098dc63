package shim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrBusy says that another process is running the guest, or about to.
var ErrBusy = errors.New("another process holds this guest's lock")

// lockFile keeps a second shim from the same disk.
const lockFile = "lock"

// Launch starts a shim, the executable binary, for the guest in folder, and
// returns at once: its socket answers already. The shim does not die with the
// caller. The returned channel closes when the shim has ended.
func Launch(ctx context.Context, binary, folder string, cfg Config) (<-chan struct{}, error) {
	lock, err := takeLock(ctx, folder)
	if err != nil {
		return nil, err
	}
	defer lock.Close() // the shim keeps its copy, and with it the lock
	config, err := json.Marshal(cfg)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, ConfigFile), config, 0o600); err != nil {
		return nil, err
	}
	for _, stale := range []string{SocketFile, EndFile} {
		if err := os.Remove(filepath.Join(folder, stale)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	socket, err := listen(folder)
	if err != nil {
		return nil, err
	}
	defer socket.Close()
	log, err := os.OpenFile(filepath.Join(folder, LogFile), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := &exec.Cmd{
		Path: binary, Args: []string{name, folder}, Dir: folder,
		Env: []string{"GOMAXPROCS=2"}, Stdout: log, Stderr: log,
		ExtraFiles:  []*os.File{socket, lock},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the guest's supervisor: %w", err)
	}
	pid := []byte(strconv.Itoa(cmd.Process.Pid))
	if err := os.WriteFile(filepath.Join(folder, pidFile), pid, 0o600); err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	return ended, nil
}

// name is argv[0] of a shim; its one argument is the guest's folder.
const name = "labmark-shim"

// CommandLine is what /proc/PID/cmdline holds for the shim of folder.
func CommandLine(folder string) string { return name + "\x00" + folder + "\x00" }

// Pid is the process of the shim that was launched last for folder. It may
// have ended since, and another process may have its number.
func Pid(folder string) (int, error) {
	content, err := os.ReadFile(filepath.Join(folder, pidFile))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(content))
}

// A guest that was killed holds its lock a few milliseconds longer than its
// shim is seen; lockPatience is far more.
const (
	lockPatience = 5 * time.Second
	lockPause    = 5 * time.Millisecond
)

// takeLock opens the lock for reading only: the guest's kernel holds it too,
// and has no business writing to it.
func takeLock(ctx context.Context, folder string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(folder, lockFile), os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockPatience, ErrBusy)
	defer cancel()
	for {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return lock, nil
		}
		if errors.Is(err, unix.EWOULDBLOCK) {
			if pause(ctx, lockPause); ctx.Err() == nil {
				continue
			}
			err = context.Cause(ctx)
		}
		lock.Close()
		return nil, fmt.Errorf("lock the guest: %w", err)
	}
}

func listen(folder string) (file *os.File, err error) {
	err = short(folder, func(path string) error {
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		defer func() { _ = listener.Close() }()
		listener.SetUnlinkOnClose(false)
		file, err = listener.File()
		return err
	})
	return file, err
}
