package image

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"os/exec"
	"testing"
)

// bzImage wraps a packed kernel as x86 does.
func bzImage(payload []byte) []byte {
	image := make([]byte, 512*2)
	image[0x1f1] = 1 // one sector of set-up code beside the first
	copy(image[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(image[0x206:], 0x20f)
	binary.LittleEndian.PutUint32(image[0x248:], 16)
	binary.LittleEndian.PutUint32(image[0x24c:], uint32(len(payload)))
	return append(append(image, make([]byte, 16)...), payload...)
}

// elf is a kernel that packs well, with copies that overlap themselves.
func elf() []byte {
	kernel := []byte("\x7fELF")
	for i := range 100_000 {
		kernel = append(kernel, byte(i>>6), byte(i*i))
	}
	return append(kernel, make([]byte, 1<<20)...)
}

func TestKernelIsUnpacked(t *testing.T) {
	kernel := elf()
	size := binary.LittleEndian.AppendUint32(nil, uint32(len(kernel)))
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write(kernel)
	_ = w.Close()
	packed := map[string][]byte{"gzip": zipped.Bytes()}
	if _, err := exec.LookPath("lz4"); err == nil {
		cmd := exec.Command("lz4", "-l", "-c")
		cmd.Stdin = bytes.NewReader(kernel)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		packed["lz4"] = append(out, size...)
	} else {
		t.Log("there is no lz4 to pack with; booting QEMU guests unpacks Debian's kernel")
	}
	for name, payload := range packed {
		got, err := unpackKernel(bzImage(payload))
		if err != nil || !bytes.Equal(got, kernel) {
			t.Errorf("%s: %d of %d bytes, error %v", name, len(got), len(kernel), err)
		}
	}
	for name, image := range map[string][]byte{
		"empty": nil, "no kernel": make([]byte, 4096), "unknown": bzImage([]byte("BZh91AY&SY....")),
		"no ELF": bzImage(lz4Of([]byte("not a kernel"))), "damaged": bzImage(zipped.Bytes()[:zipped.Len()/2]),
	} {
		if got, err := unpackKernel(image); err == nil {
			t.Errorf("%s: unpacked to %d bytes", name, len(got))
		}
	}
}

// lz4Of packs a few bytes as literals alone.
func lz4Of(text []byte) []byte {
	block := append([]byte{byte(len(text) << 4)}, text...)
	out := binary.LittleEndian.AppendUint32(nil, lz4Magic)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(block)))
	return binary.LittleEndian.AppendUint32(append(out, block...), uint32(len(text)))
}

func TestLZ4(t *testing.T) {
	for name, c := range map[string]struct {
		block []byte
		want  string
	}{
		"literals":          {[]byte{0x30, 'a', 'b', 'c'}, "abc"},
		"a copy that grows": {[]byte{0x15, 'x', 1, 0, 0x10, 'y'}, "xxxxxxxxxxy"},
		"two back":          {[]byte{0x20, 'a', 'b', 2, 0, 0x10, 'c'}, "abababc"},
	} {
		in := binary.LittleEndian.AppendUint32(nil, lz4Magic)
		in = append(binary.LittleEndian.AppendUint32(in, uint32(len(c.block))), c.block...)
		if got, err := unpackLZ4(in, len(c.want)); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzLZ4(f *testing.F) {
	f.Add(lz4Of([]byte("hello")), 5)
	f.Add(append(lz4Of([]byte("hello")), 0x15, 'x', 1, 0), 20)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		size &= 1<<16 - 1
		if out, err := unpackLZ4(in, size); err == nil && len(out) != size {
			t.Fatalf("%d bytes instead of %d", len(out), size)
		}
	})
}
