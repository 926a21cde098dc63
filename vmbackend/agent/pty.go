package agent

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend/sshserver"
)

// ptyMaker opens pseudo-terminals in a devpts file system that it holds open,
// so that it needs neither /dev/ptmx nor /dev/pts of the student's making.
type ptyMaker struct{ dir *os.File }

func newPtyMaker(devpts string) (*ptyMaker, error) {
	dir, err := os.Open(devpts)
	if err != nil {
		return nil, fmt.Errorf("terminals need devpts: %w", err)
	}
	return &ptyMaker{dir}, nil
}

// open returns both ends of a new terminal that belongs to acct.
func (m *ptyMaker) open(acct account, size sshserver.Size) (master, slave *os.File, err error) {
	fd, err := unix.Openat(int(m.dir.Fd()), "ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		// Where devpts is shared with a host, its own ptmx may be closed.
		fd, err = unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("no more terminals: %w", err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		_ = master.Close()
		return nil, nil, fmt.Errorf("unlocking a terminal: %w", err)
	}
	peer, err := openPeer(fd)
	if err != nil {
		_ = master.Close()
		return nil, nil, fmt.Errorf("opening a terminal: %w", err)
	}
	slave = os.NewFile(uintptr(peer), "pts")
	_ = slave.Chown(int(acct.uid), int(acct.gid))
	_ = slave.Chmod(0o600)
	setSize(master, size)
	return master, slave, nil
}

// openPeer opens the slave without a path, see TIOCGPTPEER in ioctl_tty(2).
func openPeer(master int) (int, error) {
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}

// setSize tells the kernel, which tells the programs by SIGWINCH if the size
// is a new one. An unknown size becomes the classic one.
func setSize(master *os.File, size sshserver.Size) {
	if size.Cols == 0 || size.Rows == 0 {
		size = sshserver.Size{Cols: 80, Rows: 24}
	}
	raw, err := master.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: size.Cols, Row: size.Rows})
	})
}
