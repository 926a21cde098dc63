package libvirt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt/domain"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

var (
	_ vmbackend.Backend   = (*Backend)(nil)
	_ vmbackend.Suspender = (*Backend)(nil)
)

// Backend implements vmbackend.Backend and all abilities for one node. Make it
// with New.
type Backend struct {
	cfg  Config
	conn *wire.Conn
	log  *slog.Logger
	pool *pool.Pool
	// creating is held while guests are counted and one more is defined.
	creating sync.Mutex
	node     node

	mu        sync.Mutex
	guests    map[string]*guest // handles of guests that somebody has asked for
	watchers  vmbackend.Watchers
	records   map[string]record // by domain; what is known, never the truth
	images    map[string]*job[parts]
	templates map[string]*job[template]
	making    map[string]bool // names that sweep must not touch
	times     processorTimes  // at the last look
	lastBusy  float64
	closed    bool
	// life ends with Close, and with it all that is under way.
	life context.Context
	end  context.CancelCauseFunc
	work sync.WaitGroup
}

// createLimit bounds the making of a guest, without bringing its image there.
const createLimit = 5 * time.Minute

// Create defines the guest's domain and makes its disk. The domain comes first:
// a disk without one is what a crash has left, and is swept.
func (b *Backend) Create(ctx context.Context, spec vmbackend.Spec) error {
	if err := spec.Check(minMemory); err != nil {
		return err
	}
	if len(spec.Cards) > 0 {
		return fmt.Errorf("create guest %s: guests by libvirt can't be joined to networks of their own, only those of User-Mode Linux can; "+
			"keep a node for them, or give this tutorial one guest: %w", spec.ID, vmbackend.ErrNotOffered)
	}
	return b.change(ctx, "create", spec.ID, createLimit, interruptible(func(ctx context.Context, g *guest) error {
		_, err := b.read(ctx, spec.ID)
		if err == nil {
			return vmbackend.ErrExists
		}
		if !errors.Is(err, vmbackend.ErrNoGuest) {
			return err
		}
		if err := b.create(ctx, spec); err != nil {
			return gone{err, true}
		}
		b.note(g, vmbackend.Created, "")
		return nil
	}))
}

func (b *Backend) create(ctx context.Context, spec vmbackend.Spec) error {
	image, err := b.ensureImage(ctx, spec.Image)
	if err != nil {
		return err
	}
	r := record{Spec: spec, Created: time.Now(), Disk: guestFile(spec.ID, 0, "disk")}
	if r.Memory == 0 {
		r.Memory = b.cfg.Memory
	}
	over := image.Disk.File
	if t, ok := b.readyTemplate(ctx, shapeOf(r.Spec)); ok {
		r.Base, over = t.Disk, t.Disk
	}
	if err := b.define(ctx, r, image); err != nil {
		return err
	}
	firm, cancel := b.firm()
	defer cancel()
	err = b.pool.Delete(firm, r.Disk) // of an earlier guest that was removed by hand
	if err == nil {
		err = b.pool.CreateOver(firm, r.Disk, over, image.Capacity)
	}
	if err != nil {
		return errors.Join(b.room(err), b.remove(firm, r))
	}
	return nil
}

// define makes the guest's domain, if there is room for one more.
func (b *Backend) define(ctx context.Context, r record, p parts) error {
	description, err := b.describe(ctx, r, p)
	if err != nil {
		return err
	}
	text, err := description.XML()
	if err != nil {
		return err
	}
	firm, cancel := b.firm()
	defer cancel()
	b.creating.Lock()
	defer b.creating.Unlock()
	domains, err := b.domains(firm)
	if err != nil {
		return err
	}
	if len(domains) >= b.cfg.MaxGuests {
		return fmt.Errorf("%d guests are there already, as many as may be (max guests): %w", len(domains), vmbackend.ErrFull)
	}
	return b.conn.Call(firm, "define the domain", func(l *libvirt.Libvirt) error {
		_, err := l.DomainDefineXML(text)
		return err
	})
}

// describe says what a guest's machine consists of.
func (b *Backend) describe(ctx context.Context, r record, p parts) (domain.Description, error) {
	note, err := r.marshal()
	if err != nil {
		return domain.Description{}, err
	}
	d, err := b.machine(ctx, shapeOf(r.Spec), p)
	dom := b.domainOf(r.ID)
	d.Name, d.UUID, d.Title, d.Note = dom.Name, uuidText(dom.UUID), "Labmark guest "+r.ID, note
	d.Disk = b.pool.Path(r.Disk)
	return d, err
}

// machine is the part of a description that all guests of a shape share.
func (b *Backend) machine(ctx context.Context, s vmbackend.Shape, p parts) (domain.Description, error) {
	facts, err := b.facts(ctx)
	if err != nil {
		return domain.Description{}, err
	}
	d := domain.Description{
		Arch: p.Arch, KVM: facts.kvm && p.Arch == facts.arch, Memory: s.Memory, KernelArgs: p.Args,
		Port: image.AgentPort, MAC: guestMAC, Desktop: s.Desktop, Limits: facts.limits, SlowProbe: facts.slowProbe,
	}
	for _, f := range []struct {
		part
		path *string
	}{{p.Kernel, &d.Kernel}, {p.Initrd, &d.Initrd}, {p.Seed, &d.Seed}} {
		if f.File != "" {
			*f.path = b.pool.Path(f.File)
		}
	}
	return d, facts.offers(p.Arch)
}

// Stop ends the guest, also one whose Start is under way.
func (b *Backend) Stop(ctx context.Context, id string) error {
	b.hurry(id, fmt.Errorf("it was stopped meanwhile: %w", vmbackend.ErrWrongState))
	return b.change(ctx, "stop", id, createLimit, func(ctx context.Context, g *guest) error {
		r, err := b.read(ctx, id)
		if err != nil {
			return err
		}
		return b.stop(g, r)
	})
}

// stop pulls the guest's plug, if it runs. With g nil nobody is told.
func (b *Backend) stop(g *guest, r record) error {
	firm, cancel := b.firm()
	defer cancel()
	dom := b.domainOf(r.ID)
	err := b.conn.Call(firm, "end the domain", func(l *libvirt.Libvirt) error {
		return l.DomainDestroyFlags(dom, libvirt.DomainDestroyDefault)
	})
	switch {
	case pool.Is(err, libvirt.ErrOperationInvalid): // it does not run
		if r.Started.IsZero() {
			return nil
		}
	case err != nil:
		return err
	}
	if g != nil {
		b.ended(g, "it was stopped")
	}
	return nil
}
