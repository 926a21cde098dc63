package libvirt

import (
	"context"
	"fmt"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
)

// Suspend freezes a running guest. Suspending a suspended guest does nothing.
func (b *Backend) Suspend(ctx context.Context, id string) error {
	return b.change(ctx, "suspend", id, rpcPatience, func(ctx context.Context, g *guest) error {
		return b.switchTo(ctx, g, vmbackend.Suspended, "suspend the domain", (*libvirt.Libvirt).DomainSuspend)
	})
}

// Resume thaws a suspended guest. Resuming a running guest does nothing.
func (b *Backend) Resume(ctx context.Context, id string) error {
	return b.change(ctx, "resume", id, rpcPatience, func(ctx context.Context, g *guest) error {
		return b.switchTo(ctx, g, vmbackend.Running, "resume the domain", (*libvirt.Libvirt).DomainResume)
	})
}

func (b *Backend) switchTo(ctx context.Context, g *guest, to vmbackend.State, what string, do func(*libvirt.Libvirt, libvirt.Domain) error) error {
	r, err := b.read(ctx, g.id)
	if err != nil {
		return err
	}
	state, err := b.stateOf(ctx, r)
	switch {
	case err != nil:
		return err
	case state == to:
		return nil
	case state != vmbackend.Running && state != vmbackend.Suspended:
		return fmt.Errorf("it is %s: %w", state, vmbackend.ErrWrongState)
	}
	dom := b.domainOf(g.id)
	firm, cancel := b.firm()
	defer cancel()
	if err := b.conn.Call(firm, what, func(l *libvirt.Libvirt) error { return do(l, dom) }); err != nil {
		return err
	}
	b.note(g, to, "")
	return nil
}
