package nodes_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// patience is far longer than anything should take on a busy machine.
const patience = 5 * time.Minute

// three is a cluster of real nodes: one here, one by SSH, one by TLS, the
// latter two with addresses of their own.
type three struct {
	*nodes.Cluster
	t        *testing.T
	machines map[string]*libvirttest.Node
	image    string
	signer   ssh.Signer
	hostKeys map[string]ssh.PublicKey // by guest
}

func mustThree(t *testing.T) *three {
	t.Helper()
	store, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	recipe, err := image.Builtin("tiny")
	if err != nil {
		t.Fatal(err)
	}
	tiny, err := image.Ensure(t.Context(), recipe, store, nil)
	if err != nil {
		t.Fatal(err)
	}
	here := libvirttest.Three(t)
	b := &three{t: t, image: tiny.Digest, hostKeys: map[string]ssh.PublicKey{},
		machines: map[string]*libvirttest.Node{"here": here[0], "ssh": here[1], "tls": here[2]}}
	pem, _, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	if b.signer, err = ssh.ParsePrivateKey(pem); err != nil {
		t.Fatal(err)
	}
	var table []nodes.Node
	for name, m := range b.machines {
		// A place each: which node is busier at the moment must not matter.
		table = append(table, nodes.Node{Name: name, URI: m.Endpoint.URI, Capacity: 1})
	}
	b.Cluster, err = nodes.New(t.Context(), nodes.Config{
		Nodes: func(context.Context) ([]nodes.Node, error) { return table, nil },
		Open: func(n nodes.Node) (vmbackend.Backend, error) {
			m := b.machines[n.Name]
			conn, err := wire.New(m.Endpoint, slog.New(slog.DiscardHandler))
			if err != nil {
				return nil, err
			}
			return libvirt.New(libvirt.Config{Conn: conn, Pool: filepath.Join(m.Dir, "pool"), Images: store, Memory: 96 << 20,
				StartTimeout: patience, NoTemplates: true, Log: slog.New(slog.DiscardHandler)})
		},
		Isolate: func(context.Context, string, string) error { return nil },
		Log:     slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	libvirttest.Until(t, "all nodes are up", func() bool {
		up := 0
		for _, s := range b.Statuses() {
			if s.State == nodes.Up && s.Host.Memory > 0 {
				up++
			}
		}
		return up == len(table)
	})
	return b
}

// create makes a guest and returns its node.
func (b *three) create(id string) string {
	b.t.Helper()
	pem, public, err := guestssh.NewHostKey()
	if err != nil {
		b.t.Fatal(err)
	}
	b.hostKeys[id] = public
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	err = b.Create(ctx, vmbackend.Spec{ID: id, Image: b.image, HostKey: pem,
		AuthorizedKey: ssh.MarshalAuthorizedKey(b.signer.PublicKey()), Labels: map[string]string{nodes.ClassLabel: "c"}})
	if err != nil {
		b.t.Fatal(err)
	}
	return b.NodeOf(id)
}

// run runs a command in a guest.
func (b *three) run(id, command string) (string, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	c, err := guestssh.Connect(ctx, b, id, "root", b.hostKeys[id], b.signer)
	if err != nil {
		return "", err
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	out, err := s.Output(command)
	return strings.TrimSpace(string(out)), err
}

func (b *three) state(id string) vmbackend.State {
	b.t.Helper()
	list, err := b.List(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, g := range list {
		if g.ID == id {
			return g.State
		}
	}
	return ""
}

func TestThreeLibvirtNodes(t *testing.T) {
	b := mustThree(t)
	if err := b.PutImage(t.Context(), b.image, nil); err != nil { // else guests come where the first one has brought it
		t.Fatal(err)
	}
	on := map[string]string{}
	for _, id := range []string{"g1", "g2", "g3"} {
		on[b.create(id)] = id
	}
	if len(on) != 3 {
		t.Fatalf("three guests of one class are on %v", on)
	}
	for node, id := range on {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := b.Start(ctx, id); err != nil {
			t.Fatal(err)
		}
		cancel()
		if got, err := b.run(id, "hostname; echo kept >/root/file"); err != nil || got != id {
			t.Errorf("the guest on %s calls itself %q (%v), want %s", node, got, err, id)
		}
	}

	// Both ways to a node are cut in turn.
	for _, node := range []string{"ssh", "tls"} {
		id := on[node]
		b.machines[node].Cut()
		begun := time.Now()
		libvirttest.Until(t, "the guest on "+node+" is lost", func() bool { return b.state(id) == vmbackend.Lost })
		t.Logf("%s: lost after %v", node, time.Since(begun))
		if err := b.Destroy(t.Context(), id); !errors.Is(err, vmbackend.ErrUnreachable) {
			t.Errorf("destroy on a node that is cut off: %v, want ErrUnreachable", err)
		}
		if got, err := b.run(on["here"], "cat /root/file"); err != nil || got != "kept" {
			t.Errorf("the guest of another node says %q, %v", got, err)
		}
		b.machines[node].Mend()
		begun = time.Now()
		libvirttest.Until(t, "the guest on "+node+" is back", func() bool { return b.state(id) == vmbackend.Running })
		t.Logf("%s: back after %v", node, time.Since(begun))
		if got, err := b.run(id, "cat /root/file"); err != nil || got != "kept" {
			t.Errorf("after the return the guest on %s says %q, %v", node, got, err)
		}
	}

	for node, id := range on {
		if err := b.Destroy(t.Context(), id); err != nil {
			t.Error(err)
		}
		if left := b.machines[node].Guests(); len(left) > 0 {
			t.Errorf("processes %v are left on %s", left, node)
		}
	}
}
