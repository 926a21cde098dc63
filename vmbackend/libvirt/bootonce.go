package libvirt

import (
	"context"
	"encoding/json"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
)

func (b *Backend) makeTemplate(ctx context.Context, s vmbackend.Shape, t template) (template, error) {
	image, err := b.ensureImage(ctx, s.Image)
	if err != nil {
		return t, err
	}
	if err := b.pool.CreateOver(ctx, t.Disk, image.Disk.File, image.Capacity); err != nil {
		return t, b.room(err)
	}
	if err := b.pool.Create(ctx, t.Memory); err != nil {
		return t, b.room(err)
	}
	done, err := inTurn(ctx, b.node.boots)
	if err != nil {
		return t, err
	}
	err = b.bootTemplate(ctx, s, t, image)
	done()
	if err != nil {
		return t, b.room(err)
	}
	return b.sealTemplate(ctx, t)
}

// bootTemplate boots the machine until its agent has spoken, and saves it.
func (b *Backend) bootTemplate(ctx context.Context, s vmbackend.Shape, t template, p parts) error {
	d, err := b.machine(ctx, s, p)
	if err != nil {
		return err
	}
	dom := b.templateDomain(t.Key)
	d.Name, d.UUID, d.Title, d.Disk = dom.Name, uuidText(dom.UUID), "Labmark template", b.pool.Path(t.Disk)
	text, err := d.XML()
	if err != nil {
		return err
	}
	err = b.conn.Call(ctx, "boot the template", func(l *libvirt.Libvirt) error {
		_, err := l.DomainCreateXML(text, 0)
		return err
	})
	if err != nil {
		return err
	}
	defer b.endTemplate(dom)
	boot, cancel := context.WithTimeoutCause(ctx, b.cfg.StartTimeout, b.tooSlow())
	defer cancel()
	line, err := b.dialPort(boot, dom)
	if err != nil {
		return err
	}
	if err := guestlink.AwaitHello(boot, line); err != nil {
		return err
	}
	_ = line.Close() // else QEMU saves a port with somebody at its other end
	if err := b.settle(ctx, dom); err != nil {
		return err
	}
	return b.conn.Slow(ctx, "save the template", func(l *libvirt.Libvirt) error {
		return l.DomainSaveFlags(dom, b.pool.Path(t.Memory), nil, uint32(libvirt.DomainSaveRunning))
	})
}

func (b *Backend) endTemplate(dom libvirt.Domain) {
	ctx, cancel := b.firm()
	defer cancel()
	_ = b.conn.Call(ctx, "end the template", func(l *libvirt.Libvirt) error { return l.DomainDestroyFlags(dom, 0) })
}

const (
	// calmFor is how long a booted machine must have had little to do, calm how
	// much that is; restless ones are saved all the same after settleLimit.
	calmFor     = time.Second
	calm        = 0.3
	settleLimit = 30 * time.Second
)

// settle waits until the machine has done what it still does after its boot:
// else each clone would do it.
func (b *Backend) settle(ctx context.Context, dom libvirt.Domain) error {
	var before time.Duration
	for begun := time.Now(); time.Since(begun) < settleLimit; {
		used, err := b.processorTime(ctx, dom)
		if err != nil {
			return err
		}
		if before > 0 && used-before < time.Duration(calm*float64(calmFor)) {
			return nil
		}
		before = used
		select {
		case <-time.After(calmFor):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// sealTemplate takes down what has been saved.
func (b *Backend) sealTemplate(ctx context.Context, t template) (template, error) {
	var err error
	if t.MemorySize, _, err = b.pool.Size(ctx, t.Memory); err != nil {
		return t, err
	}
	if t.DiskSize, _, err = b.pool.Size(ctx, t.Disk); err != nil {
		return t, err
	}
	if t.SHA256, err = b.pool.Sum(ctx, t.Memory); err != nil {
		return t, err
	}
	if t, err = b.withHead(ctx, t); err != nil {
		return t, err
	}
	content, err := json.Marshal(t)
	if err != nil {
		return t, err
	}
	return t, b.pool.Put(ctx, manifestOfTemplate(t.Key), content)
}
