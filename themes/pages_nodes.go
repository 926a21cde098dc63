package themes

import "time"

// NodesPage lists the machines that guests run on.
type NodesPage struct {
	Layout
	Nodes []NodeView
}

// NodeView is one node. Its buttons post nothing to their actions; an empty
// action leaves the button out.
type NodeView struct {
	Name string
	URI  string // without secrets
	// State is "up", "down" or "joining"; Wanted "up", "draining" or "isolated".
	State, Why        string
	Since             time.Time
	Wanted, WantedWhy string
	Guests, Capacity  int // Capacity 0: as many as fit
	// Memory, MemoryFree and DiskFree are in bytes; all 0 where the node tells
	// nothing of itself.
	Memory, MemoryFree, DiskFree int64
	CPUs                         int
	KVM                          bool
	Load                         int // percent of all processors
	Labels                       []string

	DrainAction, IsolateAction, BackAction string
}

// MemoryUsed is in bytes.
func (n NodeView) MemoryUsed() int64 { return n.Memory - n.MemoryFree }

// Chip is the state of the node as colours show it.
func (n NodeView) Chip() string {
	switch {
	case n.State == "down":
		return "fail"
	case n.Wanted != "up" || n.State != "up":
		return "part"
	}
	return "pass"
}

func (NodesPage) template() string { return "nodes" }

// Tab is the page's name among those of the administration.
func (NodesPage) Tab() string { return "nodes" }
