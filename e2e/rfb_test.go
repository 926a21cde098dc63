package e2e

import (
	"bufio"
	endian "encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
)

// rfbViewer is a small client of RFB (RFC 6143): it takes the picture as it
// comes and gives keys, clicks, sizes and clipboards.
type rfbViewer struct {
	conn net.Conn

	mu      sync.Mutex
	w, h    int
	picture []byte // 4 bytes a pixel
}

// Keys by X11's names.
const (
	keyEnter  = 0xff0d
	keyShift  = 0xffe1
	keyInsert = 0xff63
)

func newViewer(t *testing.T, conn net.Conn) *rfbViewer {
	t.Helper()
	v := &rfbViewer{conn: conn}
	r := bufio.NewReader(conn)
	v.expect(t, r, 12)
	v.send(t, []byte("RFB 003.008\n"))
	v.expect(t, r, int(v.expect(t, r, 1)[0]))
	v.send(t, []byte{1}) // no authentication
	v.expect(t, r, 4)
	v.send(t, []byte{1}) // beside others
	init := v.expect(t, r, 24)
	v.expect(t, r, int(endian.BigEndian.Uint32(init[20:])))
	v.size(int(endian.BigEndian.Uint16(init)), int(endian.BigEndian.Uint16(init[2:])))
	v.send(t, []byte{2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xfe, 0xcc}) // raw rectangles, ExtendedDesktopSize
	v.ask()
	go v.follow(r)
	return v
}

func (v *rfbViewer) expect(t *testing.T, r io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatalf("the screen: %v", err)
	}
	return b
}

func (v *rfbViewer) send(t *testing.T, b []byte) {
	t.Helper()
	if _, err := v.conn.Write(b); err != nil {
		t.Fatalf("the screen: %v", err)
	}
}

func (v *rfbViewer) size(w, h int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.w, v.h, v.picture = w, h, make([]byte, 4*w*h)
}

// ask asks for what changes.
func (v *rfbViewer) ask() {
	v.mu.Lock()
	b := []byte{3, 1, 0, 0, 0, 0}
	b = endian.BigEndian.AppendUint16(b, uint16(v.w))
	b = endian.BigEndian.AppendUint16(b, uint16(v.h))
	v.mu.Unlock()
	_, _ = v.conn.Write(b) // reading finds out that the screen has gone
}

// follow takes messages until the connection ends.
func (v *rfbViewer) follow(r *bufio.Reader) {
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil
		}
		return b
	}
	for {
		kind := read(1)
		switch {
		case kind == nil:
			return
		case kind[0] == 0:
			head := read(3)
			if head == nil {
				return
			}
			for range endian.BigEndian.Uint16(head[1:]) {
				if !v.rectangle(read) {
					return
				}
			}
			v.ask()
		case kind[0] == 3:
			head := read(7)
			if head == nil {
				return
			}
			if read(int(endian.BigEndian.Uint32(head[3:]))) == nil { // a clipboard
				return
			}
		}
	}
}

func (v *rfbViewer) rectangle(read func(int) []byte) bool {
	head := read(12)
	if head == nil {
		return false
	}
	at := func(i int) int { return int(endian.BigEndian.Uint16(head[i:])) }
	x, y, w, h := at(0), at(2), at(4), at(6)
	if int32(endian.BigEndian.Uint32(head[8:])) != 0 { // the size
		screens := read(4)
		if screens == nil || read(16*int(screens[0])) == nil {
			return false
		}
		v.size(w, h)
		return true
	}
	data := read(4 * w * h)
	v.mu.Lock()
	defer v.mu.Unlock()
	for row := range min(h, v.h-y) {
		copy(v.picture[4*((y+row)*v.w+x):], data[4*row*w:4*(row+1)*w])
	}
	return data != nil
}

// colours counts what stands on the screen.
func (v *rfbViewer) colours(t *testing.T) int {
	t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	all := map[uint32]bool{}
	for i := 0; i < len(v.picture); i += 4 {
		all[endian.LittleEndian.Uint32(v.picture[i:])&0xffffff] = true
	}
	return len(all)
}

func (v *rfbViewer) key(t *testing.T, key uint32, down byte) {
	t.Helper()
	v.send(t, endian.BigEndian.AppendUint32([]byte{4, down, 0, 0}, key))
}

// press presses keys together.
func (v *rfbViewer) press(t *testing.T, keys ...uint32) {
	t.Helper()
	for _, k := range keys {
		v.key(t, k, 1)
	}
	for i := range keys {
		v.key(t, keys[len(keys)-1-i], 0)
	}
}

func (v *rfbViewer) typeLine(t *testing.T, line string) {
	t.Helper()
	for _, c := range line {
		v.press(t, uint32(c))
	}
	v.press(t, keyEnter)
}

func (v *rfbViewer) click(t *testing.T, x, y uint16) {
	t.Helper()
	for _, buttons := range []byte{0, 1, 0} {
		b := endian.BigEndian.AppendUint16([]byte{5, buttons}, x)
		v.send(t, endian.BigEndian.AppendUint16(b, y))
	}
}

// copyOut puts text, of Latin 1, into the guest's clipboard.
func (v *rfbViewer) copyOut(t *testing.T, text string) {
	t.Helper()
	v.send(t, append(endian.BigEndian.AppendUint32([]byte{6, 0, 0, 0}, uint32(len(text))), text...))
}

// resize asks for another size of the screen.
func (v *rfbViewer) resize(t *testing.T, w, h uint16) {
	t.Helper()
	b := []byte{251, 0}
	b = endian.BigEndian.AppendUint16(b, w)
	b = endian.BigEndian.AppendUint16(b, h)
	b = append(b, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = endian.BigEndian.AppendUint16(b, w)
	b = endian.BigEndian.AppendUint16(b, h)
	v.send(t, append(b, 0, 0, 0, 0))
}
