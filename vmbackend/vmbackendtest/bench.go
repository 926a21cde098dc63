package vmbackendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// bench is what one test works with: a backend over a fresh folder.
type bench struct {
	*testing.T
	Options
	dir  string
	ctx  context.Context
	b    vmbackend.Backend
	key  ssh.Signer // logs in to all guests
	open func() error
}

func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*o.Patience)
	t.Cleanup(cancel)
	signer, _ := newKey(t)
	w := &bench{T: t, Options: o, dir: t.TempDir(), ctx: ctx, key: signer}
	w.use(o.New)
	t.Cleanup(w.clear)
	return w
}

// use opens a backend over the bench's folder.
func (w *bench) use(open func(*testing.T, string) vmbackend.Backend) {
	w.Helper()
	w.b = open(w.T, w.dir)
	w.open = w.b.Close
}

// reopen closes the backend and opens another one over the same folder.
func (w *bench) reopen() {
	w.Helper()
	w.close()
	w.use(w.New)
}

func (w *bench) close() {
	w.Helper()
	if err := w.open(); err != nil {
		w.Errorf("Close: %v", err)
	}
	w.open = func() error { return nil }
}

// clear destroys all guests, whatever a failed test left.
func (w *bench) clear() {
	ctx, cancel := context.WithTimeout(context.Background(), w.Patience)
	defer cancel()
	guests, err := w.b.List(ctx)
	if err != nil {
		w.Errorf("List at the end: %v", err)
	}
	for _, g := range guests {
		if err := w.b.Destroy(ctx, g.ID); err != nil {
			w.Errorf("Destroy %s at the end: %v", g.ID, err)
		}
	}
	w.close()
}

func newKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	private, _, err := guestssh.NewHostKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

// machine is a guest of a test.
type machine struct {
	*bench
	id   string
	spec vmbackend.Spec
	host ssh.PublicKey
}

// create makes a guest; change may alter its spec.
func (w *bench) create(id string, change ...func(*vmbackend.Spec)) *machine {
	w.Helper()
	m := w.plan(id, change...)
	if err := w.b.Create(w.ctx, m.spec); err != nil {
		w.Fatalf("Create %s: %v", id, err)
	}
	return m
}

// plan is a guest that is not yet created.
func (w *bench) plan(id string, change ...func(*vmbackend.Spec)) *machine {
	w.Helper()
	signer, private := newKey(w.T)
	m := &machine{bench: w, id: id, host: signer.PublicKey(), spec: vmbackend.Spec{
		ID: id, Image: w.Image, Memory: w.Memory, HostKey: private,
		AuthorizedKey: ssh.MarshalAuthorizedKey(w.key.PublicKey()),
	}}
	for _, c := range change {
		c(&m.spec)
	}
	return m
}

// running makes and starts a guest.
func (w *bench) running(id string, change ...func(*vmbackend.Spec)) *machine {
	w.Helper()
	m := w.create(id, change...)
	m.start()
	return m
}

func (m *machine) start() {
	m.Helper()
	if err := m.b.Start(m.ctx, m.id); err != nil {
		m.Fatalf("Start %s: %v", m.id, err)
	}
}

func (m *machine) stop() {
	m.Helper()
	if err := m.b.Stop(m.ctx, m.id); err != nil {
		m.Fatalf("Stop %s: %v", m.id, err)
	}
}

func (m *machine) destroy() {
	m.Helper()
	if err := m.b.Destroy(m.ctx, m.id); err != nil {
		m.Fatalf("Destroy %s: %v", m.id, err)
	}
}

// connect logs in and closes the connection with the test.
func (m *machine) connect(user string) *ssh.Client {
	m.Helper()
	ctx, cancel := context.WithTimeout(m.ctx, m.Patience)
	defer cancel()
	client, err := guestssh.Connect(ctx, m.b, m.id, user, m.host, m.key)
	if err != nil {
		m.Fatalf("log in to %s as %s: %v", m.id, user, err)
	}
	m.Cleanup(func() { _ = client.Close() })
	return client
}

// try runs a command and returns its output, or why there is none.
func (w *bench) try(client *ssh.Client, command, stdin string) (stdout, stderr string, status int, err error) {
	session, err := client.NewSession()
	if err != nil {
		return "", "", 0, err
	}
	defer func() { _ = session.Close() }()
	late := time.AfterFunc(w.Patience, func() { _ = client.Close() })
	defer late.Stop()
	var out, errs bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader(stdin), &out, &errs
	err = session.Run(command)
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return out.String(), errs.String(), exit.ExitStatus(), nil
	}
	return out.String(), errs.String(), 0, err
}

// run runs a command that must end well, and returns what it printed.
func (w *bench) run(client *ssh.Client, command string) string {
	w.Helper()
	out, errs, status, err := w.try(client, command, "")
	if err != nil || status != 0 {
		w.Fatalf("%s: status %d, error %v, said %q", command, status, err, errs)
	}
	return strings.TrimSpace(out)
}

// boot tells one boot of a guest from the next.
func (m *machine) boot() string {
	m.Helper()
	return m.run(m.connect("root"), "cat /proc/sys/kernel/random/boot_id")
}

// find looks a guest up in List.
func (w *bench) find(id string) (vmbackend.Guest, bool) {
	w.Helper()
	all := w.list()
	i := slices.IndexFunc(all, func(g vmbackend.Guest) bool { return g.ID == id })
	if i < 0 {
		return vmbackend.Guest{}, false
	}
	return all[i], true
}

func (w *bench) list() []vmbackend.Guest {
	w.Helper()
	all, err := w.b.List(w.ctx)
	if err != nil {
		w.Fatalf("List: %v", err)
	}
	return all
}

// expect holds List against a state.
func (m *machine) expect(want vmbackend.State) {
	m.Helper()
	if g, found := m.find(m.id); !found || g.State != want {
		m.Errorf("List says %q of %s (found: %v), want %q", g.State, m.id, found, want)
	}
}

// expectGone holds List against a guest's absence.
func (m *machine) expectGone() {
	m.Helper()
	if g, found := m.find(m.id); found {
		m.Errorf("List still has %s, as %s", m.id, g.State)
	}
}

// wantError holds an error against the one that it should wrap.
func (w *bench) wantError(what string, err, want error) {
	w.Helper()
	if !errors.Is(err, want) {
		w.Errorf("%s: got %v, want an error that wraps %q", what, err, want)
	}
}

// eventually polls until a condition holds.
func (w *bench) eventually(what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(w.Patience); ; time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("after %s still not: %s", w.Patience, what)
		}
	}
}

// soon waits for something that must come to an end.
func (w *bench) soon(what string, done <-chan struct{}) {
	w.Helper()
	select {
	case <-done:
	case <-time.After(w.Patience):
		w.Fatalf("after %s still not: %s", w.Patience, what)
	}
}

// each runs do for 0 to n-1 at once and waits for all.
func (w *bench) each(n int, do func(i int) error) {
	w.Helper()
	failed := make(chan error, n)
	for i := range n {
		go func() {
			if err := do(i); err != nil {
				err = fmt.Errorf("%d: %w", i, err)
				failed <- err
				return
			}
			failed <- nil
		}()
	}
	for range n {
		if err := <-failed; err != nil {
			w.Error(err)
		}
	}
}
