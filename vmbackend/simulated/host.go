package simulated

import (
	"context"
	"fmt"

	"github.com/labmark/labmark/vmbackend"
)

// plenty is a machine on which no guest is refused.
var plenty = vmbackend.HostStats{Memory: 1 << 40, MemoryFree: 1 << 40, CPUs: 64, DiskFree: 1 << 40}

// Host implements vmbackend.Host.
func (b *Backend) Host(ctx context.Context) (vmbackend.HostStats, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	err := b.options.Faults.take(Host, "").befall(ctx, nil)
	if err == nil {
		err = b.open(ctx)
	}
	if err != nil {
		return vmbackend.HostStats{}, fmt.Errorf("measure the machine: %w", err)
	}
	if b.options.Host != nil {
		return b.options.Host(), nil
	}
	return plenty, nil
}

// Examine implements vmbackend.Host.
func (b *Backend) Examine(ctx context.Context) []vmbackend.Finding {
	if err := b.open(ctx); err != nil {
		return []vmbackend.Finding{{Subject: "connection", Level: vmbackend.Bad, Text: err.Error(), Mend: "call Mend"}}
	}
	return []vmbackend.Finding{{Subject: "machine", Level: vmbackend.Good, Text: "it is simulated"}}
}

// Sever cuts the machine off: until Mend, calls fail with
// vmbackend.ErrUnreachable, and streams to guests end. Guests run on.
func (b *Backend) Sever() { b.cut(true) }

// Mend ends what Sever began.
func (b *Backend) Mend() { b.cut(false) }

func (b *Backend) cut(severed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.severed = severed
	for _, g := range b.guests {
		if severed {
			g.dropConnections()
		}
	}
}

func (b *Backend) isSevered() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.severed
}
