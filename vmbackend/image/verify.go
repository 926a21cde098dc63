package image

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
)

// Verify reads the whole image and holds it against its digest; seconds for a
// large one.
func (i Image) Verify(ctx context.Context) error {
	f, err := os.Open(i.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	sum, size := sha256.New(), info.Size()
	for offset := int64(0); offset < size; {
		start, end, err := nextData(f, offset, size)
		if err != nil {
			return err
		}
		if err := hashZeros(ctx, sum, start-offset); err != nil {
			return err
		}
		for at := start; at < end; at += block {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, err := io.Copy(sum, io.NewSectionReader(f, at, min(block, end-at))); err != nil {
				return err
			}
		}
		offset = end
	}
	if got := digestText(sum); got != i.Digest {
		return fmt.Errorf("image %s is damaged: %s holds %s", i.Name, i.Path, got)
	}
	return nil
}
