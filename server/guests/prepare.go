package guests

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

const (
	// prepareEvery is the pause after which nodes that came meanwhile, or lost
	// what they had, are got ready.
	prepareEvery = time.Minute
	// prepareLimit bounds it for one kind: images are copied and booted.
	prepareLimit = 20 * time.Minute
)

// prepare lets the backend get ready for guests of every kind before the first
// student asks for one, where it can.
func (m *Manager) prepare(ctx context.Context) {
	p, able := m.cfg.Backend.(vmbackend.Preparer)
	if !able {
		return
	}
	for {
		m.mu.Lock()
		kinds := slices.Collect(maps.Keys(m.cfg.Pool))
		m.mu.Unlock()
		for _, k := range kinds {
			m.prepareKind(ctx, p, k)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(prepareEvery):
		}
	}
}

func (m *Manager) prepareKind(ctx context.Context, p vmbackend.Preparer, k Kind) {
	ctx, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	err := p.Prepare(ctx, vmbackend.Shape{Image: k.Image, Memory: k.Memory, Desktop: k.Desktop})
	if err != nil && ctx.Err() == nil {
		m.cfg.Log.Warn("nodes are not ready for instant guests", "image", k.Image, "err", err)
	}
}
