package libvirt

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/domain"
)

var _ vmbackend.Snapshotter = (*Backend)(nil)

// snapshot is a guest's whole state at a moment: its memory, and the disk to
// which nobody writes any more.
type snapshot struct {
	Memory string `json:"memory"`
	Disk   string `json:"disk"`
}

const (
	// snapshotLimit bounds the saving of a guest's memory, or its return.
	snapshotLimit = 15 * time.Minute
	// maxLayers is how long a chain of disks may get. QEMU opens them all.
	maxLayers = 100
)

// snapshotXML asks libvirt for a snapshot that it forgets at once: the guest
// goes on with another disk (libvirt.org/formatsnapshot.html).
type snapshotXML struct {
	XMLName struct{}     `xml:"domainsnapshot"`
	Name    string       `xml:"name"`
	Memory  memoryXML    `xml:"memory"`
	Disks   []layeredXML `xml:"disks>disk"`
}

type memoryXML struct {
	Kind string `xml:"snapshot,attr"`
	File string `xml:"file,attr"`
}

type layeredXML struct {
	Name   string   `xml:"name,attr"`
	Kind   string   `xml:"snapshot,attr"`
	Driver *typeXML `xml:"driver"`
	Source *fileXML `xml:"source"`
}

type typeXML struct {
	Type string `xml:"type,attr"`
}

type fileXML struct {
	File string `xml:"file,attr"`
}

// Snapshot saves the guest's memory and lets it go on over a new disk. It
// stands still meanwhile, for a second or so; streams stay open.
func (b *Backend) Snapshot(ctx context.Context, id, name string) error {
	return b.change(ctx, "take a snapshot of", id, snapshotLimit, func(ctx context.Context, g *guest) error {
		r, err := b.read(ctx, id)
		if err != nil {
			return err
		}
		state, err := b.stateOf(ctx, r)
		switch {
		case err != nil:
			return err
		case state != vmbackend.Running:
			return fmt.Errorf("it is %s: %w", state, vmbackend.ErrWrongState)
		case r.Layer >= maxLayers:
			return fmt.Errorf("it has had %d snapshots: %w; reset it", r.Layer, vmbackend.ErrFull)
		}
		return b.snapshot(ctx, r, name)
	})
}

func (b *Backend) snapshot(ctx context.Context, r record, name string) error {
	image, err := b.ensureImage(ctx, r.Image)
	if err != nil {
		return err
	}
	next := r
	next.Layer++
	next.Disk = guestFile(r.ID, next.Layer, "disk")
	taken := snapshot{Memory: guestFile(r.ID, next.Layer, "save"), Disk: r.Disk}
	next.Snapshots = maps.Clone(r.Snapshots)
	if next.Snapshots == nil {
		next.Snapshots = map[string]snapshot{}
	}
	next.Snapshots[name] = taken
	// libvirt knows only those files that it made itself.
	if err := b.pool.Delete(ctx, taken.Memory, next.Disk); err != nil {
		return err
	}
	err = b.pool.Create(ctx, taken.Memory)
	if err == nil {
		err = b.pool.CreateOver(ctx, next.Disk, r.Disk, image.Capacity)
	}
	if err == nil {
		err = b.layer(ctx, r, next, taken)
	}
	if err != nil {
		return errors.Join(b.room(err), b.pool.Delete(ctx, taken.Memory, next.Disk))
	}
	if err := b.write(ctx, next); err != nil {
		return err
	}
	return b.pool.Delete(ctx, r.Snapshots[name].files()...)
}

// files are what only this snapshot needs. Its disk is below later ones.
func (s snapshot) files() []string {
	if s.Memory == "" {
		return nil
	}
	return []string{s.Memory}
}

