package libvirt

import (
	"context"
	"fmt"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/pool"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// Stats asks libvirt. Memory is QEMU's resident set: pages that guests share
// are counted for each, because libvirt does not tell more.
func (b *Backend) Stats(ctx context.Context, id string) (vmbackend.Stats, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	s, err := b.stats(ctx, id)
	if err != nil {
		return s, fmt.Errorf("measure guest %s: %w", id, err)
	}
	return s, nil
}

func (b *Backend) stats(ctx context.Context, id string) (vmbackend.Stats, error) {
	var s vmbackend.Stats
	if err := context.Cause(ctx); err != nil {
		return s, err
	}
	r, err := b.read(ctx, id)
	if err != nil {
		return s, err
	}
	dom := b.domainOf(id)
	state, err := b.domainState(ctx, dom)
	if err != nil {
		return s, err
	}
	if !state.active() {
		return s, fmt.Errorf("it does not run: %w", vmbackend.ErrWrongState)
	}
	if s.CPU, err = b.processorTime(ctx, dom); err != nil {
		return s, err
	}
	if s.Memory, err = b.residentSet(ctx, dom); err != nil {
		return s, err
	}
	for _, file := range r.files() {
		_, occupied, err := b.pool.Size(ctx, file)
		if err != nil && !pool.Is(err, libvirt.ErrNoStorageVol) {
			return s, err
		}
		s.Disk += occupied
	}
	return s, nil
}

func (b *Backend) processorTime(ctx context.Context, dom libvirt.Domain) (time.Duration, error) {
	return wire.Ask(ctx, b.conn, "ask for the domain's processor time", func(l *libvirt.Libvirt) (time.Duration, error) {
		_, _, _, _, nanoseconds, err := l.DomainGetInfo(dom)
		return time.Duration(nanoseconds), err
	})
}

func (b *Backend) residentSet(ctx context.Context, dom libvirt.Domain) (int64, error) {
	return wire.Ask(ctx, b.conn, "ask for the domain's memory", func(l *libvirt.Libvirt) (int64, error) {
		all, err := l.DomainMemoryStats(dom, uint32(libvirt.DomainMemoryStatNr), 0)
		for _, m := range all {
			if libvirt.DomainMemoryStatTags(m.Tag) == libvirt.DomainMemoryStatRss {
				return int64(m.Val) << 10, nil
			}
		}
		return 0, err
	})
}
