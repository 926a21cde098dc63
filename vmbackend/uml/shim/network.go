package shim

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
)

// The network of a guest without cards is a cable to a gateway that answers ARP and pings for
// its own address and forwards nothing. gVisor's stack did the same for 1.8 MB
// more of memory in each guest (docs/decisions/sealed-network.md).
var (
	gatewayMAC  = net.HardwareAddr{0x02, 0x4c, 0x4d, 0x00, 0x00, 0x01}
	guestMAC    = net.HardwareAddr{0x02, 0x4c, 0x4d, 0x00, 0x00, 0x02}
	gatewayAddr = netip.MustParseAddr("10.0.2.1")
	guestPrefix = netip.MustParsePrefix("10.0.2.15/24")
)

// firstCardFD is the kernel's descriptor of its first card.
const firstCardFD = 4

// NetworkArguments are the words of the kernel's command line for the guest's
// cards: the sealed one, unless there are others.
func NetworkArguments(cards []vmbackend.Card) []string {
	var words []string
	for i, n := range Networks(cards) {
		words = append(words, fmt.Sprintf("vec%d:transport=fd,fd=%d,vec=0,mac=%s", i, firstCardFD+i, n.MAC))
	}
	return words
}

// Networks is how the guest sets those cards up.
func Networks(cards []vmbackend.Card) []guestlink.Network {
	if len(cards) == 0 {
		return []guestlink.Network{{
			Name: "eth0", MAC: guestMAC.String(),
			Addresses: []netip.Prefix{guestPrefix}, Gateway: gatewayAddr,
			Neighbours: []guestlink.Neighbour{{Address: gatewayAddr, MAC: gatewayMAC.String()}},
		}}
	}
	var networks []guestlink.Network
	for _, c := range cards {
		networks = append(networks, guestlink.Network{Name: c.Name, MAC: c.MAC, Addresses: c.Addresses, Down: len(c.Addresses) == 0})
	}
	return networks
}

// answerNetwork answers frames until the cable is gone.
func answerNetwork(cable *os.File) {
	frame := make([]byte, 64<<10)
	for {
		n, err := cable.Read(frame)
		if err != nil {
			return
		}
		if reply := answer(frame[:n]); reply != nil {
			_, _ = cable.Write(reply) // a guest that is gone needs none
		}
	}
}

const (
	etherHeader = 14
	etherIPv4   = 0x0800
	etherARP    = 0x0806
)

// answer turns a frame into the gateway's reply, in place; nil is no reply.
func answer(frame []byte) []byte {
	if len(frame) < etherHeader {
		return nil
	}
	var reply []byte
	switch packet := frame[etherHeader:]; binary.BigEndian.Uint16(frame[12:]) {
	case etherARP:
		reply = answerARP(packet)
	case etherIPv4:
		reply = answerPing(packet)
	}
	if reply == nil {
		return nil
	}
	copy(frame[0:6], frame[6:12])
	copy(frame[6:12], gatewayMAC)
	return frame[:etherHeader+len(reply)]
}

// answerARP answers who has the gateway's address (RFC 826).
func answerARP(p []byte) []byte {
	const (
		length  = 28
		request = 1
		reply   = 2
	)
	gateway := gatewayAddr.As4()
	if len(p) < length || binary.BigEndian.Uint16(p[6:]) != request || [4]byte(p[24:28]) != gateway {
		return nil
	}
	binary.BigEndian.PutUint16(p[6:], reply)
	copy(p[18:28], p[8:18]) // the asker becomes the target
	copy(p[8:14], gatewayMAC)
	copy(p[14:18], gateway[:])
	return p[:length]
}

// answerPing answers an ICMP echo request to the gateway (RFC 792). Headers
// with options and fragments get no answer: ping sends neither by itself.
func answerPing(p []byte) []byte {
	const (
		header, icmp         = 20, 1
		echoRequest, payload = 8, header + 8
	)
	if len(p) < payload || p[0] != 0x45 || p[9] != icmp || [4]byte(p[16:20]) != gatewayAddr.As4() {
		return nil
	}
	total := int(binary.BigEndian.Uint16(p[2:]))
	fragment := binary.BigEndian.Uint16(p[6:]) & 0x3fff
	if total < payload || total > len(p) || fragment != 0 || p[header] != echoRequest || p[header+1] != 0 {
		return nil
	}
	p = p[:total]
	source := [4]byte(p[12:16])
	copy(p[12:16], p[16:20]) // swapping leaves the header's checksum right
	copy(p[16:20], source[:])
	p[header] = 0 // echo reply: 8 less in the first word, 8 more in the sum
	sum := uint32(binary.BigEndian.Uint16(p[header+2:])) + echoRequest<<8
	binary.BigEndian.PutUint16(p[header+2:], uint16(sum+sum>>16)) // ones' complement
	return p
}
