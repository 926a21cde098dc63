package image

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxKernel bounds an unpacked kernel, in bytes.
const maxKernel = 256 << 20

// unpackKernel takes the kernel proper, an ELF file, out of a bzImage. QEMU
// starts it by its PVH entry: under emulation the guest would need seconds to
// unpack itself. The layout is that of the kernel's Documentation/arch/x86/boot.
func unpackKernel(image []byte) ([]byte, error) {
	const header = 0x250 // up to and with payload_length
	if len(image) < header || string(image[0x202:0x206]) != "HdrS" || binary.LittleEndian.Uint16(image[0x206:]) < 0x208 {
		return nil, errors.New("it is no bzImage")
	}
	start := (int64(image[0x1f1])+1)*512 + int64(binary.LittleEndian.Uint32(image[0x248:]))
	end := start + int64(binary.LittleEndian.Uint32(image[0x24c:]))
	if end > int64(len(image)) || end-start < 8 {
		return nil, errors.New("its payload lies beyond its end")
	}
	payload := image[start:end]
	// All ways of packing but gzip are followed by the unpacked size; gzip
	// ends with it.
	size := int64(binary.LittleEndian.Uint32(payload[len(payload)-4:]))
	if size > maxKernel {
		return nil, fmt.Errorf("it claims to unpack to %d bytes", size)
	}
	kernel, err := unpackPayload(payload, int(size))
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(kernel, []byte("\x7fELF")) {
		return nil, errors.New("what it holds is no ELF file")
	}
	return kernel, nil
}

func unpackPayload(payload []byte, size int) ([]byte, error) {
	switch {
	case binary.LittleEndian.Uint32(payload) == lz4Magic:
		return unpackLZ4(payload, size)
	case bytes.HasPrefix(payload, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bytes.NewReader(payload))
		if err != nil {
			return nil, err
		}
		r.Multistream(false)
		return io.ReadAll(io.LimitReader(r, maxKernel))
	case bytes.HasPrefix(payload, []byte("\x7fELF")):
		return payload, nil
	}
	return nil, fmt.Errorf("it is packed in a way that Labmark cannot read (% x)", payload[:4])
}
