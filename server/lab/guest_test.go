package lab_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/jail"
	"github.com/labmark/labmark/vmbackend/uml"
)

func TestMain(m *testing.M) {
	jail.Enter()
	os.Exit(m.Run())
}

// patience is far longer than anything should take on a busy machine.
const patience = 3 * time.Minute

// guest starts a guest of the built-in image, and logs in as root.
func guest(t *testing.T) *ssh.Client {
	t.Helper()
	store, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	built, err := store.Resolve("debian-12")
	if err != nil {
		t.Skipf("there is no guest to play tricks in: %v", err)
	}
	backend, err := uml.New(uml.Config{Dir: t.TempDir(), Images: store, Kernel: os.Getenv("LABMARK_TEST_KERNEL"), Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Skipf("there is no guest to play tricks in: %v", err)
	}
	t.Cleanup(func() { _ = backend.Close() })
	host, public, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	login, loginPublic, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(login)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	spec := vmbackend.Spec{ID: "tricks", Image: built.Digest, HostKey: host, AuthorizedKey: ssh.MarshalAuthorizedKey(loginPublic)}
	if err := backend.Create(ctx, spec); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := backend.Destroy(context.Background(), spec.ID); err != nil {
			t.Error(err)
		}
	})
	if err := backend.Start(ctx, spec.ID); err != nil {
		t.Fatal(err)
	}
	client, err := guestssh.Connect(ctx, backend, spec.ID, "root", public, signer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}
