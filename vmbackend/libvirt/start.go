package libvirt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
)

// startLimit bounds a start with the wait for its turn.
func (b *Backend) startLimit() time.Duration { return b.cfg.StartTimeout + 10*time.Minute }

// Start clones a template or boots the guest, unless it runs, and waits until
// its agent has been joined.
func (b *Backend) Start(ctx context.Context, id string) error {
	return b.change(ctx, "start", id, b.startLimit(), interruptible(func(ctx context.Context, g *guest) error {
		r, err := b.read(ctx, id)
		if err != nil {
			return err
		}
		s, err := b.settled(ctx, id)
		switch {
		case err != nil:
			return err
		case s.active() && s.state == libvirt.DomainPaused:
			return fmt.Errorf("it is suspended: %w; resume or stop it", vmbackend.ErrWrongState)
		case s.active():
			b.join(g, r, false)
			return b.awaitRunning(ctx, g)
		}
		return b.start(ctx, g, r)
	}))
}

// settled waits for the end of what libvirt itself is doing with the domain.
func (b *Backend) settled(ctx context.Context, id string) (domainState, error) {
	for {
		s, err := b.domainState(ctx, b.domainOf(id))
		if err != nil || !s.between() {
			return s, err
		}
		select {
		case <-time.After(longestPause):
		case <-ctx.Done():
			return s, context.Cause(ctx)
		}
	}
}

// start starts the guest, a fresh one once more when it ended at once because
// the image on the node was damaged and has been mended.
func (b *Backend) start(ctx context.Context, g *guest, r record) error {
	fresh := r.Started.IsZero()
	if fresh {
		b.mendShortImage(ctx, r.Image)
	}
	err := b.startOnce(ctx, g, r)
	if !fresh || !errors.Is(err, errEndedEarly) {
		return err
	}
	mended, checked := b.checkImage(ctx, r.Image)
	if checked != nil {
		b.log.Warn("a damaged image cannot be brought to the node anew", "image", r.Image, "error", checked)
	}
	if !mended {
		return err
	}
	if r, err = b.startAnew(ctx, r); err != nil {
		return err
	}
	return b.startOnce(ctx, g, r)
}

// mendShortImage notices without reading it that an image has lost its end, and
// brings it to the node anew.
func (b *Backend) mendShortImage(ctx context.Context, digest string) {
	image, err := b.ensureImage(ctx, digest)
	if err != nil {
		return // who starts the guest meets it again
	}
	length, _, err := b.pool.Size(ctx, image.Disk.File)
	if err != nil || length == image.Disk.Size {
		return
	}
	if _, err := b.checkImage(ctx, digest); err != nil {
		b.log.Warn("a damaged image cannot be brought to the node anew", "image", digest, "error", err)
	}
}

func (b *Backend) startOnce(ctx context.Context, g *guest, r record) error {
	b.part(g)
	b.note(g, vmbackend.Starting, "")
	err := b.launch(ctx, g, r)
	if err == nil {
		bounded, cancel := context.WithTimeoutCause(ctx, b.cfg.StartTimeout, b.tooSlow())
		defer cancel()
		err = b.awaitRunning(bounded, g)
	}
	if err == nil || b.life.Err() != nil {
		return err
	}
	// It failed, is late, or somebody wants to end it.
	if stopped := b.stop(g, r); stopped != nil {
		b.log.Warn("a guest that did not start cannot be ended", "guest", r.ID, "error", stopped)
		b.ended(g, err.Error())
	}
	return err
}

func (b *Backend) tooSlow() error {
	return fmt.Errorf("the guest did not answer within %s of its start; reset it, and if that does not help, "+
		"build its image again (labmark image build)", b.cfg.StartTimeout)
}

// launch brings the machine to life: a clone if it never ran and there is a
// template, else by booting it.
func (b *Backend) launch(ctx context.Context, g *guest, r record) error {
	if _, err := b.facts(ctx); err != nil {
		return err
	}
	first := r.Started.IsZero()
	r.Started = time.Now()
	if first && r.Base != "" {
		err := b.launchClone(ctx, g, r)
		if err == nil || context.Cause(ctx) != nil || errors.Is(err, vmbackend.ErrUnreachable) {
			return err
		}
		b.log.Warn("a guest cannot be cloned, so it is booted", "guest", r.ID, "error", err)
		if r, err = b.startAnew(ctx, r); err != nil {
			return err
		}
	}
	return b.launchBoot(ctx, g, r)
}

func (b *Backend) launchBoot(ctx context.Context, g *guest, r record) error {
	done, err := inTurn(ctx, b.node.boots)
	if err != nil {
		return err
	}
	defer done()
	firm, cancel := b.firm()
	defer cancel()
	if err := b.write(firm, r); err != nil {
		return err
	}
	err = b.power(firm, r.ID)
	if err != nil && context.Cause(ctx) == nil && b.mendImage(ctx, r.Image, err) {
		firm, cancel := b.firm()
		defer cancel()
		err = b.power(firm, r.ID)
	}
	if err != nil {
		return err
	}
	b.join(g, r, false)
	return b.awaitRunning(ctx, g)
}

// power switches the guest's machine on.
func (b *Backend) power(ctx context.Context, id string) error {
	dom := b.domainOf(id)
	// Slow: a class that starts must not keep those waiting who ask how the node is.
	return b.conn.Slow(ctx, "start the domain", func(l *libvirt.Libvirt) error {
		_, err := l.DomainCreateWithFlags(dom, 0)
		return err
	})
}

// mendImage says whether QEMU's complaint came from a damaged image, which has
// been brought to the node anew.
func (b *Backend) mendImage(ctx context.Context, digest string, complaint error) bool {
	if !pool.Is(complaint, libvirt.ErrInternalError) && !pool.Is(complaint, libvirt.ErrSystemError) && !pool.Is(complaint, libvirt.ErrOperationFailed) {
		return false
	}
	mended, err := b.checkImage(ctx, digest)
	if err != nil {
		b.log.Warn("a damaged image cannot be brought to the node anew", "image", digest, "error", err)
	}
	return mended
}

// startAnew gives up the template of a guest that never ran: the guest gets a
// disk over its image instead, and later ones a new template.
func (b *Backend) startAnew(ctx context.Context, r record) (record, error) {
	if err := b.stop(nil, r); err != nil { // a clone that did not come to life
		return r, err
	}
	if key, err := b.templateKey(ctx, shapeOf(r.Spec)); err == nil {
		b.dropTemplate(key)
	}
	image, err := b.ensureImage(ctx, r.Image)
	if err != nil {
		return r, err
	}
	firm, cancel := b.firm()
	defer cancel()
	if err := b.pool.Delete(firm, r.Disk); err != nil {
		return r, err
	}
	r.Base = ""
	return r, b.room(b.pool.CreateOver(firm, r.Disk, image.Disk.File, image.Capacity))
}

// errEndedEarly: powered off by a kernel that finds no root, for one.
var errEndedEarly = errors.New("it ended while it was starting")

// awaitRunning waits until the guest's agent has been joined, or it has ended.
func (b *Backend) awaitRunning(ctx context.Context, g *guest) error {
	for {
		now, k, changed := g.look()
		if now.state == vmbackend.Running && k.now() != nil {
			return nil
		}
		if b.hasEnded(ctx, g.id) {
			return errEndedEarly
		}
		select {
		case <-changed:
		case <-time.After(scanEvery):
		case <-b.life.Done():
			return errClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
