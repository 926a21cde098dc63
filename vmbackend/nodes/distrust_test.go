package nodes

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// slowStore is a node that answers, but not when asked for images.
type slowStore struct{ unclosed }

func (slowStore) HasImage(ctx context.Context, _ string) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

func TestANodeWhoseStorageHangsIsNotDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"))
		b.mustRun("g1")
		b.mu.Lock()
		b.wrap = func(n *node) vmbackend.Backend { return slowStore{unclosed{n}} }
		b.mu.Unlock()
		b.change("a", func(n *Node) { n.Pool = "/elsewhere" }) // it is opened anew
		pass(2 * readEvery)
		b.Cluster.mu.Lock()
		for _, digest := range []string{"one", "two", "three"} {
			b.members["a"].wantImage(digest)
		}
		b.Cluster.mu.Unlock()
		for range 60 {
			pass(time.Second)
			if s := b.status("a"); s.State != Up {
				t.Fatalf("a node that answers is %s: %s", s.State, s.Why)
			}
		}
		if g := b.guest("g1"); g.State != vmbackend.Running {
			t.Errorf("its guest is %s", g.State)
		}
	})
}

// An administrator who mistypes a key or an address must not cost anybody a
// guest that waits there.
func TestGuestsOfANodeThatIsReachedInAnotherWayAreNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		on := b.mustRun("g1")
		b.mu.Lock()
		there := b.nodes[on]
		b.nodes[on] = nil
		b.mu.Unlock()
		b.change(on, func(n *Node) { n.HostKey = "mistyped" })
		pass(readEvery + time.Second)
		if g := b.guest("g1"); g.State != vmbackend.Lost || g.Node != on {
			t.Errorf("while the node can't be opened its guest is %q on %q, want lost", g.State, g.Node)
		}
		if err := b.Destroy(t.Context(), "g1"); !errors.Is(err, vmbackend.ErrUnreachable) {
			t.Errorf("destroy: %v, want ErrUnreachable", err)
		}
		b.mu.Lock()
		b.nodes[on] = there
		b.mu.Unlock()
		b.change(on, func(n *Node) { n.HostKey = "right" })
		pass(readEvery + time.Second)
		if g := b.guest("g1"); g.State != vmbackend.Running {
			t.Errorf("the guest is %q, want running", g.State)
		}
	})
}

// liar is a node that claims another one's guest.
type liar struct {
	unclosed
	claims string
}

func (l liar) List(context.Context) ([]vmbackend.Guest, error) {
	return []vmbackend.Guest{{ID: l.claims, State: vmbackend.Stopped}}, nil
}

func TestANodeCannotClaimAnothersGuests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"))
		b.mustRun("g1")
		b.mu.Lock()
		b.nodes["b"] = b.node("b")
		b.wrap = func(n *node) vmbackend.Backend { return liar{unclosed{n}, "g1"} }
		b.table = append(b.table, up("b"))
		b.mu.Unlock()
		pass(2 * readEvery)
		list, err := b.List(t.Context())
		if err != nil || len(list) != 1 || list[0].Node != "a" || list[0].State != vmbackend.Running {
			t.Errorf("the guests are %+v, %v; want g1 running on a", list, err)
		}
		for range 20 { // a map's order would hide it
			if on := b.NodeOf("g1"); on != "a" {
				t.Fatalf("the guest is said to be on %s", on)
			}
		}
		b.nodes["a"].Sever()
		pass(silence + probeEvery)
		if g := b.guest("g1"); g.Node != "a" || g.State != vmbackend.Lost {
			t.Errorf("after the loss of its node the guest is %s on %s", g.State, g.Node)
		}
	})
}

// stuck prepares for ever.
type stuck struct{ unclosed }

func (stuck) Prepare(ctx context.Context, _ vmbackend.Shape) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestPreparationEndsWithItsNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.mu.Lock()
		b.nodes["a"] = b.node("a")
		b.wrap = func(n *node) vmbackend.Backend { return stuck{unclosed{n}} }
		b.table = append(b.table, up("a"))
		b.mu.Unlock()
		pass(2 * readEvery)
		b.nodes["a"].faults.Add(simulated.Fault{Call: simulated.Host, Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
		defer cancel()
		begun := time.Now()
		err := b.Prepare(ctx, vmbackend.Shape{Image: someImage})
		if took := time.Since(begun); !errors.Is(err, vmbackend.ErrUnreachable) || took > silence+2*probeEvery {
			t.Errorf("after %v: %v, want ErrUnreachable when the node is lost", took, err)
		}
	})
}
