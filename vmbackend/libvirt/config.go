// Package libvirt runs guests as virtual machines of one node, by its libvirtd:
// on the processor itself where there is KVM, emulated where not.
//
// # What is where
//
// All that a node keeps for Labmark is in one folder, a storage pool, and in
// persistent domains, whose metadata hold the guest's Spec. Both are the truth:
// a Backend keeps nothing that it could not read again, so a new one over the
// same node and pool takes over where a crashed one left off. Files are
//
//	base-SUM.qcow2, kernel-SUM, initrd-SUM, seed-SUM.iso    by content
//	image-DIGEST.json       which of them an image is made of; written last
//	template-KEY.disk, .save, .json
//	                        a machine that was booted once and saved; the last
//	                        one is written when the others are whole
//	guest.ID.N.disk         a guest's disks: the last one is written to
//	guest.ID.N.save         the memory of a snapshot over the disk before
//
// # Guests
//
// A guest's first start is a clone of the template of its shape, if there is
// one: its disk is an overlay over the template's, its memory the template's
// saved memory with another name in its head. Without a template, and at every
// later start, it boots.
package libvirt

import (
	"context"
	"errors"
	"log/slog"
	"path"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// Images finds images and what nodes need of them; *image.Store does.
type Images interface {
	ByDigest(digest string) (image.Image, error)
	Machine(ctx context.Context, i image.Image) (image.Machine, error)
	Disk(ctx context.Context, i image.Image) (path, sum string, size int64, err error)
}

// Config says on which node and how guests run. Zero values take the defaults.
type Config struct {
	// Conn is the connection to the node. The Backend closes it in the end.
	Conn *wire.Conn
	// Pool is the folder for all files, an absolute path on the node. One
	// Backend works in it at a time.
	Pool string
	// Images resolves Spec.Image.
	Images Images
	// Memory is a guest's RAM in bytes unless its spec says otherwise.
	Memory int64
	// MaxGuests bounds how many guests there are, running or not.
	MaxGuests int
	// StartTimeout bounds a boot.
	StartTimeout time.Duration
	// Mirror is the unix socket, here, of the gateway's proxy to package
	// mirrors, for guests with vmbackend.OpenMirror; empty leaves those without.
	Mirror string
	// Visit leaves the guests to another Backend, of a gateway that may be
	// running: only the abilities Host and ImageHolder may be used.
	Visit bool
	// NoTemplates boots every guest.
	NoTemplates bool
	// Log takes what an administrator may want to know.
	Log *slog.Logger
}

const (
	defaultMemory    = 256 << 20
	minMemory        = 32 << 20
	defaultMaxGuests = 200
)

// New begins to look after the node's guests. It does not wait for the node:
// calls do, as long as their contexts allow.
func New(cfg Config) (*Backend, error) {
	if cfg.Conn == nil || cfg.Images == nil || !path.IsAbs(cfg.Pool) {
		return nil, errors.New("libvirt: a connection, a store of images and the absolute path of a folder on the node are needed")
	}
	if cfg.Memory == 0 {
		cfg.Memory = defaultMemory
	}
	if cfg.MaxGuests == 0 {
		cfg.MaxGuests = defaultMaxGuests
	}
	if cfg.StartTimeout == 0 {
		cfg.StartTimeout = vmbackend.DefaultTimeout
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	b := &Backend{
		cfg: cfg, conn: cfg.Conn, log: cfg.Log, pool: pool.New(cfg.Conn, cfg.Pool),
		guests:  map[string]*guest{},
		records: map[string]record{}, images: map[string]*job[parts]{}, templates: map[string]*job[template]{}, making: map[string]bool{},
	}
	b.life, b.end = context.WithCancelCause(context.Background())
	if !cfg.Visit {
		b.work.Go(b.follow)
	}
	return b, nil
}

// errClosed is what every method returns after Close.
var errClosed = errors.New("the backend has been closed")

// Close lets go of the guests; they run on.
func (b *Backend) Close() error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.end(errClosed)
	b.work.Wait() // not long: all work waits with contexts that have now ended
	b.watchers.Close()
	return b.conn.Close()
}
