package vmbackendtest

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
)

func (w *bench) snapshotter() vmbackend.Snapshotter {
	w.Helper()
	s, ok := w.b.(vmbackend.Snapshotter)
	if w.Snapshots && !ok {
		w.Fatal("Options say that the backend is a Snapshotter; it is not")
	}
	if !w.Snapshots {
		w.Skip("this backend takes no snapshots")
	}
	return s
}

func (m *machine) snapshot(name string) {
	m.Helper()
	if err := m.snapshotter().Snapshot(m.ctx, m.id, name); err != nil {
		m.Fatalf("Snapshot %s: %v", name, err)
	}
}

func (m *machine) rewind(name string) {
	m.Helper()
	if err := m.snapshotter().Rewind(m.ctx, m.id, name); err != nil {
		m.Fatalf("Rewind to %s: %v", name, err)
	}
	m.expect(vmbackend.Running)
}

// cat starts a program that answers what it is sent.
func (w *bench) cat(client *ssh.Client) func(line string) (string, error) {
	w.Helper()
	session, err := client.NewSession()
	if err != nil {
		w.Fatal(err)
	}
	in, err1 := session.StdinPipe()
	out, err2 := session.StdoutPipe()
	if err1 != nil || err2 != nil {
		w.Fatal(err1, err2)
	}
	if err := session.Start("cat"); err != nil {
		w.Fatal(err)
	}
	answers := bufio.NewReader(out)
	return func(line string) (string, error) {
		if _, err := io.WriteString(in, line+"\n"); err != nil {
			return "", err
		}
		answer, err := answers.ReadString('\n')
		return strings.TrimSuffix(answer, "\n"), err
	}
}

// Snapshot keeps memory and disk, and the guest goes on; Rewind brings both
// back, running, whatever the guest does now. Open streams end.
func testSnapshot(w *bench) {
	w.snapshotter()
	m := w.running("traveller")
	client := m.connect("root")
	w.run(client, "echo old >/root/disk && echo old >/run/memory && sync")
	boot, echo := m.boot(), w.cat(client)
	m.snapshot("before")
	m.expect(vmbackend.Running)
	if got, err := echo("still here"); err != nil || got != "still here" {
		w.Errorf("after Snapshot a program that ran says %q, error %v", got, err)
	}
	w.run(client, "echo new >/root/disk && echo new >/run/memory && sync")
	if got := w.run(client, "cat /root/disk /run/memory"); got != "new\nnew" {
		w.Errorf("after Snapshot and a change the files hold %q", got)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = client.Wait()
	}()
	m.rewind("before")
	w.soon("the streams of a rewound guest end", ended)
	check := func(when string) {
		w.Helper()
		if got := w.run(m.connect("root"), "cat /root/disk /run/memory"); got != "old\nold" {
			w.Errorf("%s the files hold %q, want what they held before", when, got)
		}
		if m.boot() != boot {
			w.Errorf("%s the guest has been booted anew", when)
		}
	}
	check("after Rewind")
	w.run(m.connect("root"), "echo newer >/root/disk && echo newer >/run/memory && sync")
	m.stop()
	m.rewind("before") // from a stopped guest, a second time
	check("after Rewind of a stopped guest")
	w.reopen()
	m.rewind("before")
	check("after Rewind by another backend")
}

// Snapshot replaces an older one of the same name; those of other names stay.
func testSnapshotNames(w *bench) {
	s := w.snapshotter()
	m := w.create("historian")
	w.wantError("Snapshot of a guest that was never started", s.Snapshot(w.ctx, m.id, "x"), vmbackend.ErrWrongState)
	w.wantError("Rewind to no snapshot", s.Rewind(w.ctx, m.id, "x"), vmbackend.ErrNoSnapshot)
	w.wantError("Snapshot of no guest", s.Snapshot(w.ctx, "nobody", "x"), vmbackend.ErrNoGuest)
	w.wantError("Rewind of no guest", s.Rewind(w.ctx, "nobody", "x"), vmbackend.ErrNoGuest)
	m.start()
	for i, name := range []string{"same", "other name, with ümlaut/slash", "same"} {
		w.run(m.connect("root"), fmt.Sprintf("echo %d >/root/n && sync", i))
		m.snapshot(name)
	}
	for _, c := range []struct{ name, want string }{{"same", "2"}, {"other name, with ümlaut/slash", "1"}, {"same", "2"}} {
		m.rewind(c.name)
		if got := w.run(m.connect("root"), "cat /root/n"); got != c.want {
			w.Errorf("after Rewind to %q the file holds %q, want %s", c.name, got, c.want)
		}
	}
	w.wantError("Rewind to a name that was never given", s.Rewind(w.ctx, m.id, "never"), vmbackend.ErrNoSnapshot)
	m.expect(vmbackend.Running)
	m.destroy()
	m = w.running("historian")
	w.wantError("Rewind of a new guest of the same name", s.Rewind(w.ctx, m.id, "same"), vmbackend.ErrNoSnapshot)
}
