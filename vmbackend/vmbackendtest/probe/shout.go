package main

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// quiet is how long an answer may take.
	quiet = 2 * time.Second
	// sending bounds how long one card is tried.
	sending = 40 * time.Second
)

// shout sends the token to all targets and everybody on the cable, by sockets
// and by frames of its own, honest ones and forged ones.
func shout(token, port string, targets []string) (report, error) {
	var r report
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return r, err
	}
	cards, err := openCards("end of " + token)
	if err != nil {
		return r, err
	}
	r.Connected = bySocket(token, port, targets)
	for _, c := range cards {
		r.Interfaces = append(r.Interfaces, c.Name)
		limit := time.Now().Add(sending)
		for _, f := range c.frames(token, uint16(number), targets) {
			if c.send(f) {
				r.Sent++
			}
			if time.Now().After(limit) {
				break
			}
		}
	}
	// Whoever answers at all does so by now.
	if len(cards) > 0 {
		time.Sleep(quiet)
	}
	for _, c := range cards {
		r.Heard = append(r.Heard, c.end()...)
	}
	return r, nil
}

func bySocket(token, port string, targets []string) []string {
	var mu sync.Mutex
	var connected []string
	var all sync.WaitGroup
	took := func(what string) {
		mu.Lock()
		connected = append(connected, what)
		mu.Unlock()
	}
	for _, t := range targets {
		address := net.JoinHostPort(t, port)
		all.Go(func() {
			conn, err := net.DialTimeout("tcp", address, quiet)
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte(token))
			_ = conn.Close()
			took("tcp " + address)
		})
		all.Go(func() {
			conn, err := net.DialTimeout("udp", address, quiet)
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = conn.Write([]byte(token))
			_ = conn.SetReadDeadline(time.Now().Add(quiet))
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				took("udp " + address)
			}
		})
	}
	all.Wait()
	slices.Sort(connected)
	return connected
}

// Addresses that somebody forges, or looks for, beside the targets.
var (
	usual4 = []string{"10.0.2.1", "10.0.2.2", "10.0.2.3", "10.0.2.15", "192.168.122.1", "255.255.255.255", "224.0.0.1", "224.0.0.251"}
	usual6 = []string{"fe80::1", "fe80::2", "fec0::2", "ff02::1", "ff02::2", "ff02::fb", "ff02::1:2"}
	forged = net.HardwareAddr{0x52, 0x54, 0, 0x66, 0x66, 0x66}
	// gateways' and neighbours' usual addresses, of UML here and of QEMU
	gateways = []net.HardwareAddr{{0x02, 0x4c, 0x4d, 0, 0, 1}, {0x02, 0x4c, 0x4d, 0, 0, 2}, {0x52, 0x55, 0x0a, 0, 2, 2}}
	groups   = []net.HardwareAddr{{0x33, 0x33, 0, 0, 0, 1}, {1, 0, 0x5e, 0, 0, 1}, {1, 0x80, 0xc2, 0, 0, 0}, {1, 0x80, 0xc2, 0, 0, 0x0e}}
)

// frames are all that is sent over one card.
func (c *card) frames(token string, port uint16, targets []string) [][]byte {
	var plain [][]byte
	for _, from := range []net.HardwareAddr{c.HardwareAddr, forged, gateways[0]} {
		for _, to := range slices.Concat([]net.HardwareAddr{broadcast}, gateways, groups) {
			for _, kind := range []uint16{0x88b5, 0x88cc, 0x888e, 0x8863, 0x0026} { // experiment, LLDP, EAPOL, PPPoE, bridges
				plain = append(plain, ether(to, from, kind, []byte(token)))
			}
		}
		for _, to := range append([]net.HardwareAddr{broadcast}, gateways...) {
			for _, target := range slices.Concat(targets, usual4, usual6) {
				if ip, err := netip.ParseAddr(target); err == nil {
					plain = append(plain, packets(token, port, to, from, ip.WithZone(""))...)
				}
			}
		}
	}
	all := plain
	for _, f := range plain[:min(len(plain), 300)] {
		all = append(all, tagged(f, 0x81000001), tagged(f, 0x81000064), tagged(f, 0x88a80001, 0x81000001))
	}
	giant := make([]byte, 9000)
	copy(giant, token)
	return append(all, ether(broadcast, c.HardwareAddr, 0x88b5, giant), []byte(token), c.HardwareAddr)
}

// packets are what is sent to one address: from an own address, from a
// neighbour's and from the target's own.
func packets(token string, port uint16, to, mac net.HardwareAddr, target netip.Addr) [][]byte {
	sources := []netip.Addr{netip.MustParseAddr("10.0.2.15"), netip.MustParseAddr("10.0.2.1"), target}
	if target.Is6() {
		sources = []netip.Addr{netip.MustParseAddr("fe80::15"), netip.MustParseAddr("fe80::1"), target}
	}
	var frames [][]byte
	add := func(kind uint16, body []byte) { frames = append(frames, ether(to, mac, kind, body)) }
	for _, from := range sources {
		if target.Is4() {
			add(0x0806, append(arp(1, mac, from, target), token...))
			add(0x0806, append(arp(2, mac, target, from), token...)) // "I am the target"
			add(ip(from, target, 1, echo(false, token), 2))
		} else {
			add(ip(from, target, 58, echo(true, token), 2))
			add(ip(from, target, 58, []byte{133, 0, 0, 0, 0, 0, 0, 0}, 2)) // is there a router?
			add(ip(from, target, 58, append([]byte{135, 0, 0, 0, 0, 0, 0, 0}, target.AsSlice()...), 2))
			add(ip(from, target, 17, udp(546, 547, "\x01\x00\x00\x01"+token), 6)) // DHCPv6
		}
		add(ip(from, target, 17, udp(4242, port, token), 6))
		add(ip(from, target, 17, udp(68, 67, dhcpDiscover(mac, token)), 6))
		add(ip(from, target, 17, udp(4243, 53, dnsQuery(token)), 6))
		add(ip(from, target, 17, udp(5353, 5353, dnsQuery(token)), 6))
		add(ip(from, target, 6, tcpSYN(port), 16))
		add(ip(from, target, 47, append([]byte{0, 0, 0x88, 0xb5}, token...), -1)) // GRE
	}
	return frames
}
