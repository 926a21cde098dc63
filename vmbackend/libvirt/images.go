package libvirt

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
)

// parts are what an image is made of on a node.
type parts struct {
	Digest   string `json:"digest"`
	Arch     string `json:"arch"` // QEMU's word
	Args     string `json:"args"`
	Capacity int64  `json:"capacity"` // of the guest's disk, in bytes
	Disk     part   `json:"disk"`
	Kernel   part   `json:"kernel"`
	Initrd   part   `json:"initrd"`
	Seed     part   `json:"seed"`
}

// part is a file in the pool, named by its content.
type part struct {
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Size   int64  `json:"size,omitempty"`
	from   string // the file here
}

func (p parts) list() []part {
	all := []part{p.Disk, p.Kernel, p.Initrd, p.Seed}
	return slices.DeleteFunc(all, func(p part) bool { return p.File == "" })
}

const (
	// uploadLimit bounds the way of an image to a node.
	uploadLimit = 2 * time.Hour
	// shownDigits of a checksum are enough for a name.
	shownDigits = 24
)

func manifestOf(digest string) string {
	hexDigits := strings.TrimPrefix(digest, "sha256:")
	return "image-" + hexDigits[:min(shownDigits, len(hexDigits))] + ".json"
}

// ensureImage returns what an image is on the node, after bringing it there if
// it is missing.
func (b *Backend) ensureImage(ctx context.Context, digest string) (parts, error) {
	return shared(ctx, b, b.images, digest, uploadLimit, func(ctx context.Context) (parts, error) {
		return b.bring(ctx, digest, nil)
	})
}

// HasImage says whether the image is on the node, as this gateway would put it.
func (b *Backend) HasImage(ctx context.Context, digest string) (bool, error) {
	want, err := b.parts(ctx, digest)
	if err != nil {
		return false, err
	}
	return b.hasAll(ctx, want)
}

// PutImage brings the image there, and holds what is there already against its
// checksums too.
func (b *Backend) PutImage(ctx context.Context, digest string, report func(share float64)) error {
	b.mu.Lock()
	if _, done := b.images[digest].result(); done { // one that is on its way is waited for
		delete(b.images, digest)
	}
	b.mu.Unlock()
	_, err := shared(ctx, b, b.images, digest, uploadLimit, func(ctx context.Context) (parts, error) {
		return b.bring(ctx, digest, report)
	})
	return err
}

// DropImage removes the image with the templates made of it, and those of its
// files that no other image shares.
func (b *Backend) DropImage(ctx context.Context, digest string) error {
	b.creating.Lock()
	defer b.creating.Unlock()
	guests, err := b.List(ctx)
	if err != nil {
		return err
	}
	for _, g := range guests {
		if g.Image == digest {
			return fmt.Errorf("remove image %s: guest %s uses it: %w", digest, g.ID, vmbackend.ErrWrongState)
		}
	}
	b.mu.Lock()
	delete(b.images, digest)
	b.mu.Unlock()
	p, err := b.manifest(ctx, digest)
	if pool.Is(err, libvirt.ErrNoStorageVol) {
		return nil
	}
	if err == nil {
		err = b.dropTemplatesOf(ctx, digest)
	}
	if err == nil {
		err = b.pool.Delete(ctx, manifestOf(digest))
	}
	if err != nil {
		return fmt.Errorf("remove image %s: %w", digest, err)
	}
	return b.dropUnshared(ctx, p.list())
}

func (b *Backend) dropUnshared(ctx context.Context, candidates []part) error {
	files, err := b.pool.List(ctx)
	if err != nil {
		return err
	}
	shared := map[string]bool{}
	for _, file := range files {
		if !strings.HasPrefix(file, "image-") {
			continue
		}
		other, err := b.readManifest(ctx, file)
		if err != nil {
			return err
		}
		for _, p := range other.list() {
			shared[p.File] = true
		}
	}
	for _, p := range candidates {
		if !shared[p.File] {
			if err := b.pool.Delete(ctx, p.File); err != nil {
				return err
			}
		}
	}
	return nil
}

// parts says what an image would be on the node, from the files here.
func (b *Backend) parts(ctx context.Context, digest string) (parts, error) {
	p := parts{Digest: digest}
	i, err := b.cfg.Images.ByDigest(digest)
	if err != nil {
		return p, err
	}
	m, err := b.cfg.Images.Machine(ctx, i)
	if err != nil {
		return p, err
	}
	path, sum, size, err := b.cfg.Images.Disk(ctx, i)
	if err != nil {
		return p, err
	}
	p.Arch, p.Args, p.Capacity = m.Arch, m.KernelArgs, i.Size
	p.Disk = part{"base-" + sum[:shownDigits] + ".qcow2", sum, size, path}
	for _, f := range []struct {
		to           *part
		path         string
		prefix, tail string
	}{{&p.Kernel, m.Kernel, "kernel-", ""}, {&p.Initrd, m.Initrd, "initrd-", ""}, {&p.Seed, m.Seed, "seed-", ".iso"}} {
		if f.path == "" {
			continue
		}
		if *f.to, err = measure(f.path, f.prefix, f.tail); err != nil {
			return p, err
		}
	}
	return p, nil
}

func measure(path, prefix, tail string) (part, error) {
	f, err := os.Open(path)
	if err != nil {
		return part{}, err
	}
	defer f.Close()
	h := sha256.New()
	size, err := io.Copy(h, f)
	sum := hex.EncodeToString(h.Sum(nil))
	return part{prefix + sum[:shownDigits] + tail, sum, size, path}, err
}

func (b *Backend) manifest(ctx context.Context, digest string) (parts, error) {
	return b.readManifest(ctx, manifestOf(digest))
}

func (b *Backend) readManifest(ctx context.Context, file string) (parts, error) {
	var p parts
	content, err := b.pool.Get(ctx, file)
	if err == nil {
		err = json.Unmarshal(content, &p)
	}
	return p, err
}

// hasAll says whether the manifest on the node is the wanted one, and all
// files have the right length.
func (b *Backend) hasAll(ctx context.Context, want parts) (bool, error) {
	have, err := b.manifest(ctx, want.Digest)
	var damaged *json.SyntaxError
	if pool.Is(err, libvirt.ErrNoStorageVol) || errors.As(err, &damaged) {
		return false, nil
	}
	if err != nil || !have.same(want) {
		return false, err
	}
	for _, p := range want.list() {
		length, _, err := b.pool.Size(ctx, p.File)
		if pool.Is(err, libvirt.ErrNoStorageVol) || err == nil && length != p.Size {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func (p parts) same(other parts) bool {
	for _, all := range []*parts{&p, &other} {
		for _, f := range []*part{&all.Disk, &all.Kernel, &all.Initrd, &all.Seed} {
			f.from = ""
		}
	}
	return p == other
}
