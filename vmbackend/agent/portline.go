package agent

import (
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// hangupPause is how long a port may say that no host is there before that
	// is believed: its flag lags behind the data.
	hangupPause = 3 * time.Second
	// portPause lies between two looks at a port without a host.
	portPause = 50 * time.Millisecond
	// portTick bounds how long a port is waited for in one go. Waiting goes by
	// poll(2), not by Go's own poller, which was seen to sleep on when the host
	// hung up on a busy machine.
	portTick = time.Second
)

// portLine is the line to one host at a virtio-serial port. While no host is
// there, reading from a port gives the end of the file, over and over, and
// what is written is lost. A portLine ends once, when the host is surely gone.
type portLine struct {
	fd     int
	closed atomic.Bool
}

// awaitLine opens the line to the next host. A virtio port is opened once and
// kept in port; -1 is none yet.
func awaitLine(device string, port *int) (io.ReadWriteCloser, error) {
	name, virtio := strings.CutPrefix(device, virtioPrefix)
	if !virtio {
		return openLine(device)
	}
	if *port < 0 {
		opened, err := openPort(portClass, name)
		if err != nil {
			return nil, err
		}
		*port = opened
	}
	for !hostThere(*port) {
		time.Sleep(portPause)
	}
	return &portLine{fd: *port}, nil
}

// hostThere asks the kernel whether a host has the port open.
func hostThere(fd int) bool {
	return pollPort(fd, unix.POLLIN|unix.POLLOUT, 0)&unix.POLLHUP == 0
}

// pollPort waits for events, and returns what there is.
func pollPort(fd int, events int16, limit time.Duration) int16 {
	fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
	_, _ = unix.Poll(fds, int(limit.Milliseconds())) // interrupted: nothing yet
	return fds[0].Revents
}

func (l *portLine) Read(p []byte) (int, error) {
	var hungUp time.Time
	for !l.closed.Load() {
		n, err := unix.Read(l.fd, p)
		switch {
		case n > 0:
			return n, nil
		case err == unix.EAGAIN:
			hungUp = time.Time{}
			pollPort(l.fd, unix.POLLIN, portTick)
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case hungUp.IsZero():
			hungUp = time.Now()
		case time.Since(hungUp) > hangupPause:
			return 0, io.EOF
		default:
			time.Sleep(portPause)
		}
	}
	return 0, os.ErrClosed
}

func (l *portLine) Write(p []byte) (int, error) {
	for done := 0; ; {
		n, err := unix.Write(l.fd, p[done:])
		done += max(n, 0)
		switch {
		case done == len(p):
			return done, nil
		case l.closed.Load():
			return done, os.ErrClosed
		case err == unix.EAGAIN:
			pollPort(l.fd, unix.POLLOUT, portTick)
		case err != nil && err != unix.EINTR:
			return done, os.NewSyscallError("write", err)
		}
	}
}

// Close makes Read and Write return before long. The port stays open for the
// next host.
func (l *portLine) Close() error {
	l.closed.Store(true)
	return nil
}
