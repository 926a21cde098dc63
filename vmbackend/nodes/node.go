package nodes

import (
	"cmp"
	"maps"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// Node is a machine that guests run on, as its administrator has set it up.
type Node struct {
	// Name is unique.
	Name string
	// URI says how it is reached: uml: for User-Mode Linux guests beside the
	// gateway, or libvirt's, as qemu:///session or qemu+ssh://root@host/system.
	URI string
	// Capacity is how many guests there may be at most; 0 leaves it to memory.
	Capacity int
	// Labels are conditions: a guest that has a label of the same name comes
	// here only if it has the same value.
	Labels map[string]string
	// Wanted is what the node is to do, and WantedWhy says why it is not Up.
	Wanted    Wanted
	WantedWhy string
	// HostKey pins the SSH server of a node, in authorized_keys form; Identity
	// is a file with the private key for it; PKI a folder with the
	// certificates for TLS; Pool the node's folder for guests' disks.
	HostKey, Identity, PKI, Pool string
}

// Wanted is what an administrator wants of a node.
type Wanted string

// A Draining node keeps its guests and gets no new ones. An Isolated node's
// guests count as lost, so that their students get others elsewhere; they are
// removed as far as it answers.
const (
	WantedUp Wanted = "up"
	Draining Wanted = "draining"
	Isolated Wanted = "isolated"
)

// State is how a node is found.
type State string

// A node is Joining until it has answered, for as long as a node may be silent
// before it is Down.
const (
	Joining State = "joining"
	Up      State = "up"
	Down    State = "down"
)

// Status is a node and how it is found.
type Status struct {
	Node
	State State
	Since time.Time
	// Why says why it is not Up; empty otherwise.
	Why string
	// Guests is how many are there, as far as is known.
	Guests int
	// Host is its last measurement; the zero value where there is none.
	Host vmbackend.HostStats
}

// sameWay says whether two nodes are reached in the same way.
func (n Node) sameWay(o Node) bool {
	return n.URI == o.URI && n.HostKey == o.HostKey && n.Identity == o.Identity && n.PKI == o.PKI && n.Pool == o.Pool
}

// suits says whether the labels of a guest are none that the node refuses.
func (n Node) suits(labels map[string]string) (refusal string) {
	for name, value := range n.Labels {
		if has, ok := labels[name]; ok && has != value {
			return "it is for " + name + "=" + value
		}
	}
	return ""
}

// clone is a copy of its own, in full.
func (n Node) clone() Node {
	n.Labels, n.Wanted = maps.Clone(n.Labels), cmp.Or(n.Wanted, WantedUp)
	return n
}
