package main

import (
	"encoding/binary"
	"net"
	"net/netip"
)

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

func ether(to, from net.HardwareAddr, kind uint16, body []byte) []byte {
	f := append(append([]byte{}, to...), from...)
	f = append(binary.BigEndian.AppendUint16(f, kind), body...)
	for len(f) < 60 {
		f = append(f, 0)
	}
	return f
}

// tagged puts VLAN tags before a frame's body (IEEE 802.1Q and ad).
func tagged(f []byte, tags ...uint32) []byte {
	out := append([]byte{}, f[:12]...)
	for _, t := range tags {
		out = binary.BigEndian.AppendUint32(out, t)
	}
	return append(out, f[12:]...)
}

func checksum(parts ...[]byte) uint16 {
	var sum uint32
	for _, p := range parts {
		for i := 0; i < len(p); i += 2 {
			if i+1 < len(p) {
				sum += uint32(p[i])<<8 | uint32(p[i+1])
			} else {
				sum += uint32(p[i]) << 8
			}
		}
	}
	for sum>>16 > 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// ip puts an IPv4 or IPv6 header before a payload and fills the payload's
// checksum in, which is at offset sum; -1 if there is none.
func ip(from, to netip.Addr, protocol byte, payload []byte, sum int) (uint16, []byte) {
	if to.Is4() {
		if sum >= 0 {
			pseudo := append(append(append([]byte{}, from.AsSlice()...), to.AsSlice()...), 0, protocol, byte(len(payload)>>8), byte(len(payload)))
			if protocol == 1 {
				pseudo = nil
			}
			binary.BigEndian.PutUint16(payload[sum:], checksum(pseudo, payload))
		}
		h := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0}
		binary.BigEndian.PutUint16(h[2:], uint16(20+len(payload)))
		h = append(append(h, from.AsSlice()...), to.AsSlice()...)
		binary.BigEndian.PutUint16(h[10:], checksum(h))
		return 0x0800, append(h, payload...)
	}
	if sum >= 0 {
		pseudo := append(append([]byte{}, from.AsSlice()...), to.AsSlice()...)
		pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(payload)))
		binary.BigEndian.PutUint16(payload[sum:], checksum(append(pseudo, 0, 0, 0, protocol), payload))
	}
	h := []byte{0x60, 0, 0, 0, 0, 0, protocol, 255}
	binary.BigEndian.PutUint16(h[4:], uint16(len(payload)))
	h = append(append(h, from.AsSlice()...), to.AsSlice()...)
	return 0x86dd, append(h, payload...)
}

func udp(from, to uint16, data string) []byte {
	u := binary.BigEndian.AppendUint16(nil, from)
	u = binary.BigEndian.AppendUint16(u, to)
	u = binary.BigEndian.AppendUint16(u, uint16(8+len(data)))
	return append(append(u, 0, 0), data...)
}

func tcpSYN(to uint16) []byte {
	t := binary.BigEndian.AppendUint16([]byte{0x30, 0x39}, to)
	t = append(t, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0x20, 0, 0, 0, 0, 0)
	return t
}

// echo is a ping of either version, with data to tunnel.
func echo(v6 bool, data string) []byte {
	kind := byte(8)
	if v6 {
		kind = 128
	}
	return append([]byte{kind, 0, 0, 0, 0, 1, 0, 1}, data...)
}

func arp(op byte, from net.HardwareAddr, sender, target netip.Addr) []byte {
	a := []byte{0, 1, 8, 0, 6, 4, 0, op}
	a = append(append(a, from...), sender.AsSlice()...)
	return append(append(a, 0, 0, 0, 0, 0, 0), target.AsSlice()...)
}

// dhcpDiscover asks for an address (RFC 2131).
func dhcpDiscover(mac net.HardwareAddr, token string) string {
	d := make([]byte, 236)
	d[0], d[1], d[2], d[10] = 1, 1, 6, 0x80
	copy(d[28:], mac)
	d = append(d, 0x63, 0x82, 0x53, 0x63, 53, 1, 1, 12, byte(len(token)))
	return string(d) + token + "\xff"
}

// dnsQuery asks for a name that carries the token out (RFC 1035).
func dnsQuery(token string) string {
	return "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + string(rune(len(token))) + token + "\x07example\x00\x00\x01\x00\x01"
}
