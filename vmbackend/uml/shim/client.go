package shim

import (
	"bufio"
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

// short gives use a name of the guest's socket that fits into a socket's
// address, which holds 107 bytes, however long the folder's name is.
func short(folder string, use func(path string) error) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return use(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), SocketFile))
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

// connect opens a connection to the shim in folder, if one runs, and sends a
// request.
func connect(ctx context.Context, folder string, r request) (conn net.Conn, err error) {
	err = short(folder, func(path string) error {
		var dialer net.Dialer
		conn, err = dialer.DialContext(ctx, "unix", path)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := writeLine(conn, r); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// ask sends a request and waits for the line that answers it.
func ask(ctx context.Context, folder string, r request) (net.Conn, error) {
	conn, err := connect(ctx, folder, r)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	line, err := readLine(conn)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	var a answerLine
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err == nil && a.Error != "" {
		err = errors.New(a.Error)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// Dial opens a stream to the SSH server in the guest whose folder it is.
func Dial(ctx context.Context, folder string) (net.Conn, error) {
	patience := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline)
	}
	return ask(ctx, folder, request{Op: opDial, Patience: patience})
}

// Stop ends the guest and returns when it has ended.
func Stop(ctx context.Context, folder string) error {
	conn, err := ask(ctx, folder, request{Op: opStop})
	if err != nil {
		return err
	}
	return conn.Close()
}

// Watch is a connection over which a shim reports what its guest does.
type Watch struct {
	conn  net.Conn
	lines *bufio.Scanner
}

// NewWatch begins to watch the guest in folder. It fails at once, with
// os.ErrNotExist or ECONNREFUSED, when no shim runs there.
func NewWatch(ctx context.Context, folder string) (*Watch, error) {
	conn, err := connect(ctx, folder, request{Op: opWatch})
	if err != nil {
		return nil, err
	}
	return &Watch{conn: conn, lines: bufio.NewScanner(conn)}, nil
}

// Next waits for the next event; the first is the present state. It fails when
// the shim is gone or the watch closed.
func (w *Watch) Next() (Event, error) {
	var e Event
	if !w.lines.Scan() {
		return e, errors.New("the guest's supervisor is gone")
	}
	return e, json.Unmarshal(w.lines.Bytes(), &e)
}

// Close ends the watch; a blocked Next returns.
func (w *Watch) Close() error { return w.conn.Close() }
