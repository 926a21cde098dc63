package agent

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

// openLine opens a serial line for bytes as they are.
func openLine(device string) (*os.File, error) {
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", device, err)
	}
	if err := makeRaw(fd); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("setting up %s: %w", device, err)
	}
	return os.NewFile(uintptr(fd), device), nil
}

// makeRaw does what cfmakeraw(3) does. A virtio port is no terminal and needs
// nothing.
func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err == unix.ENOTTY || err == unix.EINVAL {
		return nil
	}
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON | unix.IXOFF
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.CSIZE | unix.PARENB | unix.CRTSCTS
	t.Cflag |= unix.CS8 | unix.CLOCAL | unix.CREAD
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

// linkHolder keeps the present link, for saying goodbye.
type linkHolder struct {
	mu   sync.Mutex
	link *guestlink.Guest
}

func (h *linkHolder) set(link *guestlink.Guest) {
	h.mu.Lock()
	h.link = link
	h.mu.Unlock()
}

func (h *linkHolder) get() *guestlink.Guest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.link
}
