package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// netlink is a route netlink socket. The few requests that a guest needs do
// not make up for the size of a library.
type netlink struct {
	fd  int
	seq uint32
}

func dialNetlink() (*netlink, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("netlink: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("netlink: %w", err)
	}
	return &netlink{fd: fd}, nil
}

func (nl *netlink) close() { _ = unix.Close(nl.fd) }

// do sends one request and waits for its acknowledgement.
func (nl *netlink) do(kind, flags uint16, body []byte) error {
	nl.seq++
	msg := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	msg = binary.NativeEndian.AppendUint16(msg, kind)
	msg = binary.NativeEndian.AppendUint16(msg, flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	msg = binary.NativeEndian.AppendUint32(msg, nl.seq)
	msg = binary.NativeEndian.AppendUint32(msg, 0)
	if err := unix.Sendto(nl.fd, append(msg, body...), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 8<<10)
	n, _, err := unix.Recvfrom(nl.fd, buf, 0)
	if err != nil {
		return err
	}
	if n < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR {
		return errors.New("netlink: the kernel's answer cannot be read")
	}
	if errno := -int32(binary.NativeEndian.Uint32(buf[unix.SizeofNlMsghdr:])); errno != 0 {
		return unix.Errno(errno)
	}
	return nil
}

// attribute appends one rtattr, padded to 4 bytes.
func attribute(msg []byte, kind uint16, data []byte) []byte {
	msg = binary.NativeEndian.AppendUint16(msg, uint16(4+len(data)))
	msg = binary.NativeEndian.AppendUint16(msg, kind)
	msg = append(msg, data...)
	for len(msg)%4 != 0 {
		msg = append(msg, 0)
	}
	return msg
}

// linkMessage is struct ifinfomsg; flags is the wanted state of IFF_UP.
func linkMessage(index int, flags uint32) []byte {
	msg := binary.NativeEndian.AppendUint32(nil, unix.AF_UNSPEC)
	msg = binary.NativeEndian.AppendUint32(msg, uint32(index))
	msg = binary.NativeEndian.AppendUint32(msg, flags)
	return binary.NativeEndian.AppendUint32(msg, unix.IFF_UP)
}

func family(a netip.Addr) byte {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// addAddress sends struct ifaddrmsg.
func (nl *netlink) addAddress(index int, p netip.Prefix) error {
	msg := []byte{family(p.Addr()), byte(p.Bits()), 0, unix.RT_SCOPE_UNIVERSE}
	if !p.Addr().Is4() {
		msg[2] = unix.IFA_F_NODAD // nobody else can have it in a sealed network
	}
	msg = binary.NativeEndian.AppendUint32(msg, uint32(index))
	msg = attribute(msg, unix.IFA_LOCAL, p.Addr().AsSlice())
	msg = attribute(msg, unix.IFA_ADDRESS, p.Addr().AsSlice())
	return nl.do(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, msg)
}

// addDefaultRoute sends struct rtmsg.
func (nl *netlink) addDefaultRoute(index int, gateway netip.Addr) error {
	msg := []byte{family(gateway), 0, 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_BOOT, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, 0, 0, 0, 0}
	msg = attribute(msg, unix.RTA_GATEWAY, gateway.AsSlice())
	msg = attribute(msg, unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, uint32(index)))
	return nl.do(unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, msg)
}

// addNeighbour sends struct ndmsg.
func (nl *netlink) addNeighbour(index int, a netip.Addr, mac net.HardwareAddr) error {
	msg := []byte{family(a), 0, 0, 0}
	msg = binary.NativeEndian.AppendUint32(msg, uint32(index))
	msg = binary.NativeEndian.AppendUint16(msg, unix.NUD_PERMANENT)
	msg = append(msg, 0, 0)
	msg = attribute(msg, unix.NDA_DST, a.AsSlice())
	msg = attribute(msg, unix.NDA_LLADDR, mac)
	return nl.do(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, msg)
}
