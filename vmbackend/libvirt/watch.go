package libvirt

import (
	"context"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// Watch hands on what is noted of guests.
func (b *Backend) Watch(ctx context.Context) <-chan vmbackend.Event { return b.watchers.Add(ctx) }

const (
	// scanEvery repairs what events did not tell.
	scanEvery = 15 * time.Second
	// sweepEvery is rarer: it looks for files without guests.
	sweepEvery = 10 * time.Minute
)

// follow turns libvirt's events into ours until Close.
func (b *Backend) follow() {
	events := b.conn.Events(b.life)
	scans := time.NewTicker(scanEvery)
	defer scans.Stop()
	var swept time.Time
	scan := func() {
		if !b.conn.Up() {
			return
		}
		b.scan()
		if time.Since(swept) > sweepEvery && b.sweep() == nil {
			swept = time.Now()
		}
	}
	scan()
	for {
		select {
		case <-b.life.Done():
			return
		case <-scans.C:
			scan()
		case e, open := <-events:
			switch {
			case !open:
				return
			case e.Link && e.Up:
				b.pool.Forget()
				b.unlearn()
				b.forgetAll()
				scan()
			case !e.Link:
				b.heard(e)
			}
		}
	}
}

func (b *Backend) forgetAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.records)
}

// heard takes an event of one domain.
func (b *Backend) heard(e wire.Event) {
	g := b.byDomain(e.Domain.Name)
	if g == nil {
		return
	}
	switch libvirt.DomainEventType(e.Kind) {
	case libvirt.DomainEventStopped:
		b.work.Go(func() { b.perhapsEnded(g, endings[libvirt.DomainEventStoppedDetailType(e.Detail)]) })
	case libvirt.DomainEventSuspended:
		if libvirt.DomainEventSuspendedDetailType(e.Detail) == libvirt.DomainEventSuspendedIoerror {
			b.note(g, vmbackend.Suspended, "the node's disk is full or broken; the guest goes on when there is room again")
		}
	}
}

// perhapsEnded looks whether a guest has ended, of which an event told. It may
// be an old story: that of a guest which has been started again since. So it
// waits for its turn; a Start that has the turn is woken to look by itself.
func (b *Backend) perhapsEnded(g *guest, reason string) {
	g.mu.Lock()
	g.announce()
	g.mu.Unlock()
	select {
	case <-g.turn:
	case <-b.life.Done():
		return
	}
	defer func() { g.turn <- struct{}{} }()
	ctx, cancel := b.firm()
	defer cancel()
	if last, _, _ := g.look(); last.state != vmbackend.Stopped && last.state != vmbackend.Created && b.hasEnded(ctx, g.id) {
		b.ended(g, reason)
	}
}

// endings say why a guest stopped.
var endings = map[libvirt.DomainEventStoppedDetailType]string{
	libvirt.DomainEventStoppedShutdown:  "it switched itself off",
	libvirt.DomainEventStoppedDestroyed: "it was stopped",
	libvirt.DomainEventStoppedCrashed:   "its machine crashed",
	libvirt.DomainEventStoppedFailed:    "its QEMU ended unexpectedly",
}

// ended notes that a guest does not run any more.
func (b *Backend) ended(g *guest, reason string) {
	b.part(g)
	b.note(g, vmbackend.Stopped, reason)
}

// byDomain finds the handle of the guest that has a domain. Guests that nobody
// has asked for have none, and nobody to be told.
func (b *Backend) byDomain(name string) *guest {
	b.mu.Lock()
	defer b.mu.Unlock()
	r, known := b.records[name]
	if !known {
		return nil
	}
	return b.guests[r.ID]
}

// scan looks at all guests: those that run are joined, those that have ended
// without an event are noted.
func (b *Backend) scan() {
	ctx, cancel := context.WithTimeout(b.life, rpcPatience)
	defer cancel()
	domains, err := b.domains(ctx)
	if err != nil {
		b.log.Warn("the guests cannot be listed", "error", err)
		return
	}
	for _, dom := range domains {
		r, err := b.recall(ctx, dom)
		if err != nil {
			continue
		}
		b.mend(ctx, r)
	}
}

// mend brings what is known of a guest in line with the truth, unless somebody
// is changing the guest.
func (b *Backend) mend(ctx context.Context, r record) {
	g, err := b.handle(r.ID)
	if err != nil {
		return
	}
	select {
	case <-g.turn:
	default:
		return
	}
	defer func() { g.turn <- struct{}{} }()
	s, err := b.domainState(ctx, b.domainOf(r.ID))
	if err != nil {
		return
	}
	last, _, _ := g.look()
	switch {
	case s.active() && s.state == libvirt.DomainPaused:
		b.join(g, r, false)
		b.goOn(ctx, g, s)
	case s.active():
		b.join(g, r, false)
		if last.state != vmbackend.Starting {
			b.note(g, vmbackend.Running, "")
		}
	case last.state != "" && last.state != vmbackend.Created:
		b.ended(g, "it ended")
	}
}
