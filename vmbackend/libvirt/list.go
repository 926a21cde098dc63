package libvirt

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// domains are all of this pool's guests; templates that are being made are not
// among them.
func (b *Backend) domains(ctx context.Context) ([]libvirt.Domain, error) {
	all, err := b.allDomains(ctx)
	return slices.DeleteFunc(all, func(d libvirt.Domain) bool { return b.isTemplate(d.Name) }), err
}

func (b *Backend) allDomains(ctx context.Context) ([]libvirt.Domain, error) {
	all, err := wire.Ask(ctx, b.conn, "list the domains", func(l *libvirt.Libvirt) ([]libvirt.Domain, error) {
		all, _, err := l.ConnectListAllDomains(1, 0)
		return all, err
	})
	prefix := b.prefix()
	return slices.DeleteFunc(all, func(d libvirt.Domain) bool { return !strings.HasPrefix(d.Name, prefix) }), err
}

// List asks libvirt. A guest that cannot be read for a moment, because it is
// being removed, is left out; one whose record is damaged has its domain's name
// for an ID, which Destroy does not know.
func (b *Backend) List(ctx context.Context) ([]vmbackend.Guest, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	domains, err := b.domains(ctx)
	if err != nil {
		return nil, err
	}
	list := []vmbackend.Guest{}
	for _, dom := range domains {
		r, err := b.recall(ctx, dom)
		if err == nil {
			var g vmbackend.Guest
			if g, err = b.line(ctx, r); err == nil {
				list = append(list, g)
				continue
			}
		}
		if ctx.Err() != nil || errors.Is(err, vmbackend.ErrUnreachable) {
			return nil, err
		}
		b.forget(dom.Name)
		if !pool.Is(err, libvirt.ErrNoDomain) {
			b.log.Warn("a guest cannot be read", "domain", dom.Name, "error", err)
		}
	}
	slices.SortFunc(list, func(a, b vmbackend.Guest) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

func (b *Backend) line(ctx context.Context, r record) (vmbackend.Guest, error) {
	state, err := b.stateOf(ctx, r)
	g := vmbackend.Guest{ID: r.ID, State: state, Image: r.Image, Labels: maps.Clone(r.Labels), Since: r.Started}
	if state == vmbackend.Created {
		g.Since = r.Created
	}
	if handle := b.known(r.ID); handle != nil {
		if last, _, _ := handle.look(); last.state == state {
			g.Since = last.since
		}
	}
	g.Since = g.Since.Truncate(time.Millisecond)
	return g, err
}

// stateOf says what the guest does: what libvirt says, except that a guest
// which this Backend is starting only starts.
func (b *Backend) stateOf(ctx context.Context, r record) (vmbackend.State, error) {
	dom := b.domainOf(r.ID)
	s, err := b.domainState(ctx, dom)
	if err != nil {
		return "", err
	}
	starting := false
	if g := b.known(r.ID); g != nil {
		last, _, _ := g.look()
		starting = last.state == vmbackend.Starting
	}
	switch {
	case starting, s.between():
		return vmbackend.Starting, nil
	case s.active() && s.state == libvirt.DomainPaused:
		return vmbackend.Suspended, nil
	case s.active():
		return vmbackend.Running, nil
	case r.Started.IsZero():
		return vmbackend.Created, nil
	}
	return vmbackend.Stopped, nil
}

// domainState is libvirt's state of a domain, and its reason.
type domainState struct {
	state  libvirt.DomainState
	reason int32
}

func (s domainState) active() bool {
	return s.state != libvirt.DomainShutoff && s.state != libvirt.DomainCrashed && s.state != libvirt.DomainNostate
}

// between says that libvirt itself is about to change the state: it starts,
// restores or saves the domain, perhaps for a gateway that is no more.
func (s domainState) between() bool {
	if s.state != libvirt.DomainPaused {
		return false
	}
	switch libvirt.DomainPausedReason(s.reason) {
	case libvirt.DomainPausedMigration, libvirt.DomainPausedSave, libvirt.DomainPausedFromSnapshot,
		libvirt.DomainPausedSnapshot, libvirt.DomainPausedStartingUp, libvirt.DomainPausedShuttingDown:
		return true
	}
	return false
}

func (b *Backend) domainState(ctx context.Context, dom libvirt.Domain) (domainState, error) {
	return wire.Ask(ctx, b.conn, "ask for the domain's state", func(l *libvirt.Libvirt) (domainState, error) {
		state, reason, err := l.DomainGetState(dom, 0)
		return domainState{libvirt.DomainState(state), reason}, err
	})
}

// hasEnded says whether it is certain that the guest does not run.
func (b *Backend) hasEnded(ctx context.Context, id string) bool {
	s, err := b.domainState(ctx, b.domainOf(id))
	return pool.Is(err, libvirt.ErrNoDomain) || err == nil && !s.active()
}

// goOn lets a guest run that stands still for want of disk space.
func (b *Backend) goOn(ctx context.Context, g *guest, s domainState) {
	if libvirt.DomainPausedReason(s.reason) != libvirt.DomainPausedIoerror {
		b.note(g, vmbackend.Suspended, "")
		return
	}
	if free, err := b.diskFree(ctx); err != nil || free < enoughDisk {
		return
	}
	dom := b.domainOf(g.id)
	err := b.conn.Call(ctx, "let the domain go on", func(l *libvirt.Libvirt) error { return l.DomainResume(dom) })
	if err == nil {
		b.note(g, vmbackend.Running, "the node's disk has room again")
	}
}
