package nodes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// ClassLabel is the label of guests that are spread evenly over the nodes, so
// that a lost node costs no class all of its guests.
const ClassLabel = "class"

const (
	// usualMemory is what a guest is taken to have that leaves it to its
	// backend; what the machine around it needs comes on top.
	usualMemory  = 128 << 20
	extraMemory  = 48 << 20
	leastMemory  = 256 << 20 // that a node must keep free, or a twentieth
	leastDisk    = 512 << 20
	badLuck      = time.Minute // for which a node that failed comes last
	loadSteps    = 5           // within one of which nodes count as equally busy
	memoryAtOnce = 2           // a fresh guest uses a half of its memory at first
)

// Create implements vmbackend.Backend: it chooses a node, and another one if
// that cannot take the guest after all. ErrFull says of each node why it was
// not taken. After ErrUnreachable the guest may be there or not: destroy it,
// and make another of another ID.
func (c *Cluster) Create(ctx context.Context, spec vmbackend.Spec) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if err := c.settled(ctx); err != nil {
		return fmt.Errorf("create guest %s: %w", spec.ID, err)
	}
	spec = labelled(spec)
	refused := map[string]error{} // by the node that was tried
	for {
		m, b, err := c.place(spec, refused)
		if err != nil {
			return fmt.Errorf("create guest %s: %w", spec.ID, err)
		}
		err = m.while(ctx, func(ctx context.Context) error { return b.Create(ctx, spec) })
		c.mu.Lock()
		if h := m.guests[spec.ID]; h != nil {
			h.creating, h.State = false, vmbackend.Created
		}
		name := m.node.Name
		c.mu.Unlock()
		m.brought(spec.Image, err)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, vmbackend.ErrFull), errors.Is(err, vmbackend.ErrNotOffered), errors.Is(err, vmbackend.ErrNoImage):
			m.forget(spec.ID)
			refused[name] = err
		case errors.Is(err, vmbackend.ErrExists):
			return err
		default:
			// It may be there, whole or in part: the memory of where must stay.
			if !errors.Is(err, context.Canceled) {
				m.failing()
			}
			return fmt.Errorf("node %s: %w", name, err)
		}
	}
}

// failing lets a node come last for a while.
func (m *member) failing() {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	m.failed = time.Now()
}

// place chooses a node for a guest, and holds a place there.
func (c *Cluster) place(spec vmbackend.Spec, refused map[string]error) (*member, vmbackend.Backend, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.life.Err() != nil {
		return nil, nil, errClosed
	}
	var fit []*member
	var why []string
	reachable := false
	for _, m := range c.members {
		if m.guests[spec.ID] != nil {
			return nil, nil, vmbackend.ErrExists
		}
		reachable = reachable || m.state == Up && !m.lost()
		refusal := m.refusal(spec)
		if err := refused[m.node.Name]; err != nil {
			refusal = err.Error()
		}
		if refusal == "" {
			fit = append(fit, m)
		} else {
			why = append(why, m.node.Name+": "+refusal)
		}
	}
	if len(fit) == 0 {
		slices.Sort(why)
		reason := c.reason(refused, reachable)
		if c.noNetworks(spec) {
			reason = vmbackend.ErrNotOffered
		}
		return nil, nil, fmt.Errorf("no node takes it (%s): %w", strings.Join(why, "; "), reason)
	}
	best := slices.MinFunc(fit, func(a, b *member) int { return compare(a, b, spec) })
	best.guests[spec.ID] = &held{memory: memoryOf(spec), made: time.Now(), creating: true,
		Guest: vmbackend.Guest{ID: spec.ID, State: vmbackend.Created, Image: spec.Image, Labels: spec.Labels, Node: best.node.Name, Since: time.Now()}}
	for _, m := range fit {
		m.wantImage(spec.Image)
	}
	best.brings(spec.Image)
	return best, best.backend, nil
}

// reason is the error that says what keeps guests from being made. What all
// nodes that were tried have said is told in their words.
func (c *Cluster) reason(refused map[string]error, reachable bool) error {
	if !reachable {
		return vmbackend.ErrUnreachable
	}
	for _, kind := range []error{vmbackend.ErrNoImage, vmbackend.ErrNotOffered} {
		all := len(refused) > 0
		for _, err := range refused {
			all = all && errors.Is(err, kind)
		}
		if all {
			return kind
		}
	}
	return vmbackend.ErrFull
}

// refusal says why a node is not taken for a guest, or nothing. The cluster's
// mutex is held.
func (m *member) refusal(spec vmbackend.Spec) string {
	switch {
	case m.state != Up:
		return string(m.state)
	case m.node.Wanted != WantedUp:
		return string(m.node.Wanted)
	case m.doubted:
		return "it does not answer at the moment"
	case m.node.Capacity > 0 && len(m.guests) >= m.node.Capacity:
		return fmt.Sprintf("all of its %d places are taken", m.node.Capacity)
	}
	if not := cmp.Or(m.node.suits(spec.Labels), m.noNetwork(spec)); not != "" {
		return not
	}
	if m.host.Memory == 0 {
		return "" // it tells nothing of itself
	}
	free, need := m.host.MemoryFree-m.promised(), memoryOf(spec)+max(leastMemory, m.host.Memory/20)
	if free < need {
		return fmt.Sprintf("%d MB of memory are free, %d MB are needed", max(free, 0)>>20, need>>20)
	}
	if m.host.DiskFree < leastDisk {
		return fmt.Sprintf("only %d MB of disk are free", m.host.DiskFree>>20)
	}
	return ""
}

func memoryOf(spec vmbackend.Spec) int64 {
	return cmp.Or(spec.Memory, usualMemory) + extraMemory
}

// promised is the memory of guests that the last measurement did not see yet.
// The cluster's mutex is held.
func (m *member) promised() (bytes int64) {
	for _, h := range m.guests {
		if h.made.After(m.measured) {
			bytes += h.memory / memoryAtOnce
		}
	}
	return bytes
}

// compare orders nodes for a guest, the best first: those without bad luck;
// with the image at hand; less busy; with fewer guests of the same class; with
// fewer guests. The cluster's mutex is held.
func compare(a, b *member, spec vmbackend.Spec) int {
	return cmp.Or(
		first(!a.unlucky(), !b.unlucky()),
		first(a.atHand(spec.Image), b.atHand(spec.Image)),
		cmp.Compare(a.load(), b.load()),
		cmp.Compare(a.ofClass(spec.Labels[ClassLabel]), b.ofClass(spec.Labels[ClassLabel])),
		cmp.Compare(len(a.guests), len(b.guests)),
		cmp.Compare(a.node.Name, b.node.Name))
}

// first puts what is true first.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func (m *member) unlucky() bool { return time.Since(m.failed) < badLuck }

// load is how busy the node is, in coarse steps: the rest is chance.
func (m *member) load() int {
	share := m.host.Busy
	if m.host.Memory > 0 {
		share = max(share, 1-float64(m.host.MemoryFree-m.promised())/float64(m.host.Memory))
	}
	return int(share * loadSteps)
}

func (m *member) ofClass(class string) (n int) {
	if class == "" {
		return 0
	}
	for _, h := range m.guests {
		if h.Labels[ClassLabel] == class {
			n++
		}
	}
	return n
}
