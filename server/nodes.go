package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// LocalNode is the node that guests run on when no other was added: this
// machine, by User-Mode Linux.
var LocalNode = store.Node{Name: "local", URI: LocalURI, Wanted: string(nodes.WantedUp)}

// LocalURI is the address of this machine as a node with User-Mode Linux.
const LocalURI = "uml:"

// Nodes are those in the database, or LocalNode alone.
func Nodes(ctx context.Context, db *store.Store) ([]store.Node, error) {
	all, err := db.Nodes(ctx)
	if err == nil && len(all) == 0 {
		all = []store.Node{LocalNode}
	}
	return all, err
}

// Wanted is a node from the database as the cluster takes it.
func Wanted(n store.Node) nodes.Node {
	return nodes.Node{Name: n.Name, URI: n.URI, Capacity: n.Capacity, Labels: n.Labels, Wanted: nodes.Wanted(n.Wanted),
		WantedWhy: n.WantedWhy, HostKey: n.HostKey, Identity: n.Identity, PKI: n.PKI, Pool: n.Pool}
}

// cluster makes a backend of the nodes in the database.
func cluster(ctx context.Context, cfg Config, db *store.Store) (*nodes.Cluster, error) {
	c, err := nodes.New(ctx, nodes.Config{
		Nodes: func(ctx context.Context) ([]nodes.Node, error) {
			all, err := Nodes(ctx, db)
			out := make([]nodes.Node, 0, len(all))
			for _, n := range all {
				out = append(out, Wanted(n))
			}
			return out, err
		},
		Guests: func(ctx context.Context) (map[string]string, error) { return whereabouts(ctx, db) },
		Open:   cfg.OpenNode,
		Isolate: func(ctx context.Context, name, why string) error {
			return known(db.SetNodeWanted(ctx, name, string(nodes.Isolated), why))
		},
		Seen: func(ctx context.Context, s nodes.Status) error {
			return known(db.NoteNode(ctx, s.Name, string(s.State), s.Why, s.Since))
		},
		Log: cfg.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("no guest can be made: %w", err)
	}
	return c, nil
}

// whereabouts are the nodes of all guests in the table, where they are known.
func whereabouts(ctx context.Context, db *store.Store) (map[string]string, error) {
	rows, err := db.Guests(ctx)
	where := map[string]string{}
	for _, g := range rows {
		where[g.ID] = g.Node
	}
	return where, err
}

// known forgives that a node is not in the table: LocalNode need not be.
func known(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
