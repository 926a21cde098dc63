package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/vmbackend"
)

// three is a client and a server that only the router joins, beside a network
// of all whose cards have no addresses.
var three = &content.Tutorial{
	Guests: []content.Guest{{Name: "client"}, {Name: "router"}, {Name: "server"}, {Name: "alone"}},
	Networks: []content.Network{
		{Name: "inner", Guests: []string{"router", "client"}, Subnet: netip.MustParsePrefix("10.1.0.0/24")},
		{Name: "outer", Guests: []string{"router", "server"}, Subnet: netip.MustParsePrefix("fd00:1::/64"),
			Rate: 1e6, Delay: time.Second, Loss: 0.5, CutAt: []string{"storm"}},
		{Name: "bare", Guests: []string{"client", "router", "server"}, Cut: true},
	},
}

func TestCards(t *testing.T) {
	cards := Cards(three, "ann")
	addresses := map[string]string{}
	macs := map[string]bool{}
	for guest, list := range cards {
		spec := vmbackend.Spec{ID: "x", HostKey: []byte("k"), AuthorizedKey: []byte("k"), Cards: list, Hosts: Hosts(three)[guest]}
		if err := spec.Check(0); err != nil {
			t.Errorf("no backend would make %s: %v", guest, err)
		}
		for _, c := range list {
			addresses[guest+" on "+c.Name] = fmt.Sprint(c.Addresses)
			if macs[c.MAC] {
				t.Errorf("two cards have the address %s", c.MAC)
			}
			macs[c.MAC] = true
		}
	}
	want := map[string]string{
		"router on inner": "[10.1.0.1/24]", "client on inner": "[10.1.0.2/24]",
		"router on outer": "[fd00:1::1/64]", "server on outer": "[fd00:1::2/64]",
		"client on bare": "[]", "router on bare": "[]", "server on bare": "[]",
	}
	for card, a := range want {
		if addresses[card] != a {
			t.Errorf("%s has %s, want %s", card, addresses[card], a)
		}
	}
	if len(addresses) != len(want) {
		t.Errorf("there are the cards %v", addresses)
	}
	if a, b := cards["router"][0].Network, cards["client"][0].Network; a != b || a == cards["router"][1].Network {
		t.Errorf("the guests of inner are on %s and %s, the router's outer card is on %s", a, b, cards["router"][1].Network)
	}
}

func TestLabsAreApart(t *testing.T) {
	ann, again, bob := Cards(three, "ann"), Cards(three, "ann"), Cards(three, "bob")
	for guest, list := range ann {
		for i, c := range list {
			if c.Network != again[guest][i].Network || c.MAC != again[guest][i].MAC {
				t.Errorf("the same lab's card is %+v once and %+v then", c, again[guest][i])
			}
			for _, other := range bob[guest] {
				if c.Network == other.Network {
					t.Errorf("two labs share the network %s", c.Network)
				}
			}
		}
	}
}

func TestLinkAt(t *testing.T) {
	shape := vmbackend.Link{Rate: 1e6, Delay: time.Second, Loss: 0.5}
	if got := LinkAt(&three.Networks[1], "calm"); got != shape {
		t.Errorf("at a calm step the link is %+v", got)
	}
	cut := shape
	cut.Cut = true
	if got := LinkAt(&three.Networks[1], "storm"); got != cut {
		t.Errorf("at the step that cuts the link is %+v", got)
	}
	if got := LinkAt(&three.Networks[2], "calm"); !got.Cut {
		t.Errorf("a network that is always cut has the link %+v", got)
	}
}

func TestHosts(t *testing.T) {
	hosts := Hosts(three)
	for guest, want := range map[string]string{
		"client": "[{router 10.1.0.1}]", "router": "[{client 10.1.0.2} {server fd00:1::2}]", "server": "[{router fd00:1::1}]", "alone": "[]",
	} {
		if got := fmt.Sprint(hosts[guest]); got != want {
			t.Errorf("%s knows %s, want %s", guest, got, want)
		}
	}
	if slices.Contains(hosts["client"], vmbackend.HostName{Name: "server"}) {
		t.Error("a name without address")
	}
}
