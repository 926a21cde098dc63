// Package libvirttest makes nodes for tests: private libvirtds, reached here,
// by SSH and by TLS. All that a node has is gone when the test ends.
package libvirttest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend/libvirt/daemon"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// Patience is how long a test may wait for something that does happen. It is
// generous: machines that run tests may be slow and busy.
const Patience = 2 * time.Minute

// Node is a machine with a libvirtd, or looks like one.
type Node struct {
	// Endpoint is how to reach it.
	Endpoint wire.Endpoint
	// Dir is an empty folder on the node for guests and their sockets, with a
	// short name, which the user of libvirtd owns.
	Dir string
	// Daemon is the node's libvirtd. Its keeper starts it anew when it is killed.
	Daemon *daemon.Daemon

	tb       testing.TB
	root     string
	uid, gid int        // of the guests
	pid      func() int // of libvirtd
	ns       *namespace // nil for the local one
}

// Local is a node on this machine.
func Local(tb testing.TB) *Node {
	n := newNode(tb, daemon.Options{}, nil)
	n.Endpoint = wire.Endpoint{URI: n.Daemon.URI(), Calls: 32}
	return n
}

// Three is one node of each kind.
func Three(tb testing.TB) [3]*Node {
	tb.Helper()
	return [3]*Node{Local(tb), SSH(tb), TLS(tb)}
}

// newNode starts a libvirtd in a new folder, in a namespace if there is one; o
// says the rest.
func newNode(tb testing.TB, o daemon.Options, ns *namespace) *Node {
	tb.Helper()
	n := newFolder(tb, ns)
	o.Dir, o.Log = filepath.Join(n.root, "v"), slog.New(slog.NewTextHandler(tb.Output(), nil))
	if ns != nil {
		o.NetNS = ns.path()
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	var err error
	if n.Daemon, err = daemon.Start(ctx, o); err != nil {
		tb.Fatal(err)
	}
	n.uid, n.gid, n.pid = n.Daemon.Uid(), n.Daemon.Gid(), n.Daemon.Pid
	takeAbilities(tb, n.Daemon, o.Dir)
	n.makeDir()
	return n
}

// newFolder makes what a node needs first, and sees to its end.
func newFolder(tb testing.TB, ns *namespace) *Node {
	tb.Helper()
	// Not below the test's own folder: the paths of sockets must be short.
	root, err := os.MkdirTemp("/tmp", "lmv")
	if err == nil {
		err = os.Chmod(root, 0o711)
	}
	if err != nil {
		tb.Fatal(err)
	}
	name := ""
	if ns != nil {
		name = ns.name
	}
	n := &Node{tb: tb, root: root, Dir: filepath.Join(root, "g"), ns: ns}
	tb.Cleanup(watchOver(tb, root, name))
	tb.Cleanup(n.remove)
	return n
}

// makeDir gives guests their folder.
func (n *Node) makeDir() {
	n.tb.Helper()
	if err := os.Mkdir(n.Dir, 0o700); err != nil {
		n.tb.Fatal(err)
	}
	if err := os.Chown(n.Dir, n.uid, n.gid); err != nil {
		n.tb.Fatal(err)
	}
}

// remove ends all that runs on the node and removes its files.
func (n *Node) remove() {
	if n.Daemon != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		n.Resume()
		if err := n.Daemon.Stop(ctx); err != nil {
			n.tb.Error(err)
		}
		keepAbilities(n.tb, filepath.Join(n.root, "v"))
	}
	if n.ns != nil {
		kill(n.tb, n.ns.processes)
	}
	kill(n.tb, func() []int { return processes(n.root) })
	if err := os.RemoveAll(n.root); err != nil {
		n.tb.Error(err)
	}
}

// Guests are the process ids of the node's QEMUs. A process that has ended but
// was not reaped is none of them.
func (n *Node) Guests() []int {
	all := processes(n.root)
	if n.ns != nil {
		all = n.ns.processes()
	}
	var pids []int
	for _, pid := range all {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && bytes.Contains(line, []byte("guest=")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// processes are those that have a path below root in their command line.

func processes(root string) []int {
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, err := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err == nil && bytes.Contains(line, []byte(root+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Cut pulls the network cable of a node by SSH or TLS, until Mend.
func (n *Node) Cut() { n.ns.plug("down") }

// Mend plugs the cable in again.
func (n *Node) Mend() { n.ns.plug("up") }

// KillLibvirtd ends libvirtd as a crash would. Guests go on.
func (n *Node) KillLibvirtd() { n.signal(syscall.SIGKILL) }

// Stop makes libvirtd stand still, as if it hung, until Resume.
func (n *Node) Stop() { n.signal(syscall.SIGSTOP) }

// Resume undoes Stop.
func (n *Node) Resume() { n.signal(syscall.SIGCONT) }

func (n *Node) signal(sig syscall.Signal) {
	if pid := n.pid(); pid != 0 {
		_ = syscall.Kill(pid, sig)
	}
}

// Connect returns a connection to the node, which is up, for the test's time.
func (n *Node) Connect() *wire.Conn {
	n.tb.Helper()
	c, err := wire.New(n.Endpoint, slog.New(slog.NewTextHandler(n.tb.Output(), nil)))
	if err != nil {
		n.tb.Fatal(err)
	}
	n.tb.Cleanup(func() { _ = c.Close() })
	Until(n.tb, "the node is connected", c.Up)
	return c
}

// Until waits for a condition; a test that waits in vain fails.
func Until(tb testing.TB, what string, condition func() bool) {
	tb.Helper()
	for begun := time.Now(); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > Patience {
			tb.Fatalf("waited %v in vain until %s", Patience, strings.TrimSpace(what))
		}
	}
}
