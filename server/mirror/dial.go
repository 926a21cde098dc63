package mirror

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const dialTimeout = 20 * time.Second

// forbidden are networks that lead back to this machine or to neighbours that
// no guest shall reach, beyond what netip tells of an address by itself.
var forbidden = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),   // shared by a provider's customers (RFC 6598)
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments (RFC 6890)
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks (RFC 2544)
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, broadcast
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 behind a translator (RFC 6052)
	netip.MustParsePrefix("64:ff9b:1::/48"),  // the same, local (RFC 8215)
	netip.MustParsePrefix("2001::/23"),       // Teredo and others (RFC 2928)
	netip.MustParsePrefix("2002::/16"),       // 6to4 (RFC 3056)
	netip.MustParsePrefix("fec0::/10"),       // site-local, formerly
	netip.MustParsePrefix("::/96"),           // IPv4-compatible, formerly; loopback, unspecified
	netip.MustParsePrefix("100::/64"),        // discarded (RFC 6666)
	netip.MustParsePrefix("::ffff:0:0:0/96"), // IPv4-translated (RFC 2765)
}

// forbiddenError says why an address is not dialled.
type forbiddenError struct {
	address netip.Addr
}

func (e forbiddenError) Error() string {
	return fmt.Sprintf("the mirror's name leads to %s, in a private network or on the gateway itself; "+
		"an administrator who means that writes --mirror URL=%s", e.address, e.address)
}

// inner says whether an address is one that guests must not reach through the
// gateway, which may be among its neighbours.
func inner(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
		return true
	}
	for _, p := range forbidden {
		if p.Contains(ip) {
			return true
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range own {
		if n, ok := a.(*net.IPNet); ok {
			if mine, ok := netip.AddrFromSlice(n.IP); ok && mine.Unmap() == ip {
				return true
			}
		}
	}
	return false
}

// dialer returns what connects to mirrors. An address is judged after the
// look-up, just before it is dialled, so a name server that answers
// differently each time gains nothing. pinned has, for host:port, the address
// that an administrator has named.
func dialer(pinned map[string]netip.Addr) func(ctx context.Context, network, address string) (net.Conn, error) {
	judging := net.Dialer{Timeout: dialTimeout, Control: func(_, to string, _ syscall.RawConn) error { return judge(to) }}
	trusting := net.Dialer{Timeout: dialTimeout}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ip, ok := pinned[address]
		if !ok {
			return judging.DialContext(ctx, network, address)
		}
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return trusting.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
	}
}

func judge(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if inner(to.Addr()) {
		return forbiddenError{to.Addr()}
	}
	return nil
}
