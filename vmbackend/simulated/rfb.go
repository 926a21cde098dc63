package simulated

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// Of RFB (RFC 6143) this serves what browsers' viewers need: version 3.8, no
// authentication, 32 bits a pixel, RRE rectangles, Latin 1 clipboards, and
// ExtendedDesktopSize, see https://github.com/rfbproto/rfbproto.

// Messages, encodings and limits.
const (
	fromViewerFormat    = 0
	fromViewerEncodings = 2
	fromViewerRequest   = 3
	fromViewerKey       = 4
	fromViewerPointer   = 5
	fromViewerCut       = 6
	fromViewerSize      = 251
	toViewerUpdate      = 0
	toViewerCut         = 3
	encodingRRE         = 2
	encodingSize        = -308
	mostCut             = 1 << 20 // bytes of a clipboard
	mostSide            = 8192    // pixels
)

// Why a viewer is told the size, and what came of a viewer's wish for another.
const (
	sizeByServer, sizeByYou, sizeByOther = 0, 1, 2
	sizeDone, sizeInvalid                = 0, 3
)

// viewer is one connection to a display. What lies below conn is guarded by
// the display's mutex, but for r and the held keys.
type viewer struct {
	*display
	conn         net.Conn
	r            *bufio.Reader
	control, alt bool

	shifts       [3]uint8 // of red, green and blue in a pixel
	extended     bool     // it understands ExtendedDesktopSize
	asked, whole bool     // it waits for a picture, changed or not
	sizeNews     []sizeNews
	seen, copied int // version and copies that it was told
	gone         bool
	// The size that it was told last.
	knownWidth, knownHeight int
}

// sizeNews is one telling of the size, in words of ExtendedDesktopSize.
type sizeNews struct{ reason, status uint16 }

// serve serves one viewer until it or the guest has gone, and closes conn.
func (d *display) serve(conn net.Conn) {
	v := &viewer{display: d, conn: conn, r: bufio.NewReader(conn), shifts: [3]uint8{16, 8, 0}}
	defer func() { _ = conn.Close() }()
	if v.greet() != nil {
		return
	}
	d.mu.Lock()
	v.copied = d.copies
	d.mu.Unlock()
	told := make(chan struct{})
	go func() {
		defer close(told)
		v.tell()
		_ = conn.Close() // ends the reading
	}()
	for v.hear() == nil {
	}
	d.mu.Lock()
	v.gone = true
	d.changed.Broadcast()
	d.mu.Unlock()
	_ = conn.Close()
	<-told
}

// greet does what comes before messages.
func (v *viewer) greet() error {
	if _, err := io.WriteString(v.conn, "RFB 003.008\n"); err != nil {
		return err
	}
	version := make([]byte, 12)
	if _, err := io.ReadFull(v.r, version); err != nil {
		return err
	}
	if string(version) != "RFB 003.008\n" {
		return fmt.Errorf("the viewer speaks %q", version)
	}
	if _, err := v.conn.Write([]byte{1, 1}); err != nil { // one kind of security: none
		return err
	}
	if err := v.want(1); err != nil {
		return err
	}
	if _, err := v.conn.Write(make([]byte, 4)); err != nil { // accepted
		return err
	}
	if err := v.want(1); err != nil { // others stay connected, whatever it says
		return err
	}
	v.mu.Lock()
	b := binary.BigEndian.AppendUint16(nil, uint16(v.width))
	b = binary.BigEndian.AppendUint16(b, uint16(v.height))
	v.mu.Unlock()
	b = append(b, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(v.name)))
	_, err := v.conn.Write(append(b, v.name...))
	return err
}

// want passes over n bytes.
func (v *viewer) want(n int) error {
	_, err := v.r.Discard(n)
	return err
}

func (v *viewer) read(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(v.r, b)
	return b, err
}

// hear takes one message of the viewer.
func (v *viewer) hear() error {
	kind, err := v.r.ReadByte()
	if err != nil {
		return err
	}
	hear, known := map[byte]func() error{
		fromViewerFormat: v.hearFormat, fromViewerEncodings: v.hearEncodings, fromViewerRequest: v.hearRequest,
		fromViewerKey: v.hearKey, fromViewerPointer: func() error { return v.want(5) }, fromViewerCut: v.hearCut, fromViewerSize: v.hearSize,
	}[kind]
	if !known {
		return fmt.Errorf("message %d is not understood here", kind)
	}
	return hear()
}

func (v *viewer) hearFormat() error {
	b, err := v.read(19)
	if err != nil {
		return err
	}
	if b[3] != 32 || b[5] != 0 || b[6] == 0 {
		return errors.New("only 32 bits a pixel, little end first, in true colour")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shifts = [3]uint8{b[13], b[14], b[15]}
	return nil
}

func (v *viewer) hearEncodings() error {
	b, err := v.read(3)
	if err != nil {
		return err
	}
	all, err := v.read(4 * int(binary.BigEndian.Uint16(b[1:])))
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for ; len(all) > 0; all = all[4:] {
		if int32(binary.BigEndian.Uint32(all)) == encodingSize && !v.extended {
			v.extended = true
			v.sizeNews = append(v.sizeNews, sizeNews{sizeByServer, sizeDone})
		}
	}
	return nil
}

func (v *viewer) hearRequest() error {
	b, err := v.read(9)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked, v.whole = true, v.whole || b[0] == 0
	v.changed.Broadcast()
	return nil
}

func (v *viewer) hearKey() error {
	b, err := v.read(7)
	if err != nil {
		return err
	}
	down, key := b[0] != 0, binary.BigEndian.Uint32(b[3:])
	switch key {
	case keyControl:
		v.control = down
	case keyAlt:
		v.alt = down
	default:
		if down {
			if line, whole := v.press(key, v.control, v.alt); whole {
				v.keep(line)
			}
		}
	}
	return nil
}

func (v *viewer) hearCut() error {
	b, err := v.read(7)
	if err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(b[3:])
	if n > mostCut {
		return errors.New("a clipboard that is too long, or not plain")
	}
	latin, err := v.read(int(n))
	if err != nil {
		return err
	}
	text := make([]rune, len(latin))
	for i, c := range latin {
		text[i] = rune(c)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.given = string(text)
	return nil
}

func (v *viewer) hearSize() error {
	b, err := v.read(7)
	if err != nil {
		return err
	}
	if err := v.want(16 * int(b[5])); err != nil {
		return err
	}
	w, h := int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	v.mu.Lock()
	defer v.mu.Unlock()
	if w < blockWidth || h < blockHeight || w > mostSide || h > mostSide {
		v.sizeNews = append(v.sizeNews, sizeNews{sizeByYou, sizeInvalid})
		v.changed.Broadcast()
		return nil
	}
	v.width, v.height = w, h
	v.sizeNews = append(v.sizeNews, sizeNews{sizeByYou, sizeDone})
	v.touch()
	return nil
}
