package agent

import (
	"bytes"
	"fmt"
	"net"

	"golang.org/x/sys/unix"

	"github.com/labmark/labmark/vmbackend/guestlink"
)

func loopbackUp() error {
	nl, err := dialNetlink()
	if err != nil {
		return err
	}
	defer nl.close()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	return nl.linkUp(lo.Index)
}

// setUpNetwork names, addresses and starts one interface. Doing it twice does
// no harm.
func setUpNetwork(n guestlink.Network) error {
	nl, err := dialNetlink()
	if err != nil {
		return err
	}
	defer nl.close()
	link, err := findInterface(n)
	if err != nil {
		return err
	}
	if link.Name != n.Name {
		// Only an interface that is down can be renamed.
		if err := nl.rename(link.Index, n.Name); err != nil {
			return fmt.Errorf("renaming %s: %w", link.Name, err)
		}
	}
	if mac, _ := net.ParseMAC(n.MAC); mac != nil && !bytes.Equal(mac, link.HardwareAddr) {
		if err := nl.setMAC(link.Index, mac); err != nil {
			return fmt.Errorf("setting its Ethernet address %s: %w", n.MAC, err)
		}
	}
	if n.Down {
		return nil
	}
	if err := nl.linkUp(link.Index); err != nil {
		return fmt.Errorf("starting it: %w", err)
	}
	for _, a := range n.Addresses {
		if err := nl.addAddress(link.Index, a); err != nil {
			return fmt.Errorf("address %s: %w", a, err)
		}
	}
	for _, nb := range n.Neighbours {
		mac, err := net.ParseMAC(nb.MAC)
		if err != nil {
			return err
		}
		if err := nl.addNeighbour(link.Index, nb.Address, mac); err != nil {
			return fmt.Errorf("neighbour %s: %w", nb.Address, err)
		}
	}
	if n.Gateway.IsValid() {
		if err := nl.addDefaultRoute(link.Index, n.Gateway); err != nil {
			return fmt.Errorf("gateway %s: %w", n.Gateway, err)
		}
	}
	return nil
}

// findInterface goes by the Ethernet address first, then by name.
func findInterface(n guestlink.Network) (net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return net.Interface{}, err
	}
	mac, _ := net.ParseMAC(n.MAC)
	var named net.Interface
	for _, i := range all {
		if mac != nil && bytes.Equal(i.HardwareAddr, mac) {
			return i, nil
		}
		if i.Name == n.Name {
			named = i
		}
	}
	if named.Index == 0 {
		return named, fmt.Errorf("the guest has no interface with the address %q or this name", n.MAC)
	}
	return named, nil
}

// What follows speaks rtnetlink(7), with the structures of the kernel's
// linux/rtnetlink.h, linux/if_addr.h and linux/neighbour.h.

func (nl *netlink) linkUp(index int) error {
	return nl.do(unix.RTM_NEWLINK, 0, linkMessage(index, unix.IFF_UP))
}

func (nl *netlink) rename(index int, name string) error {
	if err := nl.do(unix.RTM_NEWLINK, 0, linkMessage(index, 0)); err != nil {
		return err
	}
	return nl.do(unix.RTM_NEWLINK, 0, attribute(linkMessage(index, 0), unix.IFLA_IFNAME, append([]byte(name), 0)))
}

func (nl *netlink) setMAC(index int, mac net.HardwareAddr) error {
	return nl.do(unix.RTM_NEWLINK, 0, attribute(linkMessage(index, 0), unix.IFLA_ADDRESS, mac))
}
