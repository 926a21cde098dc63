package libvirt

import (
	"context"
	"errors"
	"fmt"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
)

// Destroy wins over all that is under way for the guest.
func (b *Backend) Destroy(ctx context.Context, id string) error {
	b.hurry(id, fmt.Errorf("it was destroyed meanwhile: %w", vmbackend.ErrNoGuest))
	err := b.change(ctx, "destroy", id, createLimit, func(ctx context.Context, g *guest) error {
		r, err := b.read(ctx, id)
		if errors.Is(err, vmbackend.ErrNoGuest) {
			return err
		}
		if err != nil { // a record that cannot be read holds nobody
			r = record{Spec: vmbackend.Spec{ID: id}}
		}
		if errors.Is(err, vmbackend.ErrUnreachable) || ctx.Err() != nil {
			return err
		}
		firm, cancel := b.firm()
		defer cancel()
		b.part(g)
		if err := b.remove(firm, r); err != nil {
			return err
		}
		return gone{nil, true}
	})
	if errors.Is(err, vmbackend.ErrNoGuest) {
		return nil
	}
	return err
}

// remove ends a guest's domain, deletes its files and undefines the domain: as
// long as there are files there is something that Destroy finds. Of a record
// that cannot be read the first file is known; others are swept.
func (b *Backend) remove(ctx context.Context, r record) error {
	dom := b.domainOf(r.ID)
	err := b.conn.Call(ctx, "end the domain", func(l *libvirt.Libvirt) error {
		return l.DomainDestroyFlags(dom, libvirt.DomainDestroyDefault)
	})
	if err != nil && !pool.Is(err, libvirt.ErrOperationInvalid) && !pool.Is(err, libvirt.ErrNoDomain) {
		return err
	}
	if err := b.pool.Delete(ctx, r.files()...); err != nil {
		return err
	}
	err = b.conn.Call(ctx, "remove the domain", func(l *libvirt.Libvirt) error {
		return l.DomainUndefineFlags(dom, undefineAll)
	})
	if err != nil && !pool.Is(err, libvirt.ErrNoDomain) {
		return err
	}
	b.forget(dom.Name)
	return nil
}

const undefineAll = libvirt.DomainUndefineManagedSave | libvirt.DomainUndefineSnapshotsMetadata |
	libvirt.DomainUndefineCheckpointsMetadata | libvirt.DomainUndefineNvram

// files are all that a guest may have in the pool.
func (r record) files() []string {
	var files []string
	for layer := r.Layer; layer >= 0; layer-- {
		files = append(files, guestFile(r.ID, layer, "disk"))
	}
	for _, s := range r.Snapshots {
		files = append(files, s.Memory)
	}
	return files
}
