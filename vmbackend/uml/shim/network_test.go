package shim

import (
	"bytes"
	"encoding/binary"
	"testing"
)

var guestIP = []byte{10, 0, 2, 15}

func ethernet(kind uint16, packet []byte) []byte {
	frame := append(append([]byte{}, gatewayMAC...), guestMAC...)
	return append(binary.BigEndian.AppendUint16(frame, kind), packet...)
}

func arpRequest(target [4]byte) []byte {
	p := []byte{0, 1, 8, 0, 6, 4, 0, 1}
	p = append(append(p, guestMAC...), guestIP...)
	return append(append(p, make([]byte, 6)...), target[:]...)
}

func checksum(p []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(p); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	if len(p)%2 == 1 {
		sum += uint32(p[len(p)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

func ping(target [4]byte, data string) []byte {
	echo := append([]byte{8, 0, 0, 0, 0x12, 0x34, 0, 1}, data...)
	binary.BigEndian.PutUint16(echo[2:], checksum(echo))
	header := []byte{0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 1, 0, 0}
	header = append(append(header, guestIP...), target[:]...)
	binary.BigEndian.PutUint16(header[2:], uint16(len(header)+len(echo)))
	binary.BigEndian.PutUint16(header[10:], checksum(header))
	return append(header, echo...)
}

func TestGatewayAnswersARP(t *testing.T) {
	reply := answer(ethernet(etherARP, arpRequest(gatewayAddr.As4())))
	if reply == nil {
		t.Fatal("no reply")
	}
	if !bytes.Equal(reply[0:6], guestMAC) || !bytes.Equal(reply[6:12], gatewayMAC) {
		t.Errorf("the reply goes from %x to %x", reply[6:12], reply[0:6])
	}
	p := reply[etherHeader:]
	if p[7] != 2 || !bytes.Equal(p[8:14], gatewayMAC) || [4]byte(p[14:18]) != gatewayAddr.As4() ||
		!bytes.Equal(p[18:24], guestMAC) || !bytes.Equal(p[24:28], guestIP) {
		t.Errorf("wrong reply %x", p)
	}
}

func TestGatewayAnswersPing(t *testing.T) {
	for _, data := range []string{"", "odd", "a usual payload of some bytes", string(bytes.Repeat([]byte{0xff}, 1400))} {
		reply := answer(ethernet(etherIPv4, ping(gatewayAddr.As4(), data)))
		if reply == nil {
			t.Fatalf("no reply to %d bytes", len(data))
		}
		p := reply[etherHeader:]
		if sum := checksum(p[:20]); sum != 0 {
			t.Errorf("%d bytes: the header's checksum is off by %#x", len(data), sum)
		}
		if sum := checksum(p[20:]); sum != 0 {
			t.Errorf("%d bytes: the message's checksum is off by %#x", len(data), sum)
		}
		if p[20] != 0 || string(p[28:]) != data || [4]byte(p[12:16]) != gatewayAddr.As4() || !bytes.Equal(p[16:20], guestIP) {
			t.Errorf("wrong reply %x", p)
		}
	}
}

func TestGatewayIsSilentOtherwise(t *testing.T) {
	other := [4]byte{10, 0, 2, 2}
	fragment := ping(gatewayAddr.As4(), "x")
	fragment[6] = 0x20
	long := ping(gatewayAddr.As4(), "x")
	long[2] = 0xff
	for name, frame := range map[string][]byte{
		"ARP for another":       ethernet(etherARP, arpRequest(other)),
		"ping to another":       ethernet(etherIPv4, ping(other, "x")),
		"a fragment":            ethernet(etherIPv4, fragment),
		"a length beyond frame": ethernet(etherIPv4, long),
		"IPv6":                  ethernet(0x86dd, make([]byte, 64)),
		"TCP":                   ethernet(etherIPv4, append([]byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 2, 15, 10, 0, 2, 1}, make([]byte, 20)...)),
		"nothing":               nil,
	} {
		if reply := answer(frame); reply != nil {
			t.Errorf("%s: answered with %x", name, reply)
		}
	}
}

func FuzzGateway(f *testing.F) {
	f.Add(ethernet(etherARP, arpRequest(gatewayAddr.As4())))
	f.Add(ethernet(etherIPv4, ping(gatewayAddr.As4(), "data")))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if reply := answer(frame); len(reply) > len(frame) {
			t.Errorf("%d bytes were answered with %d", len(frame), len(reply))
		}
	})
}
