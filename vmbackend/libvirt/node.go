package libvirt

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// node is what is known of the node, which changes only with its software.
type node struct {
	mu    sync.Mutex
	known *facts
	// boots and restores hold a token for each guest that starts: starting is
	// work for the processor, and a whole class at once is served sooner by
	// turns.
	boots, restores chan struct{}
}

type facts struct {
	arch      string   // the node's own, in QEMU's word
	archs     []string // that guests may have
	kvm       bool
	limits    bool
	slowProbe bool
	cpus      int
	libvirt   string // versions
	qemu      string
}

// bootsPerProcessor at once; some time of each is spent waiting.
const bootsPerProcessor = 2

// facts asks the node what it can do, once for each connection, or more often
// where many ask at once: who has little time must not wait for who has much.
func (b *Backend) facts(ctx context.Context) (facts, error) {
	b.node.mu.Lock()
	known := b.node.known
	b.node.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	f, err := wire.Ask(ctx, b.conn, "ask what the node can do", ask)
	if err != nil {
		return f, err
	}
	f.limits = f.limits && b.holdsLimits(ctx)
	b.node.mu.Lock()
	defer b.node.mu.Unlock()
	b.node.known = &f
	if cap(b.node.restores) != f.cpus {
		b.node.restores = make(chan struct{}, f.cpus)
		b.node.boots = make(chan struct{}, f.cpus*bootsPerProcessor)
	}
	return f, nil
}

// unlearn makes the next call ask again: the node may have got other software.
func (b *Backend) unlearn() {
	b.node.mu.Lock()
	defer b.node.mu.Unlock()
	b.node.known = nil
}

func ask(l *libvirt.Libvirt) (facts, error) {
	var f facts
	_, _, cpus, _, _, _, _, _, err := l.NodeGetInfo()
	if err != nil {
		return f, err
	}
	f.cpus = max(int(cpus), 1)
	uri, err := l.ConnectGetUri()
	if err != nil {
		return f, err
	}
	f.limits = strings.HasSuffix(uri, "/system")
	lib, err := l.ConnectGetLibVersion()
	if err != nil {
		return f, err
	}
	f.libvirt = version(lib)
	f.slowProbe = lib/1_000_000 != 9 // tried with 9 only
	qemu, err := l.ConnectGetVersion()
	if err != nil {
		return f, fmt.Errorf("%w; is QEMU installed? apt-get install qemu-system-x86", err)
	}
	f.qemu = version(qemu)
	text, err := l.ConnectGetCapabilities()
	if err != nil {
		return f, err
	}
	if err := f.readCapabilities(text); err != nil {
		return f, err
	}
	_, err = l.ConnectGetDomainCapabilities(nil, libvirt.OptString{f.arch}, nil, libvirt.OptString{"kvm"}, 0)
	f.kvm = err == nil
	return f, nil
}

func version(n uint64) string {
	return fmt.Sprintf("%d.%d.%d", n/1_000_000, n/1000%1000, n%1000)
}

// holdsLimits says whether the node has the control group for them, of
// version 2 or 1.
func (b *Backend) holdsLimits(ctx context.Context) bool {
	_, err := b.conn.Command(ctx, nil, `cd /sys/fs/cgroup || exit 1
		if [ -e cgroup.controllers ]; then grep -qw cpu cgroup.controllers; else [ -w cpu ]; fi`)
	return err == nil
}

// packages are Debian's with the emulators of architectures.
var packages = map[string]string{"x86_64": "qemu-system-x86", "aarch64": "qemu-system-arm", "s390x": "qemu-system-misc"}

// offers fails for an architecture that the node has no QEMU for.
func (f facts) offers(arch string) error {
	for _, a := range f.archs {
		if a == arch {
			return nil
		}
	}
	return fmt.Errorf("the node has no QEMU for %s: %w; on the node: apt-get install %s", arch, vmbackend.ErrNotOffered, packages[arch])
}

// inTurn waits for one of the tokens and returns what gives it back.
func inTurn(ctx context.Context, tokens chan struct{}) (func(), error) {
	select {
	case tokens <- struct{}{}:
		return func() { <-tokens }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("too many others are starting: %w", context.Cause(ctx))
	}
}
