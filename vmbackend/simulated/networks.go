package simulated

import (
	"context"
	"fmt"
	"slices"

	"github.com/labmark/labmark/vmbackend"
)

var _ vmbackend.Networker = (*Backend)(nil)

// SetLink implements vmbackend.Networker. There are no cables: Cards tells
// what was set.
func (b *Backend) SetLink(ctx context.Context, id, network string, l vmbackend.Link) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if err := l.Check(); err != nil {
		return fmt.Errorf("guest %s: %w", id, err)
	}
	if err := b.open(ctx); err != nil {
		return err
	}
	g := b.find(id)
	if g == nil {
		return fmt.Errorf("guest %s: %w", id, vmbackend.ErrNoGuest)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	cards := slices.Clone(g.record.Spec.Cards)
	i := slices.IndexFunc(cards, func(c vmbackend.Card) bool { return c.Network == network })
	if i < 0 {
		return fmt.Errorf("guest %s has no card on network %q", id, network)
	}
	cards[i].Link = l
	g.record.Spec.Cards = cards
	g.save()
	return nil
}

// Cards are a guest's, with their links as they are now; nil if there is no
// such guest.
func (b *Backend) Cards(id string) []vmbackend.Card {
	g := b.find(id)
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.record.Spec.Cards)
}
