package shim

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// wires are both ends of all that connects a guest's kernel with its shim.
type wires struct {
	guest  []*os.File // the kernel's descriptors, from 0
	lock   *os.File   // its last one
	serial *os.File   // the host's end of the serial line
	cards  []*os.File // the host's ends of the network cards
}

func newWires(console *console, lock *os.File, cards int) (*wires, error) {
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
	if w.serial, err = w.add("serial line", unix.SOCK_STREAM); err != nil {
		w.Close()
		return nil, err
	}
	for range cards {
		card, err := w.add("network card", unix.SOCK_DGRAM)
		if err != nil {
			w.Close()
			return nil, err
		}
		w.cards = append(w.cards, card)
	}
	w.lock = lock
	return w, nil
}

// add makes one more wire and returns the host's end.
func (w *wires) add(name string, kind int) (*os.File, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make the guest's %s: %w", name, err)
	}
	_ = unix.SetNonblock(pair[0], true)
	w.guest = append(w.guest, os.NewFile(uintptr(pair[1]), name))
	return os.NewFile(uintptr(pair[0]), name), nil
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
	for _, card := range w.cards {
		card.Close()
	}
}
