package libvirt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
)

// bring copies what is missing of an image to the node. With report, all that
// is there already is held against its checksum as well. The manifest is
// written last, so an image that is only half there is never used.
func (b *Backend) bring(ctx context.Context, digest string, report func(float64)) (parts, error) {
	want, err := b.parts(ctx, digest)
	if err != nil {
		return want, err
	}
	complete, err := b.hasAll(ctx, want)
	if err != nil {
		return want, fmt.Errorf("look for image %s on the node: %w", digest, err)
	}
	if complete && report == nil {
		return want, nil
	}
	var total int64
	for _, p := range want.list() {
		total += p.Size
	}
	done := &progress{total: total, report: report}
	for _, p := range want.list() {
		if err := b.bringPart(ctx, p, done); err != nil {
			return want, fmt.Errorf("bring image %s to the node: %w", digest, err)
		}
	}
	if complete {
		return want, nil
	}
	content, err := json.Marshal(want)
	if err == nil {
		err = b.pool.Put(ctx, manifestOf(digest), content)
	}
	return want, err
}

func (b *Backend) bringPart(ctx context.Context, p part, done *progress) error {
	whole, err := b.isWhole(ctx, p)
	if err != nil {
		return err
	}
	if whole {
		done.add(p.Size)
		return nil
	}
	free, err := b.diskFree(ctx)
	if err != nil {
		return err
	}
	if free < p.Size {
		return fmt.Errorf("%s takes %d MB, the node's disk has %d MB free below %s: %w",
			p.File, p.Size>>20, free>>20, b.pool.Dir(), vmbackend.ErrFull)
	}
	f, err := os.Open(p.from)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := b.pool.Delete(ctx, p.File); err != nil {
		return err
	}
	if err := b.pool.Create(ctx, p.File); err != nil {
		return err
	}
	if err := b.pool.Upload(ctx, p.File, io.TeeReader(f, done), 0, p.Size); err != nil {
		return b.room(err)
	}
	if whole, err = b.isWhole(ctx, p); err != nil {
		return err
	}
	if !whole {
		return fmt.Errorf("%s came to the node damaged: try again, and look at the node's disk if it happens again", p.File)
	}
	return nil
}

// isWhole holds a file on the node against its length and checksum.
func (b *Backend) isWhole(ctx context.Context, p part) (bool, error) {
	length, _, err := b.pool.Size(ctx, p.File)
	if pool.Is(err, libvirt.ErrNoStorageVol) {
		return false, nil
	}
	if err != nil || length != p.Size {
		return false, err
	}
	sum, err := b.pool.Sum(ctx, p.File)
	return sum == p.SHA256, err
}

// checkImage holds an image's files against their checksums. What is damaged
// is brought anew: guests over it are well again if the rest is.
func (b *Backend) checkImage(ctx context.Context, digest string) (mended bool, err error) {
	want, err := b.parts(ctx, digest)
	if err != nil {
		return false, err
	}
	var damaged []string
	for _, p := range want.list() {
		if whole, err := b.isWhole(ctx, p); err == nil && !whole {
			damaged = append(damaged, p.File)
		}
	}
	if damaged == nil {
		return false, nil
	}
	b.log.Warn("an image on the node is damaged and is brought there anew", "image", digest, "files", damaged)
	err = errors.Join(b.dropTemplatesOf(ctx, digest), b.PutImage(ctx, digest, func(float64) {}))
	return err == nil, err
}

// room makes ErrFull of what libvirt says when the disk is full.
func (b *Backend) room(err error) error {
	if err != nil && (strings.Contains(err.Error(), "No space left") || strings.Contains(err.Error(), "Disk quota exceeded")) {
		return fmt.Errorf("the node's disk is full (%s): %w: %w", b.pool.Dir(), vmbackend.ErrFull, err)
	}
	return err
}

// progress reports the share of bytes that have gone through it.
type progress struct {
	total, done int64
	report      func(float64)
}

func (p *progress) Write(data []byte) (int, error) {
	p.add(int64(len(data)))
	return len(data), nil
}

func (p *progress) add(n int64) {
	p.done += n
	if p.report != nil {
		p.report(float64(p.done) / float64(max(p.total, 1)))
	}
}
