package pool

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"slices"

	"github.com/digitalocean/go-libvirt"
)

type volumeXML struct {
	XMLName  struct{} `xml:"volume"`
	Name     string   `xml:"name"`
	Capacity int64    `xml:"capacity"`
	// Allocation is written at once; none is.
	Allocation int64    `xml:"allocation"`
	Format     format   `xml:"target>format"`
	Mode       string   `xml:"target>permissions>mode"`
	Backing    *backing `xml:"backingStore"`
}

type format struct {
	Type string `xml:"type,attr"`
}

type backing struct {
	Path   string `xml:"path"`
	Format format `xml:"format"`
}

// Create makes an empty file. It fails with libvirt's ErrStorageVolExist if
// there is one of that name.
func (p *Pool) Create(ctx context.Context, file string) error {
	return p.make(ctx, volumeXML{Name: file, Format: format{"raw"}})
}

// CreateOver makes a qcow2 disk of capacity bytes whose content is that of
// another qcow2 file of the pool until it is written to.
func (p *Pool) CreateOver(ctx context.Context, file, base string, capacity int64) error {
	return p.make(ctx, volumeXML{
		Name: file, Capacity: capacity, Format: format{"qcow2"},
		Backing: &backing{Path: p.Path(base), Format: format{"qcow2"}},
	})
}

func (p *Pool) make(ctx context.Context, v volumeXML) error {
	v.Mode = "0600"
	text, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	return p.call(ctx, "make "+v.Name, func(l *libvirt.Libvirt, h libvirt.StoragePool) error {
		_, err := l.StorageVolCreateXML(h, string(text), 0)
		return err
	})
}

// Copy makes a copy of a file, on the node.
func (p *Pool) Copy(ctx context.Context, file, from string) error {
	text, err := xml.Marshal(volumeXML{Name: file, Format: format{"raw"}, Mode: "0600"})
	if err != nil {
		return err
	}
	return p.call(ctx, "copy "+from+" to "+file, func(l *libvirt.Libvirt, h libvirt.StoragePool) error {
		_, err := l.StorageVolCreateXMLFrom(h, string(text), p.volume(from), 0)
		return err
	})
}

// Delete removes files. Those that are not there are removed already.
func (p *Pool) Delete(ctx context.Context, files ...string) error {
	for _, file := range files {
		err := p.call(ctx, "remove "+file, func(l *libvirt.Libvirt, _ libvirt.StoragePool) error {
			return l.StorageVolDelete(p.volume(file), 0)
		})
		if err != nil && !Is(err, libvirt.ErrNoStorageVol) {
			return err
		}
	}
	return nil
}

// List names the pool's files, in order.
func (p *Pool) List(ctx context.Context) ([]string, error) {
	return ask(ctx, p, "list the pool's files", func(l *libvirt.Libvirt, h libvirt.StoragePool) ([]string, error) {
		volumes, _, err := l.StoragePoolListAllVolumes(h, 1, 0)
		var names []string
		for _, v := range volumes {
			names = append(names, v.Name)
		}
		slices.Sort(names)
		return names, err
	})
}

// Size is a file's length and what it takes on the node's disk, in bytes. The
// error is libvirt's ErrNoStorageVol if there is no such file.
func (p *Pool) Size(ctx context.Context, file string) (length, occupied int64, err error) {
	type sizes struct{ length, occupied uint64 }
	s, err := ask(ctx, p, "measure "+file, func(l *libvirt.Libvirt, _ libvirt.StoragePool) (s sizes, err error) {
		const physical = 1 // VIR_STORAGE_VOL_GET_PHYSICAL
		if _, _, s.occupied, err = l.StorageVolGetInfoFlags(p.volume(file), 0); err != nil {
			return s, err
		}
		_, _, s.length, err = l.StorageVolGetInfoFlags(p.volume(file), physical)
		return s, err
	})
	return int64(s.length), int64(s.occupied), err
}

// Upload fills a file with length bytes that r gives, from offset on.
func (p *Pool) Upload(ctx context.Context, file string, r io.Reader, offset, length int64) error {
	if _, err := p.Ensure(ctx); err != nil {
		return err
	}
	return p.conn.Upload(ctx, p.volume(file), uint64(offset), uint64(length), r)
}

// maxSmall bounds what Get reads, in bytes.
const maxSmall = 1 << 20

// Put writes a small file, instead of an older one of that name.
func (p *Pool) Put(ctx context.Context, file string, content []byte) error {
	if err := p.Delete(ctx, file); err != nil {
		return err
	}
	if err := p.Create(ctx, file); err != nil {
		return err
	}
	return p.Upload(ctx, file, bytes.NewReader(content), 0, int64(len(content)))
}

// Get reads a small file.
func (p *Pool) Get(ctx context.Context, file string) ([]byte, error) {
	length, _, err := p.Size(ctx, file)
	if err != nil {
		return nil, err
	}
	if length > maxSmall {
		return nil, fmt.Errorf("%s has %d bytes, at most %d were expected", file, length, maxSmall)
	}
	return p.Part(ctx, file, 0, length)
}
