package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/libvirt"
	"github.com/labmark/labmark/vmbackend/libvirt/bare"
	"github.com/labmark/labmark/vmbackend/libvirt/daemon"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// virtualMemory is the RAM of guests by QEMU, in bytes.
const virtualMemory = 96 << 20

// virtual is a private libvirtd with two backends: one that clones a saved
// machine, one that boots each guest.
type virtual struct {
	dir          string // of the daemon
	daemon       *daemon.Daemon
	clones, cold *libvirt.Backend
}

func (b *bench) newVirtual(ctx context.Context) (*virtual, error) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	// Beside the others' folder, which is closed to the user of libvirtd.
	root, err := os.MkdirTemp("", "lmv")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(root, 0o711); err != nil {
		return nil, err
	}
	v := &virtual{dir: filepath.Join(root, "v")}
	if v.daemon, err = daemon.Start(ctx, daemon.Options{Dir: v.dir, Log: log}); err != nil {
		return nil, err
	}
	open := func(pool string, noTemplates bool) (*libvirt.Backend, error) {
		conn, err := wire.New(wire.Endpoint{URI: v.daemon.URI()}, log)
		if err != nil {
			return nil, err
		}
		return libvirt.New(libvirt.Config{Conn: conn, Pool: filepath.Join(v.dir, pool), Images: b.images,
			Memory: virtualMemory, NoTemplates: noTemplates, Log: log})
	}
	if v.clones, err = open("p", false); err != nil {
		return nil, err
	}
	if v.cold, err = open("q", true); err != nil {
		return nil, err
	}
	for _, back := range []*libvirt.Backend{v.clones, v.cold} {
		if err := back.PutImage(ctx, b.image.Digest, nil); err != nil {
			return nil, err
		}
	}
	return v, v.clones.Prepare(ctx, vmbackend.Shape{Image: b.image.Digest, Memory: virtualMemory})
}

// end destroys all guests and the daemon.
func (v *virtual) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, back := range []*libvirt.Backend{v.clones, v.cold} {
		if back == nil {
			continue
		}
		if err := destroyAll(ctx, back); err != nil {
			fmt.Fprintln(os.Stderr, "bench: guests are left:", err)
		}
		_ = back.Close()
	}
	if v.daemon != nil {
		_ = v.daemon.Stop(ctx)
	}
	_ = os.RemoveAll(filepath.Dir(v.dir))
}

func destroyAll(ctx context.Context, back vmbackend.Backend) error {
	guests, err := back.List(ctx)
	for _, g := range guests {
		if err := back.Destroy(ctx, g.ID); err != nil {
			return err
		}
	}
	return err
}

// firstCommand measures from nothing to the end of the first command, then
// destroys the guest and measures that too.
func firstCommand(ctx context.Context, back vmbackend.Backend, p person) (first, destroyed time.Duration, err error) {
	p.spec.Memory = virtualMemory
	first, err = timed(func() error {
		if err := back.Create(ctx, p.spec); err != nil {
			return err
		}
		if err := back.Start(ctx, p.spec.ID); err != nil {
			return err
		}
		return p.command(ctx, back, "true")
	})
	if err != nil {
		return 0, 0, err
	}
	destroyed, err = timed(func() error { return back.Destroy(ctx, p.spec.ID) })
	return first, destroyed, err
}

// virtual measures guests by libvirt against QEMU by hand and against
// User-Mode Linux.
func (b *bench) virtual(ctx context.Context) error {
	v, err := b.newVirtual(ctx)
	if v != nil {
		defer v.end()
	}
	if err != nil {
		return fmt.Errorf("libvirt: %w", err)
	}
	if err := b.instant(ctx, v); err != nil {
		return err
	}
	return b.twenty(ctx, v)
}

// instant measures what a student waits for.
func (b *bench) instant(ctx context.Context, v *virtual) error {
	p, err := b.person("instant")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "lmh")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	byHand, err := b.templateByHand(ctx, dir)
	if err != nil {
		return fmt.Errorf("QEMU by hand: %w", err)
	}
	var destroys, kills []float64
	clone := func() (time.Duration, error) {
		first, destroyed, err := firstCommand(ctx, v.clones, p)
		destroys = append(destroys, destroyed.Seconds())
		return first, err
	}
	err = b.pairs(Result{Name: "libvirt: clone of a saved machine to first command", Goal: 1.2,
		Against: "the same image saved and restored with QEMU by hand"}, b.rounds, clone,
		func() (time.Duration, error) {
			took, killed, err := restoreByHand(ctx, byHand, p)
			kills = append(kills, killed.Seconds())
			return took, err
		})
	if err != nil {
		return err
	}
	b.add(Result{Name: "libvirt: guest destroyed", Unit: "s", Value: median(destroys), Reference: median(kills),
		Ratio: median(destroys) / median(kills), Against: "QEMU by hand killed"})
	err = b.pairs(Result{Name: "libvirt: clone to first command, against a boot", Goal: 0.1,
		Against: "a cold boot of the same image by libvirt"}, b.rounds, clone,
		func() (time.Duration, error) { first, _, err := firstCommand(ctx, v.cold, p); return first, err })
	if err != nil {
		return err
	}
	return b.resets(ctx, v.clones, p)
}

// resets measures a fresh guest in place of an old one.
func (b *bench) resets(ctx context.Context, clones vmbackend.Backend, p person) error {
	q, err := b.person("instant-uml")
	if err != nil {
		return err
	}
	reset := func(back vmbackend.Backend, p person) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			return timed(func() error {
				if err := back.Destroy(ctx, p.spec.ID); err != nil {
					return err
				}
				if err := create(ctx, back, p); err != nil {
					return err
				}
				return p.command(ctx, back, "true")
			})
		}
	}
	// The round that does not count destroys nothing.
	err = b.pairs(Result{Name: "libvirt: reset to first command", Against: "a reset of a User-Mode Linux guest"}, b.rounds,
		reset(clones, p), reset(b.backend, q))
	return errors.Join(err, clones.Destroy(ctx, p.spec.ID), b.backend.Destroy(ctx, q.spec.ID))
}

func create(ctx context.Context, back vmbackend.Backend, p person) error {
	p.spec.Memory = virtualMemory
	if err := back.Create(ctx, p.spec); err != nil {
		return err
	}
	return back.Start(ctx, p.spec.ID)
}

func (b *bench) templateByHand(ctx context.Context, dir string) (*bare.Template, error) {
	machine, err := b.images.Machine(ctx, b.image)
	if err != nil {
		return nil, err
	}
	disk, _, _, err := b.images.Disk(ctx, b.image)
	if err != nil {
		return nil, err
	}
	_, err = os.Stat("/dev/kvm")
	return bare.Save(ctx, bare.Config{Machine: machine, Base: disk, Dir: dir, Memory: virtualMemory, KVM: err == nil})
}

func restoreByHand(ctx context.Context, t *bare.Template, p person) (first, killed time.Duration, err error) {
	var guest *bare.Guest
	first, err = timed(func() (err error) {
		guest, err = t.Restore(ctx, guestlink.Personal{Hostname: "byhand", HostKey: p.spec.HostKey, AuthorizedKey: p.spec.AuthorizedKey})
		if err != nil {
			return err
		}
		return p.command(ctx, guest, "true")
	})
	if guest != nil {
		killed, _ = timed(func() error { guest.Kill(); return nil })
	}
	return first, killed, err
}
