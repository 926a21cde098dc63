package libvirt

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/domain"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// record is what is kept with a guest's domain.
type record struct {
	vmbackend.Spec
	Created time.Time `json:"created"`
	// Started is when the guest was last started; zero if never.
	Started time.Time `json:"started,omitzero"`
	// Disk is the file that the guest writes to, Layer the number of its last.
	Disk  string `json:"disk"`
	Layer int    `json:"layer"`
	// Base is the template's disk that the guest's is over, if it is. Such a
	// guest begins as a clone of that template.
	Base string `json:"base,omitempty"`
	// Snapshots are by their names.
	Snapshots map[string]snapshot `json:"snapshots,omitempty"`
}

// lower is base32 in the letters that all names may have.
var lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func short(what string, length int) string {
	sum := sha256.Sum256([]byte(what))
	return lower.EncodeToString(sum[:])[:length]
}

// prefix begins the names of all domains that belong to this pool.
func (b *Backend) prefix() string { return "lm" + short(b.pool.Dir(), 5) }

// domainOf names a guest's domain. It is short, because libvirt puts it into
// the paths of sockets, which hold 107 bytes; people see the title. The UUID
// follows from the guest too, so nothing needs to be looked up.
func (b *Backend) domainOf(id string) libvirt.Domain {
	return b.named(b.prefix()+short(id, 8), id)
}

func (b *Backend) named(name, what string) libvirt.Domain {
	d := libvirt.Domain{Name: name, ID: -1}
	sum := sha256.Sum256([]byte(b.pool.Dir() + "\x00" + what))
	copy(d.UUID[:], sum[:])
	d.UUID[6], d.UUID[8] = d.UUID[6]&0x0f|0x80, d.UUID[8]&0x3f|0x80 // RFC 9562, version 8
	return d
}

func uuidText(u libvirt.UUID) string {
	x := hex.EncodeToString(u[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func (r record) hostname() string {
	if r.Hostname != "" {
		return r.Hostname
	}
	return r.ID
}

func (r record) marshal() (string, error) {
	text, err := json.Marshal(r)
	return string(text), err
}

// read returns what is kept with a guest's domain, or ErrNoGuest.
func (b *Backend) read(ctx context.Context, id string) (record, error) {
	if !vmbackend.ValidID(id) {
		return record{}, fmt.Errorf("guest %q: %w", id, vmbackend.ErrNoGuest)
	}
	r, err := b.readDomain(ctx, b.domainOf(id))
	if pool.Is(err, libvirt.ErrNoDomain) {
		return r, fmt.Errorf("guest %s: %w", id, vmbackend.ErrNoGuest)
	}
	if err != nil {
		return r, fmt.Errorf("guest %s: %w", id, err)
	}
	return r, nil
}

// maxRecord bounds what is kept of each guest in memory, in bytes of XML.
const maxRecord = 256 << 10

func (b *Backend) readDomain(ctx context.Context, dom libvirt.Domain) (record, error) {
	var r record
	element, err := wire.Ask(ctx, b.conn, "read what is kept with the domain", func(l *libvirt.Libvirt) (string, error) {
		return l.DomainGetMetadata(dom, int32(libvirt.DomainMetadataElement), libvirt.OptString{domain.NoteURI}, libvirt.DomainAffectConfig)
	})
	if err != nil {
		return r, err
	}
	if len(element) > maxRecord {
		return r, fmt.Errorf("what is kept with the domain %s has %d bytes, at most %d were expected; destroy the guest", dom.Name, len(element), maxRecord)
	}
	text, err := domain.NoteOf(element)
	if err == nil {
		err = json.Unmarshal([]byte(text), &r)
	}
	if err != nil {
		return r, fmt.Errorf("%w; destroy the guest if it cannot be mended", err)
	}
	b.remember(dom.Name, r)
	return r, nil
}

// write keeps a changed record with its domain.
func (b *Backend) write(ctx context.Context, r record) error {
	text, err := r.marshal()
	if err != nil {
		return err
	}
	element, err := domain.NoteElement(text)
	if err != nil {
		return err
	}
	dom := b.domainOf(r.ID)
	err = b.conn.Call(ctx, "keep what has changed with the domain", func(l *libvirt.Libvirt) error {
		return l.DomainSetMetadata(dom, int32(libvirt.DomainMetadataElement), libvirt.OptString{element},
			libvirt.OptString{domain.NoteKey}, libvirt.OptString{domain.NoteURI}, libvirt.DomainAffectConfig)
	})
	if err == nil {
		b.remember(dom.Name, r)
	}
	return err
}

// remember keeps a record for List, which would else ask for each.
func (b *Backend) remember(name string, r record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records[name] = r
}

func (b *Backend) forget(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.records, name)
}

// recall returns the record of a domain, asked for only if it must be.
func (b *Backend) recall(ctx context.Context, dom libvirt.Domain) (record, error) {
	b.mu.Lock()
	r, known := b.records[dom.Name]
	b.mu.Unlock()
	if known {
		r.Labels = maps.Clone(r.Labels)
		return r, nil
	}
	return b.readDomain(ctx, dom)
}

// Files of a guest are named so that they can be told from all others'.
func guestFile(id string, layer int, kind string) string {
	return fmt.Sprintf("guest.%s.%d.%s", id, layer, kind)
}

// ownerOf is the guest that a file belongs to.
func ownerOf(file string) (id string, ok bool) {
	fields := strings.Split(file, ".")
	if len(fields) < 3 || fields[0] != "guest" {
		return "", false
	}
	return fields[1], vmbackend.ValidID(fields[1])
}
