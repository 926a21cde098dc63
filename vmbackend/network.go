package vmbackend

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
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

// MaxCards is how many networks a guest may be on.
const MaxCards = 4

// MaxDelay bounds Link.Delay.
const MaxDelay = 10 * time.Second

var (
	cardForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,14}$`)
	// Guests' kernels have cards, or settings of cards, of these names.
	cardTaken = regexp.MustCompile(`^(lo|all|default|(eth|vec)[0-9]+)$`)
	hostForm  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$`)
)

// ValidCard says whether a card may be called so, see Card.Name.
func ValidCard(name string) bool { return cardForm.MatchString(name) && !cardTaken.MatchString(name) }

// Check says what no cable can be like.
func (l Link) Check() error {
	switch {
	case l.Rate < 0:
		return fmt.Errorf("a rate of %d bits per second is none; give more, or 0 for no bound", l.Rate)
	case l.Delay < 0 || l.Delay > MaxDelay:
		return fmt.Errorf("a delay of %s is none; give 0 to %s", l.Delay, MaxDelay)
	case !(l.Loss >= 0 && l.Loss <= 1):
		return fmt.Errorf("a loss of %v is no share; give 0 to 1", l.Loss)
	}
	return nil
}

func (c Card) check() error {
	mac, err := net.ParseMAC(c.MAC)
	switch {
	case !ValidID(c.Network):
		return fmt.Errorf("network %q: an ID is 1 to 40 of a-z, 0-9 and -", c.Network)
	case !ValidCard(c.Name):
		return fmt.Errorf("a card can't be called %q: take a letter and up to 14 of a-z, 0-9 and -, and no name that kernels give (lo, eth0 …)", c.Name)
	case err != nil || len(mac) != 6 || mac[0]&1 != 0:
		return fmt.Errorf("%q is no Ethernet address of a card", c.MAC)
	}
	for _, a := range c.Addresses {
		if !a.IsValid() {
			return fmt.Errorf("an address is empty or invalid")
		}
	}
	return c.Link.Check()
}

// checkNetworks holds a guest's cards and names against their rules.
func (s Spec) checkNetworks() error {
	if len(s.Cards) > MaxCards {
		return fmt.Errorf("%d cards are too many; a guest has at most %d", len(s.Cards), MaxCards)
	}
	seen := map[string]bool{}
	for _, c := range s.Cards {
		if err := c.check(); err != nil {
			return fmt.Errorf("card %q: %w", c.Name, err)
		}
		for _, unique := range []string{"network " + c.Network, "name " + c.Name, "address " + c.MAC} {
			if seen[unique] {
				return fmt.Errorf("card %q: another card of the guest has the same %s", c.Name, unique)
			}
			seen[unique] = true
		}
	}
	for _, h := range s.Hosts {
		if !hostForm.MatchString(h.Name) || !h.Address.IsValid() {
			return fmt.Errorf("%q at %s is no name and address of a machine", h.Name, h.Address)
		}
	}
	return nil
}
