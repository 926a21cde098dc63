package server

import (
	"context"
	"time"

	"github.com/labmark/labmark/server/audit"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/sight"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// sources are where figures come from.
func sources(db *store.Store, manager *guests.Manager, states func() []nodes.Status, notes *audit.Log) sight.Sources {
	return sight.Sources{
		Guests: db.Guests, Nodes: states, Outbox: db.OutboxFigures, Attempts: db.RunningCount, Dropped: notes.Dropped,
		Queue: func(ctx context.Context) (length int, first time.Time, err error) {
			all, err := db.Queue(ctx)
			for _, w := range all {
				if w.TurnAt != nil {
					continue // has a guest by now
				}
				length++
				if first.IsZero() || w.Since.Before(first) {
					first = w.Since
				}
			}
			return length, first, err
		},
		Mends: func() map[string]uint64 {
			count := map[string]uint64{}
			for o, n := range manager.Overruns() {
				count[string(o.Mode)+" too long: "+string(o.Deed)] = uint64(n)
			}
			return count
		},
	}
}

// also tells one after the other how an owner's guests stand.
func also(tell ...func(store.Owner, guests.Status)) func(store.Owner, guests.Status) {
	return func(o store.Owner, s guests.Status) {
		for _, f := range tell {
			f(o, s)
		}
	}
}
