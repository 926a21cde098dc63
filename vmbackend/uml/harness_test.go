package uml

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/jail"
)

func TestMain(m *testing.M) {
	jail.Enter()
	os.Exit(m.Run())
}

// patience is far longer than anything should take on a busy machine.
const patience = 3 * time.Minute

var openStore = sync.OnceValues(func() (*image.Store, error) {
	return image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
})

// oneImage is a store of one image, for tests that run as another user.
type oneImage struct{ image.Image }

func (o oneImage) ByDigest(string) (image.Image, error) { return o.Image, nil }

// singleImageVariable names the file of a oneImage.
const singleImageVariable = "LABMARK_TEST_SINGLE_IMAGE"

func testStore(tb testing.TB) Images {
	tb.Helper()
	if path := os.Getenv(singleImageVariable); path != "" {
		info, err := os.Stat(path)
		if err != nil {
			tb.Fatal(err)
		}
		digest := "sha256:" + strings.Repeat("0", 64)
		return oneImage{image.Image{Digest: digest, Path: path, Size: info.Size()}}
	}
	store, err := openStore()
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// testImage returns a built-in image, built if it is not there yet.
func testImage(tb testing.TB, name string) image.Image {
	tb.Helper()
	store, ok := testStore(tb).(*image.Store)
	if !ok {
		single, _ := testStore(tb).ByDigest("")
		return single
	}
	recipe, err := image.Builtin(name)
	if err != nil {
		tb.Fatal(err)
	}
	built, err := image.Ensure(tb.Context(), recipe, store, nil)
	if err != nil {
		tb.Fatalf("build the test image: %v", err)
	}
	return built
}

// newBackend opens a backend over dir; all its guests are destroyed when the
// test ends.
func newBackend(tb testing.TB, dir string) *Backend {
	tb.Helper()
	b, err := New(Config{
		Dir: dir, Images: testStore(tb), Kernel: os.Getenv("LABMARK_TEST_KERNEL"),
		Log: slog.New(slog.NewTextHandler(tb.Output(), nil)),
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		guests, err := b.List(context.Background())
		if err != nil {
			return // closed by the test: the backend that took over cleans up
		}
		for _, g := range guests {
			if err := b.Destroy(context.Background(), g.ID); err != nil {
				tb.Errorf("clean up: %v", err)
			}
		}
		_ = b.Close()
	})
	return b
}

// keys are one test's: what the guest proves itself by, and what lets in.
type keys struct {
	host   ssh.Signer
	client ssh.Signer
	spec   vmbackend.Spec
}

func newKeys(tb testing.TB, id, imageName string) keys {
	tb.Helper()
	var k keys
	var hostPEM []byte
	for _, signer := range []*ssh.Signer{&k.host, &k.client} {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			tb.Fatal(err)
		}
		if *signer, err = ssh.NewSignerFromKey(private); err != nil {
			tb.Fatal(err)
		}
		if hostPEM == nil {
			block, err := ssh.MarshalPrivateKey(private, "")
			if err != nil {
				tb.Fatal(err)
			}
			hostPEM = pem.EncodeToMemory(block)
		}
	}
	k.spec = vmbackend.Spec{
		ID: id, Image: testImage(tb, imageName).Digest, HostKey: hostPEM,
		AuthorizedKey: ssh.MarshalAuthorizedKey(k.client.PublicKey()),
		Labels:        map[string]string{"test": tb.Name()},
	}
	return k
}

// created creates a guest over the tiny image.
func created(tb testing.TB, b *Backend, id string) keys {
	tb.Helper()
	k := newKeys(tb, id, "tiny")
	if err := b.Create(tb.Context(), k.spec); err != nil {
		tb.Fatal(err)
	}
	return k
}

// started creates a guest and starts it.
func started(tb testing.TB, b *Backend, id string) keys {
	tb.Helper()
	k := created(tb, b, id)
	if err := b.Start(tb.Context(), id); err != nil {
		tb.Fatal(err)
	}
	return k
}

// login opens an SSH connection and verifies the guest's host key.
func (k keys) login(ctx context.Context, b vmbackend.Backend, user string) (*ssh.Client, error) {
	conn, err := b.Dial(ctx, k.spec.ID)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, k.spec.ID, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(k.client)},
		HostKeyCallback: ssh.FixedHostKey(k.host.PublicKey()),
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// try runs a command as root in the guest and returns all it printed.
func (k keys) try(tb testing.TB, b vmbackend.Backend, command string) (string, error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	client, err := k.login(ctx, b, "root")
	if err != nil {
		return "", err
	}
	defer func() { _ = client.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
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

// eventually polls until what holds, with a generous deadline.
func eventually(tb testing.TB, what string, holds func() bool) {
	tb.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			tb.Fatalf("not within %s: %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// state is what List says of a guest.
func state(tb testing.TB, b *Backend, id string) vmbackend.State {
	tb.Helper()
	guests, err := b.List(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for _, g := range guests {
		if g.ID == id {
			return g.State
		}
	}
	return vmbackend.State(fmt.Sprintf("no guest %s", id))
}
