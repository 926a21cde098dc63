package vmbackend

import (
	"context"
	"net/netip"
	"time"
)

// Card joins a guest to a network of guests: all those whose cards name the
// same Network, on one node. Nothing else is on it, and nothing leads out of it.
type Card struct {
	// Network is an ID like a guest's, chosen by the caller for one student's
	// lab.
	Network string `json:"network"`
	// Name is what the guest calls the card: 1 to 15 of [a-z0-9-].
	Name string `json:"name"`
	// MAC is the card's address, as "02:4c:4d:00:00:01".
	MAC string `json:"mac"`
	// Addresses are set when the guest starts; none leaves the card down.
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Link      Link           `json:"link"`
}

// Link is the shape of the cable between a card and its network; the zero
// Link passes everything at once. It holds for what the guest sends.
type Link struct {
	Rate  int64         `json:"rate,omitempty"`  // bits per second; 0 is unbounded
	Delay time.Duration `json:"delay,omitempty"` // added to each frame
	Loss  float64       `json:"loss,omitempty"`  // share of frames that vanish, in [0,1]
	Cut   bool          `json:"cut,omitempty"`   // nothing passes, either way
}

// HostName is a line of /etc/hosts.
type HostName struct {
	Name    string     `json:"name"`
	Address netip.Addr `json:"address"`
}

// Networker is the ability to change the shape of a running guest's link.
type Networker interface {
	// SetLink changes it at once; frames under way may still arrive. It holds
	// for later starts of the guest, too.
	SetLink(ctx context.Context, id, network string, l Link) error
}
