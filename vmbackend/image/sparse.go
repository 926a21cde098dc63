package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// block is the grain in bytes in which zeros are looked for.
const block = 64 << 10

// copySparse copies the regular file in to the empty file out, leaving holes
// wherever in holds zeros, and returns the digest of the whole content. It
// reads holes without touching the disk. report gets the share done, 0 to 1.
func copySparse(ctx context.Context, out, in *os.File, report func(float64)) (string, error) {
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	size := info.Size()
	if err := out.Truncate(size); err != nil {
		return "", err
	}
	sum := sha256.New()
	for offset := int64(0); offset < size; {
		start, end, err := nextData(in, offset, size)
		if err != nil {
			return "", err
		}
		if err := hashZeros(ctx, sum, start-offset); err != nil {
			return "", err
		}
		if err := copyData(ctx, out, in, sum, start, end, func(at int64) { report(float64(at) / float64(size)) }); err != nil {
			return "", err
		}
		offset = end
	}
	return digestText(sum), nil
}

// nextData finds the next stretch that may hold data, from offset on. A file
// system that knows no holes gives all the rest.
func nextData(f *os.File, offset, size int64) (start, end int64, err error) {
	start, err = f.Seek(offset, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) {
		return size, size, nil
	}
	if err != nil {
		return offset, size, nil
	}
	if end, err = f.Seek(start, unix.SEEK_HOLE); err != nil {
		return 0, 0, fmt.Errorf("find the holes of %s: %w", f.Name(), err)
	}
	return start, min(end, size), nil
}

func copyData(ctx context.Context, out, in *os.File, sum hash.Hash, start, end int64, report func(int64)) error {
	buffer := make([]byte, block)
	for at := start; at < end; {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := buffer[:min(block, end-at)]
		if _, err := io.ReadFull(io.NewSectionReader(in, at, int64(len(part))), part); err != nil {
			return err
		}
		sum.Write(part)
		if !bytes.Equal(part, zeros[:len(part)]) {
			if _, err := out.WriteAt(part, at); err != nil {
				return err
			}
		}
		at += int64(len(part))
		report(at)
	}
	return nil
}

var zeros = make([]byte, block)

func hashZeros(ctx context.Context, sum hash.Hash, n int64) error {
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := min(n, block)
		sum.Write(zeros[:part])
		n -= part
	}
	return nil
}

func digestText(sum hash.Hash) string { return "sha256:" + hex.EncodeToString(sum.Sum(nil)) }
