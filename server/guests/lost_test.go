package guests

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/nodes"
	"github.com/labmark/labmark/vmbackend/simulated"
)

// estate is a manager over a cluster of simulated nodes and a real database,
// in a bubble of its own time.
type estate struct {
	*Manager
	t      *testing.T
	nodes  map[string]*simulated.Backend
	faults map[string]*simulated.Faults
	table  *store.Store
	mu     sync.Mutex // guards told
	told   map[store.Owner][]Status
	stop   func()
}

// stays keeps a node open when the gateway ends.
type stays struct{ *simulated.Backend }

func (stays) Close() error { return nil }

// inEstate runs a test over nodes a, b and c.
func inEstate(t *testing.T, pool int, test func(e *estate)) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		e := &estate{t: t, nodes: map[string]*simulated.Backend{}, faults: map[string]*simulated.Faults{}}
		var err error
		if e.table, err = store.Open(filepath.Join(dir, "db")); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b", "c"} {
			e.faults[name] = &simulated.Faults{}
			e.nodes[name], err = simulated.New(simulated.Options{Dir: filepath.Join(dir, name), Faults: e.faults[name]})
			if err != nil {
				t.Fatal(err)
			}
			if err := e.table.AddNode(t.Context(), store.Node{Name: name, Wanted: "up"}); err != nil {
				t.Fatal(err)
			}
		}
		e.begin(pool)
		test(e)
		e.stop()
		for _, n := range e.nodes {
			n.Close()
		}
		e.table.Close()
	})
}

// begin starts a gateway.
func (e *estate) begin(pool int) {
	e.t.Helper()
	cluster, err := nodes.New(e.t.Context(), nodes.Config{
		Nodes: func(ctx context.Context) (out []nodes.Node, err error) {
			rows, err := e.table.Nodes(ctx)
			for _, r := range rows {
				out = append(out, nodes.Node{Name: r.Name, Wanted: nodes.Wanted(r.Wanted)})
			}
			return out, err
		},
		Guests: func(ctx context.Context) (map[string]string, error) {
			rows, err := e.table.Guests(ctx)
			where := map[string]string{}
			for _, r := range rows {
				where[r.ID] = r.Node
			}
			return where, err
		},
		Open: func(n nodes.Node) (vmbackend.Backend, error) { return stays{e.nodes[n.Name]}, nil },
		Isolate: func(ctx context.Context, name, why string) error {
			return e.table.SetNodeWanted(ctx, name, "isolated", why)
		},
		Log: slog.New(slog.NewTextHandler(e.t.Output(), nil)),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		e.t.Fatal(err)
	}
	e.told = map[store.Owner][]Status{}
	e.Manager = New(Config{Backend: cluster, Table: e.table, Signer: signer, Gateway: "here", Plans: plans, Pool: map[Kind]int{kind: pool},
		Parallel: 8, Log: slog.New(slog.NewTextHandler(e.t.Output(), nil)), ScanEvery: 5 * time.Second,
		Notify: func(o store.Owner, s Status) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.told[o] = append(e.told[o], s)
		}})
	if err := e.Recover(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); e.Run(ctx) }()
	e.stop = func() {
		cancel()
		<-done
		e.Manager.Close()
		cluster.Close()
	}
}

// lostAfter is when a node that fell silent is lost for sure, and all that
// follows at once is done.
const lostAfter = 20 * time.Second

func (e *estate) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// work gives a student a running guest.
func (e *estate) work(o store.Owner) Machine {
	e.t.Helper()
	mustBegin(e.t)(e.Start(o))
	e.pass(3 * time.Second)
	m, err := e.Machine(o, "")
	if err != nil {
		e.t.Fatalf("%v: %+v", err, e.Status(o))
	}
	return m
}

// where says which node has a guest; several are a failure.
func (e *estate) where(id string) string {
	e.t.Helper()
	var on []string
	for name, n := range e.nodes {
		n.Mend()
		list, err := n.List(e.t.Context())
		if err != nil {
			e.t.Fatal(err)
		}
		if slices.ContainsFunc(list, func(g vmbackend.Guest) bool { return g.ID == id }) {
			on = append(on, name)
		}
	}
	if len(on) > 1 {
		e.t.Errorf("guest %s is on %v", id, on)
	}
	return strings.Join(on, " ")
}

