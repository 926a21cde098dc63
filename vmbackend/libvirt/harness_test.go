package libvirt

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

const (
	// patience is far longer than anything should take on a busy machine.
	patience = 5 * time.Minute
	// guestMemory is enough for the image tiny.
	guestMemory = 96 << 20
)

var tiny = sync.OnceValues(func() (image.Image, error) {
	store, err := store()
	if err != nil {
		return image.Image{}, err
	}
	recipe, err := image.Builtin("tiny")
	if err != nil {
		return image.Image{}, err
	}
	return image.Ensure(context.Background(), recipe, store, nil)
})

var store = sync.OnceValues(func() (*image.Store, error) {
	return image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
})

func testStore(tb testing.TB) *image.Store {
	tb.Helper()
	s, err := store()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func testImage(tb testing.TB) image.Image {
	tb.Helper()
	i, err := tiny()
	if err != nil {
		tb.Fatalf("build the test image: %v", err)
	}
	return i
}

// quietly is a log that shows only what is wrong.
func quietly(tb testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// open opens a backend over a folder of the node, and closes it with the test.
func open(tb testing.TB, n *libvirttest.Node, folder string, change ...func(*Config)) *Backend {
	tb.Helper()
	b := openOnly(tb, n, folder, change...)
	tb.Cleanup(func() { _ = b.Close() })
	return b
}

func openOnly(tb testing.TB, n *libvirttest.Node, folder string, change ...func(*Config)) *Backend {
	tb.Helper()
	conn, err := wire.New(n.Endpoint, quietly(tb))
	if err != nil {
		tb.Fatal(err)
	}
	cfg := Config{
		Conn: conn, Pool: filepath.Join(n.Dir, folder), Images: testStore(tb), Memory: guestMemory,
		StartTimeout: patience, Log: slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
	for _, c := range change {
		c(&cfg)
	}
	b, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// within is a context that ends with the test's patience.
func within(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	tb.Cleanup(cancel)
	return ctx
}

// keys are one guest's: what it proves itself by, and what lets in.
type keys struct {
	host, client ssh.Signer
	spec         vmbackend.Spec
}

func newKeys(tb testing.TB, id string) keys {
	tb.Helper()
	var k keys
	var private []byte
	for _, signer := range []*ssh.Signer{&k.client, &k.host} {
		text, _, err := guestssh.NewHostKey()
		if err != nil {
			tb.Fatal(err)
		}
		if *signer, err = ssh.ParsePrivateKey(text); err != nil {
			tb.Fatal(err)
		}
		private = text
	}
	k.spec = vmbackend.Spec{
		ID: id, Image: testImage(tb).Digest, HostKey: private,
		AuthorizedKey: ssh.MarshalAuthorizedKey(k.client.PublicKey()),
	}
	return k
}

// started creates and starts a guest; it is destroyed with the test.
func started(tb testing.TB, b *Backend, id string) keys {
	tb.Helper()
	k := newKeys(tb, id)
	if err := b.Create(within(tb), k.spec); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.Destroy(context.Background(), id) })
	if err := b.Start(within(tb), id); err != nil {
		tb.Fatal(err)
	}
	return k
}

// try runs a command as root in the guest and returns all it printed.
func (k keys) try(tb testing.TB, b vmbackend.Backend, command string) (string, error) {
	tb.Helper()
	ctx := within(tb)
	client, err := guestssh.Connect(ctx, b, k.spec.ID, "root", k.host.PublicKey(), k.client)
	if err != nil {
		return "", err
	}
	defer func() { _ = client.Close() }()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer func() { _ = session.Close() }()
	out, err := session.CombinedOutput(command)
	return strings.TrimSpace(string(out)), err
}

// run is try for a command that must succeed.
func (k keys) run(tb testing.TB, b vmbackend.Backend, command string) string {
	tb.Helper()
	out, err := k.try(tb, b, command)
	if err != nil {
		tb.Fatalf("%s: %v\n%s", command, err, out)
	}
	return out
}

// state is what List says of a guest; empty if it is not there.
func state(tb testing.TB, b *Backend, id string) vmbackend.State {
	tb.Helper()
	guests, err := b.List(within(tb))
	if err != nil {
		tb.Fatal(err)
	}
	for _, g := range guests {
		if g.ID == id {
			return g.State
		}
	}
	return ""
}

func fileSum(tb testing.TB, path string) [32]byte {
	tb.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return sha256.Sum256(content)
}
