package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// labmark runs a command with a data folder; it returns what it printed.
func labmark(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	return labmarkWith(t, dir, filepath.Join(dir, "images"), args...)
}

// labmarkWith is labmark with a folder of images; empty is the usual one.
func labmarkWith(t *testing.T, dir, images string, args ...string) (string, error) {
	t.Helper()
	if args = append(args, "--data-dir", dir); images != "" {
		args = append(args, "--image-dir", images)
	}
	var out bytes.Buffer
	err := run(t.Context(), args, &out, &out)
	return out.String(), err
}

// sshNode shows a host key to whoever comes, and lets nobody in.
func sshNode(t *testing.T) (address string, key ssh.PublicKey) {
	t.Helper()
	pem, key, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
		return nil, os.ErrPermission
	}}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _, _, _ = ssh.NewServerConn(conn, config) // nobody gets in
			}()
		}
	}()
	return l.Addr().String(), key
}

func TestNodesHostKeyIsShownAndPinned(t *testing.T) {
	dir := t.TempDir()
	address, key := sshNode(t)
	uri := "qemu+ssh://labmark@" + address + "/session"
	_, err := labmark(t, dir, "node", "add", "a", uri)
	if err == nil {
		t.Fatal("a node was added whose host key nobody has looked at")
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	for _, want := range []string{ssh.FingerprintSHA256(key), `--host-key "` + line + `"`, "ssh_host_ed25519_key.pub", "~labmark/.ssh/authorized_keys"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message lacks %q: %v", want, err)
		}
	}
	own := regexp.MustCompile(`(?m)^  (ssh-ed25519 \S+) labmark$`).FindStringSubmatch(err.Error())
	if own == nil || own[1] == line {
		t.Fatalf("the message does not say which key the node must let in: %v", err)
	}
	if out, err := labmark(t, dir, "node", "add", "a", uri, "--host-key", line); err != nil {
		t.Fatal(out, err)
	}
	// The gateway's own key stays the same.
	if _, err := labmark(t, dir, "node", "add", "b", uri); err == nil || !strings.Contains(err.Error(), own[1]) {
		t.Errorf("the second time: %v", err)
	}

	// The node was set up anew, or somebody is in between.
	address, _ = sshNode(t)
	if out, err := labmark(t, dir, "node", "set", "a", "--uri", "qemu+ssh://labmark@"+address+"/session"); err != nil {
		t.Fatal(out, err)
	}
	out, err := labmark(t, dir, "node", "test", "a")
	if err == nil || !strings.Contains(out, "WRONG  host key: the node shows ssh-ed25519") || !strings.Contains(out, "labmark node set a --host-key") {
		t.Errorf("test of a node with another key: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close() // nobody listens there now
	if out, err := labmark(t, dir, "node", "set", "a", "--uri", "qemu+ssh://labmark@"+address+"/session"); err != nil {
		t.Fatal(out, err)
	}
	out, err = labmark(t, dir, "node", "test", "a")
	if err == nil || !strings.Contains(out, "WRONG  network") || !strings.Contains(out, "nobody listens") {
		t.Errorf("test of a node that refuses: %v\n%s", err, out)
	}
}

func TestFirstNodeLeavesGuestsOfThisMachine(t *testing.T) {
	dir := t.TempDir()
	if out, err := labmark(t, dir, "node", "list"); err != nil {
		t.Fatal(out, err)
	}
	db, err := store.Open(filepath.Join(dir, "labmark.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.AddGuest(t.Context(), store.Guest{ID: "g-1", Mode: store.Free, Node: "local"}); err != nil {
		t.Fatal(err)
	}
	out, err := labmark(t, dir, "node", "add", "big", "qemu:///system")
	if err != nil || !strings.Contains(out, "The 1 guest on this machine") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = labmark(t, dir, "node", "list")
	if err != nil || !regexp.MustCompile(`(?m)^local +unseen +- +draining +1 +uml: `).MatchString(out) {
		t.Errorf("the guests' machine is forgotten: %v\n%s", err, out)
	}
	if _, err := labmark(t, dir, "node", "remove", "local"); err == nil || !strings.Contains(err.Error(), "there is 1 guest on local") {
		t.Errorf("remove: %v", err)
	}
	if out, err := labmark(t, dir, "node", "remove", "local", "--force"); err != nil {
		t.Error(out, err)
	}
}

// What a node says of its trouble comes from the node, which may be in wrong hands.
func TestANodesWordsDoNotCommandTheTerminal(t *testing.T) {
	dir := t.TempDir()
	if out, err := labmark(t, dir, "node", "add", "here", "uml:"); err != nil {
		t.Fatal(err, out)
	}
	db, err := store.Open(filepath.Join(dir, "labmark.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = db.NoteNode(t.Context(), "here", "down", "libvirtd refuses: \x1b[2Jall is \u009bwell\nforged\tup", time.Now())
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	out, err := labmark(t, dir, "node", "list")
	if err != nil || strings.ContainsAny(out, "\x1b\u009b") || strings.Count(out, "\n") != 2 || !strings.Contains(out, "all is") {
		t.Errorf("%q, %v", out, err)
	}
}
