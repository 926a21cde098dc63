package lab

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"

	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/vmbackend"
)

// Cards are those of a tutorial's guests, by their names. Guests of one lab are
// joined to each other and to no other lab's; lab may be any text that no other
// student's, and no other tutorial's, lab has. The same lab has the same cards
// again. Links are those before the first step.
func Cards(t *content.Tutorial, lab string) map[string][]vmbackend.Card {
	cards := map[string][]vmbackend.Card{}
	for i := range t.Networks {
		n := &t.Networks[i]
		sum := sha256.Sum256([]byte(lab + "\x00" + n.Name))
		own := sha256.Sum256([]byte(lab))
		for j, guest := range n.Guests {
			card := vmbackend.Card{
				Network: fmt.Sprintf("net-%x", sum[:16]), Name: n.Name,
				// The last two bytes keep the cards of a lab apart for sure.
				MAC:  fmt.Sprintf("02:4c:%02x:%02x:%02x:%02x", own[0], own[1], i+1, j+1),
				Link: LinkAt(n, ""),
			}
			if a, ok := address(n, j); ok {
				card.Addresses = []netip.Prefix{netip.PrefixFrom(a, n.Subnet.Bits())}
			}
			cards[guest] = append(cards[guest], card)
		}
	}
	return cards
}

// LinkAt is what a network's cables are like at a step; "" is before any.
func LinkAt(n *content.Network, step string) vmbackend.Link {
	return vmbackend.Link{Rate: n.Rate, Delay: n.Delay, Loss: n.Loss, Cut: n.Cut || step != "" && slices.Contains(n.CutAt, step)}
}

// Hosts are the other guests that each guest of a tutorial shares a network
// with, by its name: one line for each address.
func Hosts(t *content.Tutorial) map[string][]vmbackend.HostName {
	hosts := map[string][]vmbackend.HostName{}
	for i := range t.Networks {
		n := &t.Networks[i]
		for _, guest := range n.Guests {
			for j, other := range n.Guests {
				if a, ok := address(n, j); ok && other != guest {
					hosts[guest] = append(hosts[guest], vmbackend.HostName{Name: other, Address: a})
				}
			}
		}
	}
	return hosts
}

// address is that of a network's n-th guest: the n-th after the subnet's own.
func address(n *content.Network, guest int) (netip.Addr, bool) {
	if !n.Subnet.IsValid() {
		return netip.Addr{}, false
	}
	a := n.Subnet.Masked().Addr()
	for range guest + 1 {
		a = a.Next()
	}
	return a, n.Subnet.Contains(a)
}
