package nodes

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

func TestClassesAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"), up("c"))
		count := map[string]int{}
		for i := range 9 {
			class := fmt.Sprintf("class%d", i%3)
			count[class+" on "+b.mustRun(fmt.Sprintf("g%d", i), ClassLabel, class)]++
		}
		for where, n := range count {
			if n != 1 {
				t.Errorf("%d guests of %s, want one of each class on each node", n, where)
			}
		}
	})
}

func TestPlacement(t *testing.T) {
	gb := int64(1) << 30
	for name, tt := range map[string]struct {
		change func(b *bench) // makes node a unfit or less fit
		labels []string
		why    string // node a's refusal when b is taken away; empty: it is taken then
	}{
		"draining":    {func(b *bench) { b.change("a", func(n *Node) { n.Wanted = Draining }) }, nil, "a: draining"},
		"isolated":    {func(b *bench) { b.change("a", func(n *Node) { n.Wanted = Isolated }) }, nil, "a: isolated"},
		"capacity":    {func(b *bench) { b.change("a", func(n *Node) { n.Capacity = 1 }); b.taken("a") }, nil, "a: all of its 1 places are taken"},
		"little room": {func(b *bench) { b.nodes["a"].is(func(h *vmbackend.HostStats) { h.MemoryFree = gb }) }, nil, "a: 1024 MB of memory are free"},
		"full disk":   {func(b *bench) { b.nodes["a"].is(func(h *vmbackend.HostStats) { h.DiskFree = 1 << 20 }) }, nil, "a: only 1 MB of disk are free"},
		"label":       {func(b *bench) { b.change("a", func(n *Node) { n.Labels = map[string]string{"course": "x"} }) }, []string{"course", "y"}, "a: it is for course=x"},
		"says full": {func(b *bench) {
			b.nodes["a"].faults.Add(simulated.Fault{Call: simulated.Create, Err: vmbackend.ErrFull})
		}, nil, "a: create guest"},
		"busy":        {func(b *bench) { b.nodes["a"].is(func(h *vmbackend.HostStats) { h.Busy = 0.9 }) }, nil, ""},
		"less memory": {func(b *bench) { b.nodes["a"].is(func(h *vmbackend.HostStats) { h.MemoryFree = 20 * gb }) }, nil, ""},
		"no image":    {func(b *bench) { b.unheld("a", time.Hour) }, nil, ""},
		"bad luck":    {func(b *bench) { b.unlucky("a") }, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, up("a"), up("b"))
				pass(time.Second)
				tt.change(b)
				pass(probeEvery + readEvery)
				for i := range 4 {
					if on := b.mustRun(fmt.Sprintf("g%d", i), tt.labels...); on != "b" {
						t.Fatalf("guest %d came to %s", i, on)
					}
				}
				b.change("b", func(n *Node) { n.Wanted = Draining })
				pass(readEvery)
				err := b.Create(t.Context(), b.spec("last", tt.labels...))
				switch {
				case tt.why == "" && err != nil:
					t.Errorf("a is not taken though there is no other: %v", err)
				case tt.why != "" && (!errors.Is(err, vmbackend.ErrFull) || !strings.Contains(err.Error(), tt.why) || !strings.Contains(err.Error(), "b: draining")):
					t.Errorf("the error is %q, want full with %q and b's reason", err, tt.why)
				}
			})
		})
	}
}

// taken fills a place of a node behind the cluster's back.
func (b *bench) taken(name string) {
	b.t.Helper()
	if err := b.nodes[name].Create(b.t.Context(), b.spec("other")); err != nil {
		b.t.Fatal(err)
	}
	b.guest("other") // the scan sees it
}

// unheld takes the image from a node, which would need some time to get it.
func (b *bench) unheld(name string, slow time.Duration) {
	n := b.nodes[name]
	n.mu.Lock()
	delete(n.images, someImage)
	n.slow = slow
	n.mu.Unlock()
	// The first guest of an image comes elsewhere.
	b.change(name, func(n *Node) { n.Wanted = Draining })
	pass(readEvery)
	b.mustRun("first")
	b.change(name, func(n *Node) { n.Wanted = WantedUp })
	pass(readEvery)
}

// unlucky lets the start of a guest fail on a node.
func (b *bench) unlucky(name string) {
	b.t.Helper()
	remove := b.nodes[name].faults.Add(simulated.Fault{Call: simulated.Start, Err: errors.New("no luck")})
	defer remove()
	for i := 0; ; i++ {
		id := fmt.Sprintf("try%d", i)
		if err := b.Create(b.t.Context(), b.spec(id)); err != nil {
			b.t.Fatal(err)
		}
		if err := b.Start(b.t.Context(), id); err != nil {
			return
		}
	}
}

func TestImagesAreBroughtInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		pass(time.Second)
		b.unheld("a", time.Minute)
		if on := b.mustRun("g1"); on != "b" {
			t.Errorf("while the image is on its way the guest came to %s", on)
		}
		pass(2 * time.Minute) // the second one has told that it is in use
		if there, err := b.HasImage(t.Context(), someImage); err != nil || !there {
			t.Errorf("the image did not come: %v, %v", there, err)
		}
		seen := map[string]bool{}
		for i := range 4 {
			seen[b.mustRun(fmt.Sprintf("h%d", i))] = true
		}
		if len(seen) != 2 {
			t.Errorf("guests came to %v only", seen)
		}
		if err := b.DropImage(t.Context(), someImage); err != nil {
			t.Error(err)
		}
		shares := 0.0
		if err := b.PutImage(t.Context(), someImage, func(s float64) { shares = s }); err != nil || shares != 1 {
			t.Errorf("put: %v, progress ended at %v", err, shares)
		}
	})
}

// TestImageIsBroughtOnce: two who bring the same files there at once would
// spoil them.
func TestImageIsBroughtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"))
		pass(time.Second)
		n := b.nodes["a"]
		n.mu.Lock()
		delete(n.images, someImage)
		n.mu.Unlock()
		n.faults.Add(simulated.Fault{Call: simulated.Create, Times: 1, Delay: 20 * time.Second}) // it brings the image itself
		if err := b.Create(t.Context(), b.spec("g1")); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.images[someImage] {
			t.Error("the image was brought beside a guest's making")
		}
	})
}

func TestUnreachableInMidCreateIsNotDoubled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"), up("b"))
		pass(time.Second)
		var remove []func()
		for _, n := range b.nodes {
			remove = append(remove, n.faults.Add(simulated.Fault{Call: simulated.Create, Times: 1, Err: vmbackend.ErrUnreachable}))
		}
		if err := b.Create(t.Context(), b.spec("g1")); !errors.Is(err, vmbackend.ErrUnreachable) {
			t.Errorf("got %v, want ErrUnreachable: the guest may be there", err)
		}
		tried := 0
		for _, n := range b.nodes {
			list, err := n.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tried += len(list)
		}
		if tried > 0 {
			t.Error("the guest was made on another node too")
		}
		for _, r := range remove {
			r()
		}
		if err := b.Destroy(t.Context(), "g1"); err != nil {
			t.Error(err)
		}
	})
}

func TestNoNodeAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, up("a"))
		pass(time.Second)
		b.nodes["a"].Sever()
		pass(silence + probeEvery)
		err := b.Create(t.Context(), b.spec("g1"))
		if !errors.Is(err, vmbackend.ErrUnreachable) || errors.Is(err, vmbackend.ErrFull) || !strings.Contains(err.Error(), "a: down") {
			t.Errorf("got %v, want ErrUnreachable and which node is down", err)
		}
	})
}
