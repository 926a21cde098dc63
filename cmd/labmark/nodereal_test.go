package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt/libvirttest"
)

// TestNodeByRealSSH takes a node behind a real sshd into use, as an
// administrator does.
func TestNodeByRealSSH(t *testing.T) {
	node := libvirttest.SSH(t)
	dir := t.TempDir()
	uri := node.Endpoint.URI
	if _, err := labmark(t, dir, "node", "add", "anvil", uri); err == nil || !strings.Contains(err.Error(), node.Endpoint.HostKey) {
		t.Fatalf("the node's key is not shown: %v", err)
	}
	pool := filepath.Join(node.Dir, "pool")
	out, err := labmark(t, dir, "node", "add", "anvil", uri, "--host-key", node.Endpoint.HostKey, "--pool", pool)
	if err != nil {
		t.Fatal(out, err)
	}
	// The gateway's own key is not let in.
	out, err = labmark(t, dir, "node", "test", "anvil")
	if err == nil || !strings.Contains(out, "ok     host key") || !strings.Contains(out, "authorized_keys") {
		t.Errorf("a node that does not let us in: %v\n%s", err, out)
	}
	if out, err := labmark(t, dir, "node", "set", "anvil", "--identity", node.Endpoint.Identity); err != nil {
		t.Fatal(out, err)
	}
	if out, err := labmark(t, dir, "node", "test", "anvil"); err != nil || strings.Contains(out, "WRONG") {
		t.Errorf("a node that is well: %v\n%s", err, out)
	}

	name := tinyImage(t)
	out, err = labmarkWith(t, dir, os.Getenv("LABMARK_TEST_IMAGE_DIR"), "image", "push", "anvil", name)
	if err != nil || !strings.Contains(out, "anvil has tiny") {
		t.Errorf("push: %v\n%s", err, out)
	}
	files, err := os.ReadDir(pool)
	if err != nil || len(files) < 3 {
		t.Errorf("the node has %v, %v", files, err)
	}
}

// tinyImage is the name of an image that is built if it is missing.
func tinyImage(t *testing.T) string {
	t.Helper()
	store, err := image.Open(os.Getenv("LABMARK_TEST_IMAGE_DIR"))
	if err != nil {
		t.Fatal(err)
	}
	recipe, err := image.Builtin("tiny")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Ensure(context.Background(), recipe, store, nil); err != nil {
		t.Fatal(err)
	}
	return recipe.Name
}
