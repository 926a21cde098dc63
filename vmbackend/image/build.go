package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Build makes an image from a recipe and puts it into the store, whatever is
// there already. It needs mmdebstrap and e2fsprogs and the way to a Debian
// mirror; root, or a range of user numbers in /etc/subuid. report may be nil;
// it is called from one goroutine at a time, often.
func Build(ctx context.Context, r *Recipe, s *Store, report func(Progress)) (Image, error) {
	return build(ctx, r, s, newMeter(report), false)
}

// Ensure returns the image that the recipe's name means, and builds it first
// when there is none or when the recipe has changed since.
func Ensure(ctx context.Context, r *Recipe, s *Store, report func(Progress)) (Image, error) {
	if i, err := s.Resolve(r.Name); err == nil && i.Fresh(r) {
		return i, nil
	}
	return build(ctx, r, s, newMeter(report), true)
}

// Fresh says whether the image was built from this very recipe.
func (i Image) Fresh(r *Recipe) bool { return i.Recipe == r.Digest() }

// build holds the name's lock, so that two processes do not do the same work.
// With reuse, what the other one built meanwhile is good enough.
func build(ctx context.Context, r *Recipe, s *Store, m *meter, reuse bool) (i Image, err error) {
	m.enter(phaseWait, "")
	unlock, err := lockFile(ctx, filepath.Join(s.dir, "build-"+r.Name+".lock"))
	if err != nil {
		return Image{}, err
	}
	defer unlock()
	if i, err := s.Resolve(r.Name); reuse && err == nil && i.Fresh(r) {
		return i, nil
	}
	m.enter(phaseLists, "")
	w, err := newWorkshop()
	if err != nil {
		return Image{}, err
	}
	defer func() { err = errors.Join(err, w.remove()) }()
	k, err := s.kernelFor(ctx, r)
	if err != nil {
		return Image{}, fmt.Errorf("build image %s: %w", r.Name, err)
	}
	if err := w.bootstrap(ctx, s, r, k, m); err != nil {
		return Image{}, fmt.Errorf("build image %s: %w", r.Name, err)
	}
	m.enter(phaseDisk, "")
	if err := w.writeDisk(ctx, r, m); err != nil {
		return Image{}, fmt.Errorf("build image %s: %w", r.Name, err)
	}
	m.enter(phaseStore, "")
	return keep(ctx, s, r, k, w.path("disk.ext4"), m)
}

// keep copies a finished disk into the store.
func keep(ctx context.Context, s *Store, r *Recipe, k kernel, disk string, m *meter) (Image, error) {
	return s.take(ctx, Image{Name: r.Name, Recipe: r.Digest(), Size: r.diskSize(), Arch: r.arch().stored(), Kernel: k.version}, disk, m)
}

// take copies a disk into the store, as the image i, whose digest and room it
// finds out.
func (s *Store) take(ctx context.Context, i Image, disk string, m *meter) (Image, error) {
	in, err := os.Open(disk)
	if err != nil {
		return Image{}, err
	}
	defer func() { _ = in.Close() }()
	out, err := os.CreateTemp(s.dir, "image-*.tmp")
	if err != nil {
		return Image{}, err
	}
	defer func() { _ = os.Remove(out.Name()) }() // gone already when all went well
	i.Digest, err = copySparse(ctx, out, in, func(share float64) { m.at(share, "") })
	i.Occupied, i.Built = occupiedBytes(out), time.Now().UTC()
	err = errors.Join(err, out.Chmod(0o444), out.Sync(), out.Close())
	if err != nil {
		return Image{}, fmt.Errorf("store image %s: %w", i.Name, err)
	}
	if i, err = s.add(i, out.Name()); err == nil {
		m.at(1, i.Digest)
	}
	return i, err
}

// occupiedBytes is what a sparse file really takes.
func occupiedBytes(f *os.File) int64 {
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512 // stat(2): in units of 512 bytes
	}
	return info.Size()
}
