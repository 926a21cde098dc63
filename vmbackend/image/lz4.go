package image

import (
	"encoding/binary"
	"errors"
)

// lz4Magic begins LZ4's legacy format, in which kernels are packed: blocks,
// each with its length before it, see lz4_Frame_format.md, "Legacy frame".
const lz4Magic = 0x184C2102

var errLZ4 = errors.New("its LZ4 data are damaged")

// unpackLZ4 unpacks the legacy format into at most size bytes. Debian's build
// puts the unpacked size behind the last block; it ends the reading.
func unpackLZ4(in []byte, size int) ([]byte, error) {
	if len(in) < 4 || binary.LittleEndian.Uint32(in) != lz4Magic {
		return nil, errLZ4
	}
	out := make([]byte, 0, size)
	for in = in[4:]; len(in) > 4 && len(out) < size; {
		n := int64(binary.LittleEndian.Uint32(in))
		if in = in[4:]; n > int64(len(in)) {
			return nil, errLZ4
		}
		var err error
		if out, err = unpackBlock(out, in[:n], size); err != nil {
			return nil, err
		}
		in = in[n:]
	}
	if len(out) != size {
		return nil, errLZ4
	}
	return out, nil
}

// unpackBlock appends one block, see lz4_Block_format.md: runs of literals and
// of copies from what is there already. Copies may not reach before the block.
func unpackBlock(out, in []byte, size int) ([]byte, error) {
	start := len(out)
	for len(in) > 0 {
		token := in[0]
		literals, rest, err := lz4Length(int(token>>4), in[1:])
		if err != nil || literals > len(rest) || literals > size-len(out) {
			return nil, errLZ4
		}
		out = append(out, rest[:literals]...)
		if in = rest[literals:]; len(in) == 0 {
			return out, nil // the last run has no copy
		}
		if len(in) < 2 {
			return nil, errLZ4
		}
		back := int(binary.LittleEndian.Uint16(in))
		match, rest, err := lz4Length(int(token&15), in[2:])
		match += 4
		if err != nil || back == 0 || back > len(out)-start || match > size-len(out) {
			return nil, errLZ4
		}
		in = rest
		for from := len(out) - back; match > 0; {
			// A copy may overlap what it writes: then it repeats.
			part := out[from:min(from+match, len(out))]
			out = append(out, part...)
			match -= len(part)
		}
	}
	return out, nil
}

// lz4Length reads the bytes that make a length of 15 longer.
func lz4Length(n int, in []byte) (int, []byte, error) {
	if n < 15 {
		return n, in, nil
	}
	for i, b := range in {
		if n += int(b); b != 255 {
			return n, in[i+1:], nil
		}
	}
	return 0, nil, errLZ4
}
