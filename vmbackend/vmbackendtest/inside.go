package vmbackendtest

import (
	"context"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// Repeating Start, Stop and Destroy does nothing.
func testRepeating(w *bench) {
	m := w.create("again")
	m.stop()
	m.expect(vmbackend.Created)
	m.start()
	boot := m.boot()
	m.start()
	if now := m.boot(); now != boot {
		w.Error("starting a running guest booted it anew")
	}
	m.stop()
	m.stop()
	m.expect(vmbackend.Stopped)
	m.destroy()
	m.expectGone()
	m.destroy()
	w.wantError("Start after Destroy", w.b.Start(w.ctx, m.id), vmbackend.ErrNoGuest)
}

// Stop pulls the plug; what was synced to the disk stays.
func testStopKeepsTheDisk(w *bench) {
	m := w.running("kept")
	client := m.connect("root")
	w.run(client, "echo precious >/root/kept && sync")
	boot := m.boot()
	for range 2 {
		m.stop()
		m.expect(vmbackend.Stopped)
		m.start()
		m.expect(vmbackend.Running)
		if got := w.run(m.connect("root"), "cat /root/kept"); got != "precious" {
			w.Errorf("after a stop the file holds %q", got)
		}
	}
	if m.boot() == boot {
		w.Error("the guest was not booted anew")
	}
}

// Destroy removes all that belongs to a guest, and images never change.
func testDestroyRemovesTheDisk(w *bench) {
	m := w.running("reborn")
	w.run(m.connect("root"), "echo mine >/root/mine && sync")
	other := w.running("other")
	if _, _, status, err := w.try(other.connect("root"), "cat /root/mine", ""); status == 0 && err == nil {
		w.Error("a file of one guest is in another one of the same image")
	}
	m.destroy()
	m = w.running("reborn")
	if _, _, status, err := w.try(m.connect("root"), "cat /root/mine", ""); status == 0 && err == nil {
		w.Error("a new guest of the same name has its predecessor's file")
	}
}

// Names may have 40 characters, whatever paths are made of them.
func testLongName(w *bench) {
	m := w.running(strings.Repeat("long-name-", 4))
	if got := w.run(m.connect("root"), "echo here"); got != "here" {
		w.Errorf("got %q", got)
	}
}

// Each guest has its own host key; whoever dials verifies it.
func testHostKey(w *bench) {
	a, b := w.running("alice"), w.running("bob")
	a.connect("root")
	b.connect("root")
	ctx, cancel := context.WithTimeout(w.ctx, w.Patience)
	defer cancel()
	if c, err := guestssh.Connect(ctx, w.b, "alice", "root", b.host, w.key); err == nil {
		_ = c.Close()
		w.Error("a guest proved another guest's host key")
	}
}

// AuthorizedKey may log in to every account, and no other key to any.
func testAuthorizedKey(w *bench) {
	m := w.running("locked")
	for _, user := range []string{"root", "student"} {
		if got := w.run(m.connect(user), "id -un"); got != user {
			w.Errorf("logged in as %s, id says %q", user, got)
		}
	}
	stranger, _ := newKey(w.T)
	ctx, cancel := context.WithTimeout(w.ctx, w.Patience)
	defer cancel()
	if c, err := guestssh.Connect(ctx, w.b, m.id, "root", m.host, stranger); err == nil {
		_ = c.Close()
		w.Error("a key that is not authorized could log in")
	}
}

// Hostname is what the guest calls itself; empty takes ID.
func testHostname(w *bench) {
	named := w.running("with-name", func(s *vmbackend.Spec) { s.Hostname = "mainframe" })
	if got := w.run(named.connect("root"), "hostname"); got != "mainframe" {
		w.Errorf("the guest calls itself %q, want mainframe", got)
	}
	plain := w.running("without-name")
	if got := w.run(plain.connect("root"), "hostname"); got != "without-name" {
		w.Errorf("the guest calls itself %q, want its ID", got)
	}
}

// The streams lead to an SSH server that executes commands.
func testExec(w *bench) {
	client := w.running("doer").connect("root")
	for _, c := range []struct {
		command, stdin, stdout, stderr string
		status                         int
	}{
		{"echo hello", "", "hello\n", "", 0},
		{"echo oops >&2; exit 7", "", "", "oops\n", 7},
		{"cat", "through\n", "through\n", "", 0},
		{"false", "", "", "", 1},
	} {
		out, errs, status, err := w.try(client, c.command, c.stdin)
		if err != nil || out != c.stdout || errs != c.stderr || status != c.status {
			w.Errorf("%s: got %q, %q, status %d, error %v; want %q, %q, status %d",
				c.command, out, errs, status, err, c.stdout, c.stderr, c.status)
		}
	}
}

// echo sends text through a fresh cat and returns what comes back.
func (w *bench) echo(client *ssh.Client, text string) (string, error) {
	out, _, _, err := w.try(client, "cat", text)
	return out, err
}
