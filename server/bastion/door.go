package bastion

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of who may try to log in. A whole class may come from one address.
const (
	handshakes        = 600         // at the same time, from everywhere
	handshakesPerHost = 300         // and from one address
	failuresPerHost   = 60          // in one window; then nobody is let in from there
	window            = time.Minute // that failures are counted in
)

// door bounds what strangers can make the gateway do.
type door struct {
	now func() time.Time

	mu      sync.Mutex
	inside  int
	callers map[netip.Prefix]*caller
	swept   time.Time
}

type caller struct {
	inside, failed int
	since          time.Time // begin of the window that failed counts in
}

func newDoor(now func() time.Time) *door {
	return &door{now: now, callers: map[netip.Prefix]*caller{}, swept: now()}
}

// from is what callers are told apart by: an address, or the 64 bits of a
// network that one host may choose from.
func from(a net.Addr) netip.Prefix {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Prefix{}
	}
	ip := ap.Addr().Unmap()
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// enter says whether a caller may try to log in; then leave must follow.
func (d *door) enter(who netip.Prefix) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep()
	c := d.callers[who]
	if c == nil {
		c = &caller{since: d.now()}
		d.callers[who] = c
	}
	if d.now().Sub(c.since) >= window {
		c.since, c.failed = d.now(), 0
	}
	if d.inside >= handshakes || c.inside >= handshakesPerHost || c.failed >= failuresPerHost {
		return false
	}
	d.inside++
	c.inside++
	return true
}

func (d *door) leave(who netip.Prefix, loggedIn bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside--
	if c := d.callers[who]; c != nil {
		c.inside--
		if !loggedIn {
			c.failed++
		}
	}
}

// sweep forgets callers that have long gone.
func (d *door) sweep() {
	if d.now().Sub(d.swept) < window {
		return
	}
	d.swept = d.now()
	for who, c := range d.callers {
		if c.inside == 0 && d.now().Sub(c.since) >= window {
			delete(d.callers, who)
		}
	}
}
