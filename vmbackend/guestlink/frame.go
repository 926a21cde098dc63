package guestlink

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// version is that of everything in this package; both ends must agree.
const version = 1

const (
	flagByte   = 0x7E
	escapeByte = 0x7D
	escapeBit  = 0x20
)

type frameType byte

const (
	frameHello frameType = 'H'
	frameSync  frameType = 'S'
	frameEcho  frameType = 'E'
	frameData  frameType = 'D'
	frameAck   frameType = 'A'
	frameBye   frameType = 'B'
)

const (
	nonceSize  = 16
	maxPayload = 4096
	// maxSerialPayload keeps a host's frame well below SerialWindow even if
	// every byte of it must be escaped.
	maxSerialPayload = 1024
	crcSize          = 4
	// maxWire is the longest frame on the wire, without its flags.
	maxWire = 2 * (1 + maxPayload + crcSize)
)

// errBadFrame covers whatever cannot be a frame. Before a session it is
// normal (left-overs of an earlier one), within a session it ends it.
var errBadFrame = errors.New("guestlink: damaged frame on the line")

// appendFrame appends the wire form of one frame to dst.
func appendFrame(dst []byte, t frameType, payload []byte) []byte {
	crc := crc32.Update(crc32.ChecksumIEEE([]byte{byte(t)}), crc32.IEEETable, payload)
	dst = append(dst, flagByte)
	dst = appendEscaped(dst, []byte{byte(t)})
	dst = appendEscaped(dst, payload)
	dst = appendEscaped(dst, binary.LittleEndian.AppendUint32(nil, crc))
	return append(dst, flagByte)
}

func appendEscaped(dst, p []byte) []byte {
	for {
		i := indexSpecial(p)
		if i < 0 {
			return append(dst, p...)
		}
		dst = append(dst, p[:i]...)
		dst = append(dst, escapeByte, p[i]^escapeBit)
		p = p[i+1:]
	}
}

func indexSpecial(p []byte) int {
	for i, b := range p {
		if b == flagByte || b == escapeByte {
			return i
		}
	}
	return -1
}

// decoder takes frames out of a byte stream. It stores at most maxWire bytes,
// whatever it is sent.
type decoder struct {
	r *bufio.Reader
	// anything is called after each piece of input, also unreadable ones.
	anything func()
}

func newDecoder(r io.Reader) *decoder {
	return &decoder{r: bufio.NewReaderSize(r, maxWire+1)}
}

// next returns the next frame. The payload is valid until the next call.
// errBadFrame leaves the decoder usable: the next call goes on after the
// damage. Other errors are the stream's own.
func (d *decoder) next() (frameType, []byte, error) {
	for {
		raw, err := d.r.ReadSlice(flagByte)
		if d.anything != nil {
			d.anything()
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			// No frame is that long. The rest of it, up to the next flag,
			// will fail its checksum.
			return 0, nil, errBadFrame
		}
		if err != nil {
			return 0, nil, err
		}
		raw = raw[:len(raw)-1]
		if len(raw) == 0 {
			continue // between the flags of two frames
		}
		return parseBody(raw)
	}
}

// parseBody undoes the escapes in place and checks the checksum.
func parseBody(raw []byte) (frameType, []byte, error) {
	body, ok := unescape(raw)
	if !ok || len(body) < 1+crcSize {
		return 0, nil, errBadFrame
	}
	content, sum := body[:len(body)-crcSize], body[len(body)-crcSize:]
	if crc32.ChecksumIEEE(content) != binary.LittleEndian.Uint32(sum) {
		return 0, nil, errBadFrame
	}
	return frameType(content[0]), content[1:], nil
}

func unescape(p []byte) ([]byte, bool) {
	from := bytes.IndexByte(p, escapeByte)
	if from < 0 {
		return p, true
	}
	to := from
	for from < len(p) {
		b := p[from]
		if b == escapeByte {
			from++
			if from == len(p) {
				return nil, false
			}
			b = p[from] ^ escapeBit
		}
		p[to] = b
		from, to = from+1, to+1
	}
	return p[:to], true
}

// splitVersion checks the first byte of 'H', 'S' and 'E' payloads.
func splitVersion(payload []byte) ([]byte, error) {
	if len(payload) == 0 {
		return nil, errBadFrame
	}
	if payload[0] != version {
		return nil, fmt.Errorf("guestlink: the other end speaks version %d of the link, this one %d: "+
			"gateway and guest image come from different releases; build the image anew", payload[0], version)
	}
	return payload[1:], nil
}
