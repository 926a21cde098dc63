package libvirt

import (
	"net/netip"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

// Each guest's network is its own: all have the same card and addresses, as
// User-Mode Linux's have. No gateway answers here; it has a neighbour's entry
// so that programs find out by a timeout of their own, not by ARP's.
const (
	guestMAC   = "02:4c:4d:00:00:02"
	gatewayMAC = "02:4c:4d:00:00:01"
)

func network() guestlink.Network {
	gateway := netip.MustParseAddr("10.0.2.1")
	return guestlink.Network{
		Name: "eth0", MAC: guestMAC,
		Addresses: []netip.Prefix{netip.MustParsePrefix("10.0.2.15/24")}, Gateway: gateway,
		Neighbours: []guestlink.Neighbour{{Address: gateway, MAC: gatewayMAC}},
	}
}
