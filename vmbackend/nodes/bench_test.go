package nodes

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/simulated"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var someImage = "sha256:" + strings.Repeat("a", 64)

// node is a simulated node with a storage for images.
type node struct {
	*simulated.Backend
	faults *simulated.Faults

	mu     sync.Mutex
	host   vmbackend.HostStats
	images map[string]bool
	slow   time.Duration // PutImage takes
}

func (n *node) HasImage(ctx context.Context, digest string) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.images[digest], nil
}

func (n *node) PutImage(ctx context.Context, digest string, report func(float64)) error {
	n.mu.Lock()
	slow := n.slow
	n.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return ctx.Err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.images[digest] = true
	if report != nil {
		report(1)
	}
	return nil
}

func (n *node) DropImage(ctx context.Context, digest string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.images, digest)
	return nil
}

// is changes what the node says of itself.
func (n *node) is(change func(*vmbackend.HostStats)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.host)
}

// bench is a cluster of simulated nodes with a table that tests change.
type bench struct {
	*Cluster
	t     *testing.T
	dir   string
	nodes map[string]*node

	mu    sync.Mutex
	table []Node
	seen  map[string]State
	// opens counts how often a node's backend was opened.
	opens map[string]int
	kept  map[string]string
	// wrap, if set, changes what is opened.
	wrap func(*node) vmbackend.Backend
}

// newBench opens a cluster until the test's end.
func newBench(t *testing.T, table ...Node) *bench {
	t.Helper()
	b := openBench(t, t.TempDir(), table...)
	t.Cleanup(b.close)
	return b
}

// openBench opens a cluster. Nodes of the same names over the same dir find
// their guests again.
func openBench(t *testing.T, dir string, table ...Node) *bench {
	t.Helper()
	b := &bench{t: t, dir: dir, table: table, nodes: map[string]*node{}, seen: map[string]State{}, opens: map[string]int{}}
	for _, n := range table {
		b.nodes[n.Name] = b.node(n.Name)
	}
	b.open()
	return b
}

func (b *bench) node(name string) *node {
	n := &node{faults: &simulated.Faults{}, images: map[string]bool{someImage: true},
		host: vmbackend.HostStats{Memory: 64 << 30, MemoryFree: 60 << 30, CPUs: 4, DiskFree: 1 << 40}}
	backend, err := simulated.New(simulated.Options{Dir: filepath.Join(b.dir, name), Faults: n.faults,
		HasImage: func(digest string) bool { return digest == someImage }, Host: func() vmbackend.HostStats {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.host
		}})
	if err != nil {
		b.t.Fatal(err)
	}
	n.Backend = backend
	return n
}

func (b *bench) open() {
	b.t.Helper()
	c, err := New(b.t.Context(), Config{
		Nodes: func(context.Context) ([]Node, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			return append([]Node{}, b.table...), nil
		},
		Open: func(n Node) (vmbackend.Backend, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.opens[n.Name]++
			if b.nodes[n.Name] == nil {
				return nil, errors.New("there is no such machine")
			}
			if b.wrap != nil {
				return b.wrap(b.nodes[n.Name]), nil
			}
			return unclosed{b.nodes[n.Name]}, nil
		},
		Guests: func(context.Context) (map[string]string, error) { return b.kept, nil },
		Isolate: func(_ context.Context, name, why string) error {
			b.change(name, func(n *Node) { n.Wanted, n.WantedWhy = Isolated, why })
			return nil
		},
		Seen: func(_ context.Context, s Status) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.seen[s.Name] = s.State
			return nil
		},
		Log: slog.New(slog.NewTextHandler(b.t.Output(), nil)),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Cluster = c
}

// close ends the cluster and the nodes.
func (b *bench) close() {
	if err := b.Close(); err != nil {
		b.t.Error(err)
	}
	for _, n := range b.nodes {
		n.Backend.Close()
	}
}

// unclosed outlasts the cluster: a node does not end with a gateway.
type unclosed struct{ *node }

func (unclosed) Close() error { return nil }

func (b *bench) change(name string, do func(*Node)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.table {
		if b.table[i].Name == name {
			do(&b.table[i])
		}
	}
}

func (b *bench) spec(id string, labels ...string) vmbackend.Spec {
	b.t.Helper()
	pem, public, err := guestssh.NewHostKey()
	if err != nil {
		b.t.Fatal(err)
	}
	s := vmbackend.Spec{ID: id, Image: someImage, HostKey: pem, AuthorizedKey: marshal(public), Labels: map[string]string{}}
	for i := 0; i+1 < len(labels); i += 2 {
		s.Labels[labels[i]] = labels[i+1]
	}
	return s
}

// mustRun creates and starts a guest, and returns its node.
func (b *bench) mustRun(id string, labels ...string) string {
	b.t.Helper()
	if err := b.Create(b.t.Context(), b.spec(id, labels...)); err != nil {
		b.t.Fatal(err)
	}
	if err := b.Start(b.t.Context(), id); err != nil {
		b.t.Fatal(err)
	}
	return b.guest(id).Node
}

// guest is a line of List; the zero value where there is none.
func (b *bench) guest(id string) vmbackend.Guest {
	b.t.Helper()
	list, err := b.List(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, g := range list {
		if g.ID == id {
			return g
		}
	}
	return vmbackend.Guest{}
}

func (b *bench) status(name string) Status {
	for _, s := range b.Statuses() {
		if s.Name == name {
			return s
		}
	}
	return Status{}
}

// pass lets time go by, and what is due happen.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func up(name string) Node { return Node{Name: name, URI: "test:" + name, Wanted: WantedUp} }
