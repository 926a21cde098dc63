package server

import (
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/sight"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// sources are where figures come from.
func sources(db *store.Store, manager *guests.Manager, states func() []nodes.Status) sight.Sources {
	return sight.Sources{Guests: db.Guests, Nodes: states, Outbox: db.OutboxFigures, Attempts: db.RunningCount}
}

// also tells one after the other how an owner's guests stand.
func also(tell ...func(store.Owner, guests.Status)) func(store.Owner, guests.Status) {
	return func(o store.Owner, s guests.Status) {
		for _, f := range tell {
			f(o, s)
		}
	}
}
