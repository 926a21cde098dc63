package facts

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// socket is one that waits for visitors.
type socket struct {
	address netip.Addr
	inode   string
}

// maxSockets bounds what is read of the kernel's tables, in bytes.
const maxSockets = 4 << 20

// port sees who listens at a port: on addresses, where "*" stands for all.
func (m *Machine) port(f Fact) (seen, error) {
	number, _ := strconv.ParseUint(f.Subject, 10, 16)
	protocol := f.option("protocol")
	if protocol == "" {
		protocol = "tcp"
	}
	var found []socket
	for _, table := range []string{protocol, protocol + "6"} {
		text, err := readProc("/proc/self/net/"+table, maxSockets)
		if err != nil {
			continue // a machine without IPv6 has no such table
		}
		found = append(found, sockets(string(text), uint16(number), protocol == "tcp")...)
	}
	s := seen{missing: "nobody who listens", fields: map[string][]string{"listening": {boolText(len(found) > 0)}}}
	if len(found) == 0 {
		return s, nil
	}
	for _, k := range found {
		s.fields["address"] = append(s.fields["address"], k.address.String())
		if k.address.IsUnspecified() {
			s.fields["address"] = append(s.fields["address"], "*")
		}
	}
	if f.wants("process") {
		s.fields["process"] = m.holders(found)
	}
	return s, nil
}

// sockets reads a table of /proc/net, see proc(5): a head, then lines of
// which the fields 1, 3 and 9 are the local address, the state and the inode.
func sockets(table string, port uint16, tcp bool) []socket {
	// Of TCP those that listen; of UDP those that are joined to nobody.
	state := "07"
	if tcp {
		state = "0A"
	}
	var found []socket
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != state {
			continue
		}
		host, number, _ := strings.Cut(f[1], ":")
		n, err := strconv.ParseUint(number, 16, 16)
		if err != nil || uint16(n) != port {
			continue
		}
		if address, ok := parseHexAddress(host); ok {
			found = append(found, socket{address, f[9]})
		}
	}
	return found
}

// parseHexAddress reads an address as the kernel prints it: words of the
// machine's own byte order.
func parseHexAddress(text string) (netip.Addr, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw)%4 != 0 {
		return netip.Addr{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	address, ok := netip.AddrFromSlice(raw)
	return address, ok
}

// holders names the processes that hold one of the sockets open, by their
// programs' names.
func (m *Machine) holders(found []socket) []string {
	var names []string
	for _, t := range m.readTasks() {
		dir := "/proc/" + strconv.Itoa(t.pid) + "/fd/"
		fds, err := readNames(dir)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			target, err := os.Readlink(dir + fd)
			inode, is := strings.CutPrefix(target, "socket:[")
			if err != nil || !is || !slices.ContainsFunc(found, func(k socket) bool { return k.inode+"]" == inode }) {
				continue
			}
			for _, name := range []string{path.Base(t.program), t.comm} {
				if !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			break
		}
	}
	return names
}