// layer makes libvirt save the memory and go over to the next disk.
func (b *Backend) layer(ctx context.Context, r, next record, taken snapshot) error {
	disks := []layeredXML{{
		Name: "vda", Kind: "external", Driver: &typeXML{"qcow2"}, Source: &fileXML{b.pool.Path(next.Disk)},
	}}
	live, err := b.live(ctx, b.domainOf(r.ID))
	if err != nil {
		return err
	}
	for _, dev := range live.Others {
		disks = append(disks, layeredXML{Name: dev, Kind: "no"})
	}
	text, err := xml.Marshal(snapshotXML{
		Name: "labmark", Memory: memoryXML{"external", b.pool.Path(taken.Memory)}, Disks: disks,
	})
	if err != nil {
		return err
	}
	dom := b.domainOf(r.ID)
	const flags = libvirt.DomainSnapshotCreateNoMetadata | libvirt.DomainSnapshotCreateReuseExt | libvirt.DomainSnapshotCreateAtomic
	return b.conn.Slow(ctx, "save the domain", func(l *libvirt.Libvirt) error {
		_, err := l.DomainSnapshotCreateXML(dom, string(text), uint32(flags))
		return err
	})
}

// Rewind ends the machine and restores the saved one, over a new disk.
func (b *Backend) Rewind(ctx context.Context, id, name string) error {
	return b.change(ctx, "rewind", id, snapshotLimit, func(ctx context.Context, g *guest) error {
		r, err := b.read(ctx, id)
		if err != nil {
			return err
		}
		s, found := r.Snapshots[name]
		if !found {
			return fmt.Errorf("%w: %q", vmbackend.ErrNoSnapshot, name)
		}
		if _, err := b.facts(ctx); err != nil {
			return err
		}
		done, err := inTurn(ctx, b.node.restores)
		if err != nil {
			return err
		}
		defer done()
		if err := b.rewind(ctx, g, r, s); err != nil {
			return err
		}
		bounded, cancel := context.WithTimeoutCause(ctx, b.cfg.StartTimeout, b.tooSlow())
		defer cancel()
		return b.awaitRunning(bounded, g)
	})
}

func (b *Backend) rewind(ctx context.Context, g *guest, r record, s snapshot) error {
	image, err := b.ensureImage(ctx, r.Image)
	if err != nil {
		return err
	}
	memory, err := b.savedHead(ctx, s.Memory)
	if err != nil {
		return err
	}
	left := r.Disk
	r.Layer++
	r.Disk, r.Started = guestFile(r.ID, r.Layer, "disk"), time.Now()
	if err := b.pool.Delete(ctx, r.Disk); err != nil {
		return err
	}
	if err := b.pool.CreateOver(ctx, r.Disk, s.Disk, image.Capacity); err != nil {
		return errors.Join(b.room(err), b.pool.Delete(ctx, r.Disk))
	}
	if err := b.stop(nil, r); err != nil {
		return err
	}
	b.part(g)
	b.note(g, vmbackend.Starting, "")
	// From here on the guest is on the new disk, whatever happens to it.
	if err := b.moveTo(ctx, r); err != nil {
		return err
	}
	if err := b.restore(ctx, r, saved{s.Memory, memory}); err != nil {
		b.ended(g, "it could not be rewound")
		return b.room(err)
	}
	b.join(g, r, true)
	return b.dropLayer(ctx, r, left)
}

// moveTo makes a record's disk that of its domain, which does not run.
func (b *Backend) moveTo(ctx context.Context, r record) error {
	dom := b.domainOf(r.ID)
	note, err := r.marshal()
	if err != nil {
		return err
	}
	err = b.conn.Call(ctx, "change the domain's disk", func(l *libvirt.Libvirt) error {
		text, err := l.DomainGetXMLDesc(dom, libvirt.DomainXMLInactive|libvirt.DomainXMLSecure)
		if err != nil {
			return err
		}
		text, err = domain.Become(text, domain.Identity{
			Name: dom.Name, UUID: uuidText(dom.UUID), Title: "Labmark guest " + r.ID, Note: note, Disk: b.pool.Path(r.Disk),
		})
		if err == nil {
			_, err = l.DomainDefineXML(text)
		}
		return err
	})
	if err == nil {
		b.remember(dom.Name, r)
	}
	return err
}

// dropLayer deletes the disk that a rewound guest has left, unless it belongs
// to a snapshot.
func (b *Backend) dropLayer(ctx context.Context, r record, disk string) error {
	for _, s := range r.Snapshots {
		if s.Disk == disk {
			return nil
		}
	}
	return b.pool.Delete(ctx, disk)
}
