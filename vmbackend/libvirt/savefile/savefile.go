// Package savefile gives the file in which libvirt saved a machine another
// identity, so that one saved machine becomes many guests. libvirt itself
// refuses a changed name or UUID at restore.
//
// The file, version 2 (libvirt's src/qemu/qemu_saveimage.c), little endian:
//
//	 0  "LibvirtQemudSave" (16 bytes)
//	16  version, length of the data, was running, compression,
//	    offset of the cookie in the data (five numbers of 32 bits)
//	36  unused, up to byte 92
//	92  the data: the domain's description, NUL, a cookie, NUL, and padding
//	 …  QEMU's stream
package savefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Size is the length of the header before the data.
const Size = 92

const (
	magic        = "LibvirtQemudSave"
	version      = 2
	atVersion    = 16
	atLength     = 20
	atRunning    = 24
	atCompressed = 28
	atCookie     = 32
	maxData      = 16 << 20 // libvirt pads to some 64 KB
)

// Head is all of a save file before QEMU's stream.
type Head struct {
	raw []byte
}

// Length tells from a file's first Size bytes how long its head is.
func Length(header []byte) (int, error) {
	switch {
	case len(header) < Size || string(header[:len(magic)]) != magic:
		return 0, errors.New("this is no machine saved by libvirt, or its saving was broken off")
	case binary.LittleEndian.Uint32(header[atVersion:]) != version:
		return 0, fmt.Errorf("the saved machine's file has version %d, known is %d", binary.LittleEndian.Uint32(header[atVersion:]), version)
	case binary.LittleEndian.Uint32(header[atCompressed:]) != 0:
		return 0, errors.New("the saved machine is compressed: remove save_image_format from the node's qemu.conf")
	}
	length := binary.LittleEndian.Uint32(header[atLength:])
	if length > maxData {
		return 0, fmt.Errorf("the saved machine's file begins with %d bytes of description: it is damaged", length)
	}
	return Size + int(length), nil
}

// Parse checks a head of the right Length.
func Parse(raw []byte) (Head, error) {
	length, err := Length(raw)
	if err != nil {
		return Head{}, err
	}
	if len(raw) != length {
		return Head{}, fmt.Errorf("the head of the saved machine's file has %d bytes, it should have %d", len(raw), length)
	}
	h := Head{raw: raw}
	if h.xmlEnd() < 0 || int(h.cookieAt()) > length-Size {
		return Head{}, errors.New("the head of the saved machine's file is damaged")
	}
	return h, nil
}

func (h Head) xmlEnd() int { return bytes.IndexByte(h.raw[Size:], 0) }

func (h Head) cookieAt() uint32 { return binary.LittleEndian.Uint32(h.raw[atCookie:]) }

// XML is the description of the saved machine.
func (h Head) XML() string { return string(h.raw[Size : Size+h.xmlEnd()]) }

// cookie is libvirt's own record; it does not know the domain's name.
func (h Head) cookie() []byte {
	if h.cookieAt() == 0 {
		return nil
	}
	cookie, _, _ := bytes.Cut(h.raw[Size+int(h.cookieAt()):], []byte{0})
	return cookie
}

// With returns a head of the same length for another description; the machine
// will run as soon as it is restored.
func (h Head) With(xml string) ([]byte, error) {
	out := make([]byte, len(h.raw))
	copy(out, h.raw[:Size])
	binary.LittleEndian.PutUint32(out[atRunning:], 1)
	room, cookie := out[Size:], h.cookie()
	need := len(xml) + 1 + len(cookie) + 1
	if need > len(room) {
		return nil, fmt.Errorf("the guest's description takes %d bytes, the saved machine's file has room for %d", need, len(room))
	}
	copy(room, xml)
	if cookie != nil {
		copy(room[len(xml)+1:], cookie)
		binary.LittleEndian.PutUint32(out[atCookie:], uint32(len(xml)+1))
	}
	return out, nil
}
