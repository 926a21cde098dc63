package libvirt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

// prepared is a backend with a template, and the template's files.
func prepared(tb testing.TB, n *libvirttest.Node, folder string) *Backend {
	tb.Helper()
	b := open(tb, n, folder)
	if err := b.Prepare(within(tb), vmbackend.Shape{Image: testImage(tb).Digest}); err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestFaults shares one node and one template: what a test breaks it sees mended.
func TestFaults(t *testing.T) {
	n := libvirttest.Local(t)
	for name, test := range map[string]func(*testing.T, *libvirttest.Node){
		"KilledQEMU": testKilledQEMU, "KilledLibvirtd": testKilledLibvirtd, "Leftovers": testLeftovers,
		"DamagedTemplate": testDamagedTemplate, "DamagedTemplateAndNewBackend": testDamagedTemplateIsFoundByTheNextBackend,
	} {
		t.Run(name, func(t *testing.T) { test(t, n) })
	}
}

// only returns the one file of the pool that fits a pattern.
func only(tb testing.TB, b *Backend, pattern string) string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(b.pool.Dir(), pattern))
	if err != nil || len(found) != 1 {
		tb.Fatalf("files %s: %v, error %v; want one", pattern, found, err)
	}
	return found[0]
}

// isClone says whether a guest began as a clone.
func isClone(tb testing.TB, b *Backend, id string) bool {
	tb.Helper()
	r, err := b.read(within(tb), id)
	if err != nil {
		tb.Fatal(err)
	}
	return r.Base != ""
}

func testKilledQEMU(t *testing.T, n *libvirttest.Node) {
	b := prepared(t, n, "p")
	k := started(t, b, "victim")
	k.run(t, b, "echo kept >/root/kept && sync")
	events := b.Watch(within(t))
	pids := n.Guests()
	if len(pids) != 1 {
		t.Fatalf("processes of guests: %v", pids)
	}
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for e := range events {
		if e.State == vmbackend.Stopped {
			t.Logf("reason: %s", e.Reason)
			break
		}
	}
	if got := state(t, b, "victim"); got != vmbackend.Stopped {
		t.Fatalf("List says %q", got)
	}
	if err := b.Start(within(t), "victim"); err != nil {
		t.Fatal(err)
	}
	if got := k.run(t, b, "cat /root/kept"); got != "kept" {
		t.Errorf("the file holds %q", got)
	}
}

// A terminal does not notice the death of libvirtd, and the next libvirtd has
// all guests.
func testKilledLibvirtd(t *testing.T, n *libvirttest.Node) {
	b := prepared(t, n, "p")
	k := started(t, b, "steady")
	ctx := within(t)
	client, err := guestssh.Connect(ctx, b, "steady", "root", k.host.PublicKey(), k.client)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, err1 := session.StdinPipe()
	out, err2 := session.StdoutPipe()
	if err := errors.Join(err1, err2, session.Start("cat")); err != nil {
		t.Fatal(err)
	}
	n.Stop()
	answers := bufio.NewReader(out)
	for i := range 3 {
		if _, err := fmt.Fprintf(in, "%d\n", i); err != nil {
			t.Fatal(err)
		}
		if line, err := answers.ReadString('\n'); err != nil || line != fmt.Sprintf("%d\n", i) {
			t.Fatalf("without libvirtd a program that runs answers %q, error %v", line, err)
		}
	}
	n.KillLibvirtd()
	libvirttest.Until(t, "the loss is noticed", func() bool { return !b.conn.Up() })
	libvirttest.Until(t, "libvirtd is back", b.conn.Up)
	if got := state(t, b, "steady"); got != vmbackend.Running {
		t.Errorf("List says %q", got)
	}
	if _, err := io.WriteString(in, "after\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := answers.ReadString('\n'); err != nil || line != "after\n" {
		t.Errorf("after its return a program that ran answers %q, error %v", line, err)
	}
	if got := started(t, b, "newcomer").run(t, b, "hostname"); got != "newcomer" {
		t.Errorf("the new guest calls itself %q", got)
	}
	if err := b.Destroy(within(t), "steady"); err != nil {
		t.Fatal(err)
	}
}

// What a gateway leaves that was killed in the middle is cleared away by the
// next one, and what it had is taken over.
func testLeftovers(t *testing.T, n *libvirttest.Node) {
	b := prepared(t, n, "p")
	k := newKeys(t, "half")
	if err := b.Create(within(t), k.spec); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	_ = b.Start(short, "half") // and the gateway is gone
	cancel()
	for _, file := range []string{"guest.ghost.0.disk", "guest.ghost.1.save", "template-old-1.disk"} {
		if err := b.pool.Create(within(t), file); err != nil {
			t.Fatal(err)
		}
	}
	_ = b.Close()
	b = open(t, n, "p")
	if err := b.Start(within(t), "half"); err != nil {
		t.Fatal(err)
	}
	if got := k.run(t, b, "hostname"); got != "half" {
		t.Errorf("the guest calls itself %q", got)
	}
	if err := b.Destroy(within(t), "half"); err != nil {
		t.Fatal(err)
	}
	libvirttest.Until(t, "what was left is removed", func() bool {
		files, err := os.ReadDir(b.pool.Dir())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasPrefix(f.Name(), "guest.") || strings.HasPrefix(f.Name(), ".restore") || f.Name() == "template-old-1.disk" {
				return false
			}
		}
		return true
	})
	if left := n.Guests(); len(left) != 0 {
		t.Errorf("processes of guests are left: %v", left)
	}
}
