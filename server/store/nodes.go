package store

import (
	"context"
	"time"

	"gorm.io/gorm"
)

// Node is a machine that guests run on, and how the gateway saw it last.
type Node struct {
	Name     string `gorm:"primaryKey"`
	URI      string
	Capacity int               // guests at most; 0 means as many as fit
	Labels   map[string]string `gorm:"serializer:json"`
	// HostKey, Identity and PKI are the ways to trust it and to be trusted;
	// Pool is its folder for guests' disks.
	HostKey, Identity, PKI, Pool string
	// Wanted is "up", "draining" or "isolated"; WantedWhy says why.
	Wanted    string
	WantedWhy string
	// State is "up" or "down", since when and why; empty until it was seen.
	State      string
	StateSince *time.Time
	StateWhy   string
	CreatedAt  time.Time
}

// AddNode stores a new node; ErrExists if its name is taken.
func (s *Store) AddNode(ctx context.Context, n Node) error {
	return translate(gorm.G[Node](s.db).Create(ctx, &n))
}

// Nodes are in order of their names.
func (s *Store) Nodes(ctx context.Context) ([]Node, error) {
	return gorm.G[Node](s.db).Order("name").Find(ctx)
}

// Node returns ErrNotFound if there is none.
func (s *Store) Node(ctx context.Context, name string) (Node, error) {
	n, err := gorm.G[Node](s.db).Where("name = ?", name).First(ctx)
	return n, translate(err)
}

// SetNodeWanted says what a node is to do, and why; ErrNotFound if there is
// none.
func (s *Store) SetNodeWanted(ctx context.Context, name, wanted, why string) error {
	return s.changeNode(ctx, name, map[string]any{"wanted": wanted, "wanted_why": why})
}

// NoteNode keeps how a node was seen; ErrNotFound if there is none.
func (s *Store) NoteNode(ctx context.Context, name, state, why string, since time.Time) error {
	return s.changeNode(ctx, name, map[string]any{"state": state, "state_why": why, "state_since": since.UTC()})
}

func (s *Store) changeNode(ctx context.Context, name string, change map[string]any) error {
	res := s.db.WithContext(ctx).Model(&Node{}).Where("name = ?", name).Updates(change)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return translate(res.Error)
}

// RemoveNode forgets a node; ErrNotFound if there is none, ErrInUse if guests
// are on it, unless they may be forgotten too.
func (s *Store) RemoveNode(ctx context.Context, name string, forget bool) error {
	return translate(s.transact(ctx, func(tx *gorm.DB) error {
		var guests int64
		if err := tx.Model(&Guest{}).Where("node = ?", name).Count(&guests).Error; err != nil {
			return err
		}
		if guests > 0 && !forget {
			return ErrInUse
		}
		res := tx.Where("name = ?", name).Delete(&Node{})
		if res.Error == nil && res.RowsAffected == 0 {
			return ErrNotFound
		}
		return res.Error
	}))
}

// SetGuestNode keeps which node a guest is on; ErrNotFound if there is no such
// guest.
func (s *Store) SetGuestNode(ctx context.Context, id, node string) error {
	n, err := gorm.G[Guest](s.db).Where("id = ?", id).Update(ctx, "node", node)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return translate(err)
}

// GuestsByNode counts the guests on each node; those of unknown place are
// under the empty name.
func (s *Store) GuestsByNode(ctx context.Context) (map[string]int, error) {
	var rows []struct {
		Node   string
		Guests int
	}
	err := s.db.WithContext(ctx).Model(&Guest{}).Select("node, count(*) AS guests").Group("node").Scan(&rows).Error
	count := map[string]int{}
	for _, r := range rows {
		count[r.Node] = r.Guests
	}
	return count, err
}

// SaveNode replaces how a node is reached, what it may take and its labels;
// ErrNotFound if there is none. What is wanted of it and how it was seen stay.
func (s *Store) SaveNode(ctx context.Context, n Node) error {
	res := s.db.WithContext(ctx).Model(&Node{}).Where("name = ?", n.Name).
		Select("URI", "Capacity", "Labels", "HostKey", "Identity", "PKI", "Pool").Updates(&n)
	if res.Error == nil && res.RowsAffected == 0 {
		return ErrNotFound
	}
	return translate(res.Error)
}
