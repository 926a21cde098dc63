package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/catalog"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// labs says what guests are made as.
type labs struct {
	catalog *catalog.Catalog
	image   func(name string) (digest string, err error)
	gateway string
}

// id names an owner's lab, and is another for each on every gateway: guests of
// two labs are never on one network.
func (l labs) id(o store.Owner) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %d %d %q %q", l.gateway, o.UserID, o.Context, o.Course, o.Tutorial))
	return "l" + hex.EncodeToString(sum[:8])
}

// plans are the guests of an owner's tutorial.
func (l labs) plans(o store.Owner) ([]guests.Plan, error) {
	t, _ := l.catalog.Tutorial(o)
	if t == nil {
		return nil, store.ErrNotFound
	}
	cards, hosts := lab.Cards(t, l.id(o)), lab.Hosts(t)
	var plans []guests.Plan
	for _, g := range t.Guests {
		digest, err := l.image(g.Image)
		if err != nil {
			return nil, err
		}
		plans = append(plans, guests.Plan{Name: g.Name, Kind: guests.KindOf(g, digest), Alone: len(t.Guests) == 1,
			Cards: cards[g.Name], Hosts: hosts[g.Name]})
	}
	return plans, nil
}

// limits are what an owner's tutorial says of the time of its guests.
func (l labs) limits(o store.Owner) guests.Limits {
	t, _ := l.catalog.Tutorial(o)
	if t == nil {
		return guests.Limits{}
	}
	return guests.Limits{Idle: t.Idle, Session: t.Session}
}

// cards are those of an owner's guests, by name.
func (l labs) cards(o store.Owner) map[string][]vmbackend.Card {
	t, _ := l.catalog.Tutorial(o)
	if t == nil {
		return nil
	}
	return lab.Cards(t, l.id(o))
}

// pool wants some guests of every kind that will do for any student. An image
// that is missing is left out: students of its tutorials are told.
func pool(cfg Config, courses []*content.Course) map[guests.Kind]int {
	kinds := map[guests.Kind]int{}
	for _, c := range courses {
		for _, t := range c.Tutorials {
			if len(t.Guests) > 1 || len(t.Networks) > 0 {
				continue // made for their owner
			}
			digest, err := cfg.Image(t.Guests[0].Image)
			if err != nil {
				cfg.Log.Warn("a tutorial's image is missing", "course", c.ID, "tutorial", t.ID, "err", err)
				continue
			}
			kinds[guests.KindOf(t.Guests[0], digest)] = cfg.Pool
		}
	}
	return kinds
}

// coursesChanged lets other guests wait ready where courses ask for others.
func (s *Server) coursesChanged() { s.guests.SetPool(pool(s.cfg, s.catalog.Courses())) }
