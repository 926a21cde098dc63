package nodes

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// onNetwork is a guest's spec with a card on a network. Being of one class,
// guests would be spread over the nodes.
func (b *bench) onNetwork(id, network string) vmbackend.Spec {
	s := b.spec(id, ClassLabel, "class")
	s.Cards = []vmbackend.Card{{Network: network, Name: "lan", MAC: "02:4c:00:00:01:01"}}
	return s
}

// Guests of one network are on one node, of others on others; a new gateway
// knows it too.
func TestNetworksStayTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		b := openBench(t, dir, up("a"), up("b"), up("c"))
		where := map[string]string{}
		create := func(id, network string) {
			t.Helper()
			if err := b.Create(t.Context(), b.onNetwork(id, network)); err != nil {
				t.Fatal(err)
			}
			pass(time.Second) // the image comes to the other nodes
			if on := b.NodeOf(id); where[network] == "" {
				where[network] = on
			} else if where[network] != on {
				t.Errorf("%s came to %s, its network is on %s", id, on, where[network])
			}
		}
		for i := range 3 {
			for lab := range 3 {
				create(fmt.Sprintf("g%d-%d", lab, i), fmt.Sprintf("lab%d", lab))
			}
		}
		if len(where) != 3 || where["lab0"] == where["lab1"] || where["lab1"] == where["lab2"] {
			t.Errorf("the labs are on %v, want one on each node", where)
		}
		if err := b.SetLink(t.Context(), "g1-0", "lab1", vmbackend.Link{Cut: true}); err != nil {
			t.Error(err)
		}
		if got := b.nodes[where["lab1"]].Cards("g1-0"); len(got) != 1 || !got[0].Link.Cut {
			t.Errorf("after SetLink the node has the cards %+v", got)
		}
		b.close()
		b = openBench(t, dir, up("a"), up("b"), up("c"))
		defer b.close()
		for lab := range 3 {
			create(fmt.Sprintf("g%d-later", lab), fmt.Sprintf("lab%d", lab))
		}
		b.change(where["lab0"], func(n *Node) { n.Wanted = Draining })
		pass(readEvery)
		err := b.Create(t.Context(), b.onNetwork("apart", "lab0"))
		if !errors.Is(err, vmbackend.ErrFull) || !strings.Contains(err.Error(), "machines of its network are on "+where["lab0"]) {
			t.Errorf("a guest whose network's node takes none: %v", err)
		}
	})
}

// A lab whose node is lost begins anew elsewhere.
func TestNetworkOfALostNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		pass(time.Second)
		if err := b.Create(t.Context(), b.onNetwork("one", "lab")); err != nil {
			t.Fatal(err)
		}
		first := b.NodeOf("one")
		b.change(first, func(n *Node) { n.Wanted = Isolated })
		pass(readEvery)
		if err := b.Create(t.Context(), b.onNetwork("two", "lab")); err != nil {
			t.Fatal(err)
		}
		if on := b.NodeOf("two"); on == first {
			t.Errorf("the new guest came to %s, which is lost", on)
		}
	})
}

// plain is a backend without networks.
type plain struct{ vmbackend.Backend }

func TestNodesWithoutNetworks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"))
		pass(time.Second)
		b.Cluster.mu.Lock()
		b.members["a"].backend = plain{b.members["a"].backend}
		b.Cluster.mu.Unlock()
		err := b.Create(t.Context(), b.onNetwork("g", "lab"))
		if !errors.Is(err, vmbackend.ErrNotOffered) || !strings.Contains(err.Error(), "can't be joined to networks") {
			t.Errorf("a guest with cards, where no node has networks: %v", err)
		}
	})
}
