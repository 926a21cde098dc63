// Package wire connects to the libvirtd of one node and keeps connected.
//
// A Conn is made once for each node. It connects in the background, for ever:
// what needs the node waits for a connection as long as its context allows.
// Every call ends with its context, whatever the node does.
//
// # Transports
//
//	qemu:///session, qemu:///system     Local: libvirtd's unix socket
//	qemu+ssh://user@host/system         SSH: one connection carries libvirt, the
//	                                    guests' sockets and commands
//	qemu+tls://host/system              TLS: libvirt only; a guest's channel is
//	                                    reached by OpenChannel
//
// # Dead peers
//
// A network that is cut gives no sign. So something goes to each remote node
// every second, and a node whose kernel does not acknowledge it is given up
// within five seconds. A node that acknowledges but does not answer is only
// busy; it has twenty seconds.
package wire