// node is where the table says that a guest is.
func (e *estate) node(id string) string {
	e.t.Helper()
	rows, err := e.table.Guests(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	for _, r := range rows {
		if r.ID == id {
			return r.Node
		}
	}
	return ""
}

// agree checks, when all nodes answer, that table and nodes know the same
// guests.
func (e *estate) agree() {
	e.t.Helper()
	var rows, there []string
	table, err := e.table.Guests(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	for _, r := range table {
		rows = append(rows, r.ID+" on "+r.Node+" "+string(r.Mode))
	}
	for name, n := range e.nodes {
		list, err := n.List(e.t.Context())
		if err != nil {
			e.t.Fatal(err)
		}
		for _, g := range list {
			mode := store.Assigned
			if _, free := e.Counts(); free > 0 && g.Labels["class"] == "" {
				mode = store.Free
			}
			there = append(there, g.ID+" on "+name+" "+string(mode))
		}
	}
	slices.Sort(rows)
	slices.Sort(there)
	if !slices.Equal(rows, there) {
		e.t.Errorf("the table has %v, the nodes have %v", rows, there)
	}
}

func TestStudentsOfALostNodeGetOtherGuests(t *testing.T) {
	inEstate(t, 0, func(e *estate) {
		var class []store.Owner
		before := map[store.Owner]Machine{}
		for i := range uint(9) {
			o := store.Owner{UserID: i + 1, Context: 7, Course: "c", Tutorial: "t"}
			class = append(class, o)
			before[o] = e.work(o)
		}
		on := map[store.Owner]string{}
		count := map[string]int{}
		for _, o := range class {
			on[o] = e.node(before[o].ID)
			count[on[o]]++
		}
		if count["a"] != 3 || count["b"] != 3 || count["c"] != 3 {
			t.Errorf("a class of 9 is spread as %v", count)
		}
		e.nodes["b"].Sever()
		e.pass(lostAfter)
		for _, o := range class {
			s := e.Status(o)
			m, err := e.Machine(o, "")
			switch {
			case err != nil:
				t.Errorf("user %d has no guest: %+v", o.UserID, s)
			case on[o] != "b" && m != before[o]:
				t.Errorf("user %d lost a guest on %s, which answers", o.UserID, on[o])
			case on[o] == "b" && (m == before[o] || e.node(m.ID) == "b" || s.Detail != lostNews):
				t.Errorf("user %d has %v on %s and reads %q", o.UserID, m, e.node(m.ID), s.Detail)
			case on[o] == "b" && !slices.ContainsFunc(e.told[o], func(s Status) bool { return s.State == Starting && s.Detail == movingWords }):
				t.Errorf("user %d was not told what happened: %+v", o.UserID, e.told[o])
			}
			if _, _, err := e.Client(e.t.Context(), o, "", "root", ForChecks); err != nil {
				t.Errorf("user %d can't work: %v", o.UserID, err)
			}
		}
		e.nodes["b"].Mend()
		e.pass(lostAfter)
		e.agree()
		if list, _ := e.nodes["b"].List(e.t.Context()); len(list) != 0 {
			t.Errorf("the node is back and still has %v", list)
		}
	})
}

func TestSwitchedOffGuestWaitsForItsNode(t *testing.T) {
	inEstate(t, 0, func(e *estate) {
		a, b := e.work(ann), e.work(bob)
		e.Stop(ann)
		e.Stop(bob)
		e.pass(time.Second)
		e.nodes[e.node(a.ID)].Sever()
		e.nodes[e.node(b.ID)].Sever()
		e.pass(lostAfter)
		mustBegin(e.t)(e.Start(bob)) // bob can't wait
		e.pass(lostAfter)
		other, err := e.Machine(bob, "")
		if err != nil || other == b || e.Status(bob).Detail != lostNews {
			t.Errorf("bob has %v, %v and reads %q", other, err, e.Status(bob).Detail)
		}
		for _, n := range e.nodes {
			n.Mend()
		}
		e.pass(lostAfter)
		if again := e.work(ann); again != a {
			t.Errorf("ann has %v, want %v: her work was kept", again, a)
		}
		e.agree()
	})
}

func TestStumblingNodeCostsNothing(t *testing.T) {
	inEstate(t, 0, func(e *estate) {
		m := e.work(ann)
		e.Stop(ann)
		e.pass(time.Second)
		n := e.nodes[e.node(m.ID)]
		n.Sever()
		mustBegin(e.t)(e.Start(ann))
		e.pass(5 * time.Second)
		n.Mend()
		e.pass(5 * time.Second)
		if again, err := e.Machine(ann, ""); err != nil || again != m {
			t.Errorf("ann has %v, %v; want %v", again, err, m)
		}
	})
}

func TestNodeThatFlapsLosesAndDoublesNothing(t *testing.T) {
	inEstate(t, 2, func(e *estate) {
		m := e.work(ann)
		e.work(bob)
		flapping := e.node(m.ID)
		for i := range 5 {
			e.nodes[flapping].Sever()
			e.pass(time.Duration(8+i) * time.Second) // some are noticed, some not
			e.nodes[flapping].Mend()
			e.pass(time.Duration(1+i) * time.Second)
		}
		e.pass(2 * lostAfter)
		for _, o := range []store.Owner{ann, bob} {
			m, err := e.Machine(o, "")
			if err != nil {
				t.Errorf("user %d has no guest: %+v", o.UserID, e.Status(o))
			} else if e.where(m.ID) == "" {
				t.Errorf("user %d's guest is nowhere", o.UserID)
			}
		}
		if _, free := e.Counts(); free != 2 {
			t.Errorf("%d guests wait in the pool, want 2", free)
		}
		total := 0
		for _, n := range e.nodes {
			list, err := n.List(e.t.Context())
			if err != nil {
				t.Fatal(err)
			}
			total += len(list)
		}
		if total != 4 {
			t.Errorf("the nodes have %d guests, want 4", total)
		}
	})
}

func TestGatewayThatStartsWithoutANode(t *testing.T) {
	inEstate(t, 0, func(e *estate) {
		a, b := e.work(ann), e.work(bob)
		lost := e.nodes[e.node(a.ID)]
		e.stop()
		lost.Sever()
		e.begin(0)
		if s := e.Status(ann); s.State != None || s.Detail != awayWords {
			t.Errorf("ann reads %+v", s)
		}
		if m, err := e.Machine(bob, ""); err != nil || m != b {
			t.Errorf("bob has %v, %v; want %v", m, err, b)
		}
		lost.Mend()
		e.pass(lostAfter)
		if m := e.work(ann); m != a {
			t.Errorf("the node is back, ann has %v, want %v", m, a)
		}
		// Once more, and this time she does not wait.
		e.stop()
		lost.Sever()
		e.begin(0)
		if m := e.work(ann); m == a {
			t.Error("ann got a guest that nobody can reach")
		}
		lost.Mend()
		e.pass(lostAfter)
		e.agree()
	})
}

func TestNodeLostInMidCreate(t *testing.T) {
	for _, call := range []simulated.Call{simulated.Create, simulated.Start, simulated.Dial} {
		t.Run(fmt.Sprint(call), func(t *testing.T) {
			inEstate(t, 0, func(e *estate) {
				// All nodes hang in this call, so that the one which is chosen
				// does, and that one is lost.
				var clear []func()
				for _, f := range e.faults {
					clear = append(clear, f.Add(simulated.Fault{Call: call, Hang: true}))
				}
				mustBegin(e.t)(e.Start(ann))
				e.pass(time.Second)
				rows, err := e.table.Guests(e.t.Context())
				if err != nil || len(rows) != 1 {
					t.Fatalf("%v, %v", rows, err)
				}
				for _, c := range clear {
					c()
				}
				chosen := ""
				for _, name := range []string{"a", "b", "c"} {
					list, err := e.nodes[name].List(e.t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if len(list) > 0 || call == simulated.Create && name == "a" {
						chosen = name
					}
				}
				e.nodes[chosen].Sever()
				e.pass(lostAfter)
				m, err := e.Machine(ann, "")
				if err != nil {
					t.Fatalf("%v: %+v", err, e.Status(ann))
				}
				if on := e.node(m.ID); on == chosen {
					t.Errorf("ann's guest is on %s", on)
				}
				e.nodes[chosen].Mend()
				e.pass(lostAfter)
				e.agree()
			})
		})
	}
}

func TestAllNodesAreDown(t *testing.T) {
	inEstate(t, 0, func(e *estate) {
		e.pass(time.Second)
		for _, n := range e.nodes {
			n.Sever()
		}
		e.pass(lostAfter)
		mustBegin(e.t)(e.Start(ann))
		e.pass(lostAfter)
		if s := e.Status(ann); s.State != Failed || !strings.Contains(s.Detail, "do not answer at the moment") {
			t.Errorf("ann reads %+v", s)
		}
		for _, n := range e.nodes {
			n.Mend()
		}
		e.pass(lostAfter)
		e.work(ann)
		e.pass(lostAfter)
		e.agree()
	})
}
