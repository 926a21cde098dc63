package nodes

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

func TestGuestsOfASilentNodeAreLostUntilItIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		on := b.mustRun("g1")
		other := b.mustRun("g2")
		if on == other {
			t.Fatalf("both guests are on %s", on)
		}
		synctest.Wait() // what their start had to tell is told
		events := b.Watch(t.Context())
		pass(probeEvery) // it answers once more
		b.nodes[on].Sever()

		pass(silence - probeEvery - time.Second)
		if g := b.guest("g1"); g.State != vmbackend.Running || g.Node != on {
			t.Errorf("while the node may be silent its guest is %s on %q", g.State, g.Node)
		}
		if err := b.Create(t.Context(), b.spec("g3")); err != nil {
			t.Error(err)
		} else if g := b.guest("g3"); g.Node != other {
			t.Errorf("a guest was placed on %s, which does not answer", g.Node)
		}
		pass(probeEvery + 2*time.Second)
		if g := b.guest("g1"); g.State != vmbackend.Lost || g.Node != on {
			t.Errorf("the guest is %s on %q, want lost on %s", g.State, g.Node, on)
		}
		if g := b.guest("g2"); g.State != vmbackend.Running {
			t.Errorf("the guest of the other node is %s", g.State)
		}
		if e := <-events; e.ID != "g3" {
			t.Errorf("the event was %+v", e)
		}
		if e := <-events; e.ID != "g1" || e.State != vmbackend.Lost || !strings.Contains(e.Reason, on) {
			t.Errorf("the event was %+v, want g1 lost and why", e)
		}
		begun := time.Now()
		for what, err := range map[string]error{"destroy": b.Destroy(t.Context(), "g1"), "start": b.Start(t.Context(), "g1"),
			"destroy of a guest that nobody knows": b.Destroy(t.Context(), "nobody")} {
			if !errors.Is(err, vmbackend.ErrUnreachable) {
				t.Errorf("%s: %v, want ErrUnreachable", what, err)
			}
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("calls for a lost node took %v", took)
		}

		b.nodes[on].Mend()
		pass(probeEvery)
		if g := b.guest("g1"); g.State != vmbackend.Running {
			t.Errorf("when the node is back its guest is %s", g.State)
		}
		if e := <-events; e.ID != "g1" || e.State != vmbackend.Running {
			t.Errorf("the event was %+v, want g1 running", e)
		}
		for _, id := range []string{"g1", "nobody"} {
			if err := b.Destroy(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		if g := b.guest("g1"); g.ID != "" {
			t.Error("the guest is still listed")
		}
	})
}

func TestSlowIsNotDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"))
		b.mustRun("g1")
		remove := b.nodes["a"].faults.Add(simulated.Fault{Call: simulated.Host, Delay: vmbackend.ProbePatience - time.Second})
		pass(time.Minute)
		if s := b.status("a"); s.State != Up {
			t.Errorf("a slow node is %s: %s", s.State, s.Why)
		}
		remove()
		b.nodes["a"].faults.Add(simulated.Fault{Call: simulated.Host, Hang: true})
		pass(silence + probeEvery)
		if s := b.status("a"); s.State != Down || s.Why == "" {
			t.Errorf("a node that hangs is %s: %q", s.State, s.Why)
		}
	})
}

func TestNodeThatComesAndGoesIsIsolated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		on := b.mustRun("g1")
		b.mustRun("g2")
		for range flapLimit {
			b.nodes[on].Sever()
			pass(silence + probeEvery)
			b.nodes[on].Mend()
			pass(silence)
		}
		s := b.status(on)
		if s.State != Up || s.Wanted != Isolated || !strings.Contains(s.WantedWhy, "3 times") {
			t.Fatalf("the node is %s, wanted %s because %q", s.State, s.Wanted, s.WantedWhy)
		}
		if g := b.guest("g1"); g.State != vmbackend.Lost {
			t.Errorf("the guest of an isolated node is %s", g.State)
		}
		// What is left on it can be removed all the same.
		if err := b.Destroy(t.Context(), "g1"); err != nil {
			t.Error(err)
		}
		for _, id := range []string{"g3", "g4", "g5"} {
			if at := b.mustRun(id); at == on {
				t.Error("a guest was placed on an isolated node")
			}
		}
		b.change(on, func(n *Node) { n.Wanted, n.WantedWhy = WantedUp, "" })
		pass(readEvery)
		if at := b.mustRun("g6"); at != on {
			t.Errorf("the node is back, but the guest came to %s", at)
		}
		// It has a clean slate: one more loss is not the fourth.
		b.nodes[on].Sever()
		pass(silence + probeEvery)
		if s := b.status(on); s.Wanted != WantedUp {
			t.Errorf("after one more loss it is %s", s.Wanted)
		}
	})
}

