package agent

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// hangupPause is how long a port may say that no host is there before that
	// is believed: its flag lags behind the data.
	hangupPause = 3 * time.Second
	// portPause lies between two looks at a port without a host.
	portPause = 20 * time.Millisecond
)

// portLine is the line to one host at a virtio-serial port. While no host is
// there, reading from a port gives the end of the file, over and over, and
// what is written is lost. A portLine ends once, when the host is surely gone.
type portLine struct {
	port  *os.File
	close sync.Once
	gone  chan struct{}
}

// awaitLine opens the line to the next host. A virtio port is opened once and
// kept in port.
func awaitLine(device string, port **os.File) (io.ReadWriteCloser, error) {
	name, virtio := strings.CutPrefix(device, virtioPrefix)
	if !virtio {
		return openLine(device)
	}
	if *port == nil {
		opened, err := openPort(portClass, name)
		if err != nil {
			return nil, err
		}
		*port = opened
	}
	return awaitHost(*port)
}

// awaitHost waits until a host has the port open, and returns the line to it.
func awaitHost(port *os.File) (*portLine, error) {
	for {
		there, err := hostThere(port)
		if err != nil {
			return nil, err
		}
		if there {
			return &portLine{port: port, gone: make(chan struct{})}, port.SetDeadline(time.Time{})
		}
		time.Sleep(portPause)
	}
}

// hostThere asks the kernel whether a host has the port open.
func hostThere(port *os.File) (bool, error) {
	raw, err := port.SyscallConn()
	if err != nil {
		return false, err
	}
	fds := []unix.PollFd{{Events: unix.POLLIN | unix.POLLOUT}}
	var polled error
	err = raw.Control(func(fd uintptr) {
		fds[0].Fd = int32(fd)
		_, polled = unix.Poll(fds, 0)
	})
	if errors.Is(polled, unix.EINTR) {
		return false, err
	}
	return fds[0].Revents&unix.POLLHUP == 0, errors.Join(err, polled)
}

func (l *portLine) Read(p []byte) (int, error) {
	for {
		n, err := l.port.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		if !l.awaitReturn() {
			return 0, io.EOF
		}
	}
}

// awaitReturn says whether the host is back within hangupPause.
func (l *portLine) awaitReturn() bool {
	for deadline := time.Now().Add(hangupPause); time.Now().Before(deadline); {
		select {
		case <-l.gone:
			return false
		case <-time.After(portPause):
		}
		if there, err := hostThere(l.port); there || err != nil {
			return err == nil
		}
	}
	return false
}

func (l *portLine) Write(p []byte) (int, error) { return l.port.Write(p) }

// Close makes Read and Write return. The port stays open for the next host.
func (l *portLine) Close() error {
	l.close.Do(func() { close(l.gone) })
	return l.port.SetDeadline(time.Unix(1, 0))
}
