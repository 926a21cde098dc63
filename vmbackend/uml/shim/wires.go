package shim

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// wires are both ends of all that connects a guest's kernel with its shim.
type wires struct {
	guest   []*os.File // the kernel's descriptors 0 to 4
	lock    *os.File   // its descriptor 5
	serial  *os.File   // the host's end of the serial line
	network *os.File   // the host's end of the network card
}

func newWires(console *console, lock *os.File) (*wires, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	w := &wires{guest: []*os.File{null}}
	output, err := console.input()
	if err != nil {
		w.Close()
		return nil, err
	}
	w.guest = append(w.guest, output, output)
	for _, wire := range []struct {
		name string
		kind int
		ours **os.File
	}{
		{"serial line", unix.SOCK_STREAM, &w.serial},
		{"network card", unix.SOCK_DGRAM, &w.network},
	} {
		pair, err := unix.Socketpair(unix.AF_UNIX, wire.kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			w.Close()
			return nil, fmt.Errorf("make the guest's %s: %w", wire.name, err)
		}
		_ = unix.SetNonblock(pair[0], true)
		*wire.ours = os.NewFile(uintptr(pair[0]), wire.name)
		w.guest = append(w.guest, os.NewFile(uintptr(pair[1]), wire.name))
	}
	w.lock = lock
	return w, nil
}

// descriptors are the kernel's, in order.
func (w *wires) descriptors() []*os.File { return append(w.guest[:len(w.guest):len(w.guest)], w.lock) }

// letGo closes the kernel's ends in the shim, so that the kernel's end is
// seen as theirs.
func (w *wires) letGo() {
	for _, f := range w.guest {
		f.Close()
	}
	w.guest = nil
}

// Close closes all that is open.
func (w *wires) Close() {
	w.letGo()
	if w.serial != nil {
		w.serial.Close()
	}
	if w.network != nil {
		w.network.Close()
	}
}
