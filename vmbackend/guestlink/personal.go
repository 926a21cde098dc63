package guestlink

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"
)

// maxPersonal bounds the JSON form of Personal, maxReply that of the answer.
const (
	maxPersonal = 64 << 10
	maxReply    = 4 << 10
)

// Personal is what makes one guest out of an image that many share. The host
// sends it before anyone enters. A guest that has the same HostKey already
// (the host only joined again) keeps its name and networks, and its clock if
// it was set meanwhile: the student may have done so.
type Personal struct {
	// Hostname is set once; a student's own later choice stays.
	Hostname string `json:"hostname,omitempty"`
	// HostKey is the private key of the guest's SSH server, as PEM.
	HostKey []byte `json:"host_key"`
	// AuthorizedKey may log in to every account, in authorized_keys form.
	// Several lines are several keys.
	AuthorizedKey []byte `json:"authorized_key"`
	// Entropy is credited to the guest's random number generator in full.
	Entropy []byte `json:"entropy,omitempty"`
	// Time is what the clock says now, unless it is zero. It sets the guest's
	// clock at first, and again when that lags because the machine stood still.
	Time     time.Time `json:"time,omitzero"`
	Networks []Network `json:"networks,omitempty"`
	// Hosts are what /etc/hosts says of others; they replace those given before.
	Hosts []HostName `json:"hosts,omitempty"`
	// Streams says that the host takes streams which the guest opens; each is
	// then a connection to the proxy of a package mirror. Connect sets it.
	Streams bool `json:"streams,omitempty"`
}

// Network is one of the guest's interfaces.
type Network struct {
	// Name is what the interface is called in the guest, such as "eth0".
	Name string `json:"name"`
	// MAC finds the interface. Without one that has it, the interface that is
	// called Name gets it.
	MAC       string         `json:"mac,omitempty"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Gateway   netip.Addr     `json:"gateway,omitzero"`
	// Neighbours are set for good, which spares the first ARP a second.
	Neighbours []Neighbour `json:"neighbours,omitempty"`
	// Down leaves the interface as it is: named, and not started.
	Down bool `json:"down,omitempty"`
}

// HostName is a line of /etc/hosts.
type HostName struct {
	Name    string     `json:"name"`
	Address netip.Addr `json:"address"`
}

// Neighbour is a static entry of the ARP or neighbour table.
type Neighbour struct {
	Address netip.Addr `json:"address"`
	MAC     string     `json:"mac"`
}

// ParsePersonal reads the JSON form. It fails on what a guest could not apply.
func ParsePersonal(data []byte) (Personal, error) {
	var p Personal
	if len(data) > maxPersonal {
		return p, fmt.Errorf("guestlink: the guest's personal data are %d bytes, allowed are %d", len(data), maxPersonal)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, fmt.Errorf("guestlink: the guest's personal data cannot be read: %w", err)
	}
	return p, p.Validate()
}

// Validate says what in p a guest could not apply.
func (p Personal) Validate() error {
	if len(p.HostKey) == 0 || len(p.AuthorizedKey) == 0 {
		return errors.New("guestlink: a guest needs a host key and an authorized key")
	}
	if len(p.Hostname) > 64 {
		return fmt.Errorf("guestlink: hostname %q is longer than 64 bytes", p.Hostname)
	}
	for i, n := range p.Networks {
		if err := n.validate(); err != nil {
			return fmt.Errorf("guestlink: network %d (%q): %w", i+1, n.Name, err)
		}
	}
	for _, h := range p.Hosts {
		if h.Name == "" || strings.ContainsAny(h.Name, " \t\r\n#") || !h.Address.IsValid() {
			return fmt.Errorf("guestlink: %q at %s is no line of /etc/hosts", h.Name, h.Address)
		}
	}
	return nil
}

func (n Network) validate() error {
	// IFNAMSIZ counts the final NUL.
	if n.Name == "" || len(n.Name) > 15 {
		return errors.New("an interface's name has 1 to 15 bytes")
	}
	if n.MAC != "" {
		if err := validMAC(n.MAC); err != nil {
			return err
		}
	}
	for _, a := range n.Addresses {
		if !a.IsValid() {
			return errors.New("an address is empty or invalid")
		}
	}
	for _, nb := range n.Neighbours {
		if !nb.Address.IsValid() {
			return errors.New("a neighbour's address is empty or invalid")
		}
		if err := validMAC(nb.MAC); err != nil {
			return err
		}
	}
	return nil
}

func validMAC(s string) error {
	mac, err := net.ParseMAC(s)
	if err != nil || len(mac) != 6 {
		return fmt.Errorf("%q is no Ethernet address", s)
	}
	return nil
}

// reply is the guest's answer on the control stream.
type reply struct {
	Ready bool   `json:"ready"`
	Error string `json:"error,omitempty"`
}

// writeMessage sends v as JSON and a newline.
func writeMessage(w io.Writer, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}

// readLine reads up to and without a newline, at most limit bytes. It reads
// byte by byte and so never beyond the line.
func readLine(r io.Reader, limit int) ([]byte, error) {
	var line []byte
	var b [1]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, err
		}
		if b[0] == '\n' {
			return line, nil
		}
		if len(line) == limit {
			return nil, fmt.Errorf("guestlink: a control message is longer than %d bytes", limit)
		}
		line = append(line, b[0])
	}
}