func TestAdministratorIsolates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"))
		b.mustRun("g1")
		synctest.Wait() // what its start had to tell is told
		events := b.Watch(t.Context())
		b.change("a", func(n *Node) { n.Wanted = Isolated })
		pass(readEvery)
		if e := <-events; e.ID != "g1" || e.State != vmbackend.Lost {
			t.Errorf("the event was %+v, want g1 lost", e)
		}
		if err := b.Start(t.Context(), "g1"); !errors.Is(err, vmbackend.ErrUnreachable) {
			t.Errorf("start on an isolated node: %v, want ErrUnreachable", err)
		}
		b.change("a", func(n *Node) { n.Wanted = WantedUp })
		pass(readEvery)
		if g := b.guest("g1"); g.State != vmbackend.Running {
			t.Errorf("the guest is %s", g.State)
		}
	})
}

func TestCallsEndWhenTheirNodeIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"))
		b.mustRun("g1")
		if err := b.Stop(t.Context(), "g1"); err != nil {
			t.Fatal(err)
		}
		pass(probeEvery)
		b.nodes["a"].faults.Add(simulated.Fault{Hang: true}) // every call
		begun := time.Now()
		err := b.Start(t.Context(), "g1")
		if took := time.Since(begun); !errors.Is(err, vmbackend.ErrUnreachable) || took > silence+probeEvery {
			t.Errorf("after %v: %v, want ErrUnreachable when the node is called down", took, err)
		}
	})
}

func TestGatewayThatStartsWhileANodeIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		on := b.mustRun("g1")
		b.mustRun("g2")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b.nodes[on].Sever()
		b.kept = map[string]string{"g1": on, "former": on, "g2": "gone"}
		b.open()
		begun := time.Now()
		// The list does not come before it is known who is down.
		if g := b.guest("g2"); g.State != vmbackend.Running {
			t.Errorf("the guest of the living node is %q", g.State)
		}
		if took := time.Since(begun); took > silence {
			t.Errorf("the first list took %v", took)
		}
		if s := b.status(on); s.State != Down {
			t.Errorf("the node is %s", s.State)
		}
		if g := b.guest("g1"); g.State != vmbackend.Lost || g.Node != on {
			t.Errorf("the guest of the other node is %q on %q, want lost", g.State, g.Node)
		}
		// Nobody can say that this guest is gone.
		if err := b.Destroy(t.Context(), "g1"); !errors.Is(err, vmbackend.ErrUnreachable) {
			t.Errorf("destroy: %v, want ErrUnreachable", err)
		}
		b.nodes[on].Mend()
		pass(probeEvery)
		if g := b.guest("g1"); g.State != vmbackend.Running || g.Node != on {
			t.Errorf("after the node's return its guest is %q on %q", g.State, g.Node)
		}
		if g := b.guest("former"); g.ID != "" {
			t.Errorf("a guest that the node does not know is listed: %+v", g)
		}
	})
}

func TestGatewayFindsGuestsAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		b.mustRun("g1")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b.open()
		conn, err := b.Dial(t.Context(), "g1") // nothing was listed yet
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if _, err := b.Dial(t.Context(), "nobody"); !errors.Is(err, vmbackend.ErrNoGuest) {
			t.Errorf("unknown guest: %v, want ErrNoGuest", err)
		}
	})
}

func TestTableIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		on := b.mustRun("g1")
		b.mu.Lock()
		b.table = append(b.table, up("c"), up("unopened"))
		b.nodes["c"] = b.node("c")
		b.mu.Unlock()
		pass(2 * readEvery)
		if s := b.status("c"); s.State != Up {
			t.Errorf("the new node is %q", s.State)
		}
		if s := b.status("unopened"); s.State != Down || !strings.Contains(s.Why, "no such machine") {
			t.Errorf("the node that can't be opened is %q: %q", s.State, s.Why)
		}
		b.change(on, func(n *Node) { n.Capacity = 7 })
		pass(readEvery)
		b.change(on, func(n *Node) { n.URI = "test:elsewhere" })
		pass(readEvery)
		b.mu.Lock()
		if b.opens[on] != 2 {
			t.Errorf("the node was opened %d times, want once more for its new address", b.opens[on])
		}
		b.table = b.table[:0]
		for _, name := range []string{"a", "b", "c"} {
			if name != on {
				b.table = append(b.table, up(name))
			}
		}
		b.mu.Unlock()
		pass(readEvery)
		if g := b.guest("g1"); g.ID != "" {
			t.Errorf("the guest of a node that was taken out is listed: %+v", g)
		}
		if err := b.Destroy(t.Context(), "g1"); err != nil {
			t.Errorf("destroy a guest of a node that was taken out: %v", err)
		}
	})
}
