package bastion_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/bastion"
	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/simulated"
)

const patience = time.Minute

var kind = guests.Kind{Image: "sha256:" + strings.Repeat("a", 64)}

func owner(user uint, tutorial string) store.Owner {
	return store.Owner{UserID: user, Course: "linux", Tutorial: tutorial}
}

// gate is a bastion before simulated guests, which answer each command with
// their own ID and what they were asked.
type gate struct {
	*bastion.Bastion
	guests  *guests.Manager
	active  *workers
	table   *store.Store
	address string
	hostKey ssh.PublicKey
}

// workers are guests that note whose owner was seen at work, and from where.
type workers struct {
	*guests.Manager
	mu   sync.Mutex
	from map[store.Owner]string
}

func (w *workers) Active(o store.Owner, address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.from[o] = address
}

func (w *workers) seen(o store.Owner) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.from[o]
}

func mustGate(t *testing.T) *gate {
	t.Helper()
	dir := t.TempDir()
	table, err := store.Open(filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	backend, err := simulated.New(simulated.Options{Dir: filepath.Join(dir, "guests"), Machine: func(s vmbackend.Spec, _ *simulated.Disk) simulated.Machine {
		return simulated.Machine{Exec: func(command, stdin string) (string, string, int) {
			return s.ID + " " + command + " " + stdin, "and this", 7
		}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{table: table}
	g.guests = guests.New(guests.Config{Backend: backend, Table: table, Signer: newSigner(t), Gateway: "here", Parallel: 4,
		Plans: func(o store.Owner) ([]guests.Plan, error) {
			if o.Tutorial == "two" {
				return []guests.Plan{{Name: "left", Kind: kind}, {Name: "right", Kind: kind}}, nil
			}
			return []guests.Plan{{Name: "lab", Kind: kind, Alone: true}}, nil
		},
		Notify: func(store.Owner, guests.Status) {}, Log: slog.New(slog.DiscardHandler)})
	g.active = &workers{Manager: g.guests, from: map[store.Owner]string{}}
	host := newSigner(t)
	g.hostKey = host.PublicKey()
	g.Bastion = bastion.New(bastion.Config{HostKey: host, Keys: table, Guests: g.active, Check: 50 * time.Millisecond,
		Account:  func(store.Owner, string) (string, bool) { return "student", true },
		Enrolled: func(_ context.Context, o store.Owner) bool { return o.Tutorial != "left-behind" },
		Log:      slog.New(slog.DiscardHandler)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.address = l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		g.guests.Close()
		backend.Close()
		table.Close()
	})
	return g
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// person makes a user with a key.
func (g *gate) person(t *testing.T, login string) (uint, ssh.Signer, store.SSHKey) {
	t.Helper()
	u := store.User{Login: login}
	if err := g.table.AddUser(t.Context(), &u); err != nil {
		t.Fatal(err)
	}
	s := newSigner(t)
	k := store.SSHKey{UserID: u.ID, Fingerprint: ssh.FingerprintSHA256(s.PublicKey()), Line: string(ssh.MarshalAuthorizedKey(s.PublicKey()))}
	if err := g.table.AddSSHKey(t.Context(), &k); err != nil {
		t.Fatal(err)
	}
	return u.ID, s, k
}

func (g *gate) ready(t *testing.T, o store.Owner) string {
	t.Helper()
	if _, err := g.guests.Start(o); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a guest", func() bool { return g.guests.Status(o).State == guests.Ready })
	m, err := g.guests.Machine(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (g *gate) dial(user string, s ssh.Signer) (*ssh.Client, string, error) {
	var banner string
	c, err := ssh.Dial("tcp", g.address, &ssh.ClientConfig{User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(s)}, Timeout: patience,
		HostKeyCallback: ssh.FixedHostKey(g.hostKey), BannerCallback: func(m string) error { banner += m; return nil }})
	return c, banner, err
}

func (g *gate) login(t *testing.T, user string, s ssh.Signer) *ssh.Client {
	t.Helper()
	c, _, err := g.dial(user, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// run executes a command and returns what came of it.
func run(t *testing.T, c *ssh.Client, command, stdin string) (stdout, stderr string, status int) {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var out, errs bytes.Buffer
	s.Stdin, s.Stdout, s.Stderr = strings.NewReader(stdin), &out, &errs
	err = s.Run(command)
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return out.String(), errs.String(), exit.ExitStatus()
	}
	if err != nil {
		t.Errorf("%s: %v (%s)", command, err, errs.String())
	}
	return out.String(), errs.String(), 0
}

func TestOnesOwnKeyLeadsToOnesOwnGuest(t *testing.T) {
	g := mustGate(t)
	ada, adas, key := g.person(t, "ada")
	bob, bobs, _ := g.person(t, "bob")
	guestA, guestB := g.ready(t, owner(ada, "one")), g.ready(t, owner(bob, "one"))
	for _, c := range []struct {
		key   ssh.Signer
		guest string
	}{{adas, guestA}, {bobs, guestB}} {
		stdout, stderr, status := run(t, g.login(t, "labmark", c.key), "hello", "input")
		if want := c.guest + " hello input"; stdout != want || stderr != "and this" || status != 7 {
			t.Errorf("got %q, %q and %d, want %q", stdout, stderr, status, want)
		}
	}
	if k, err := g.table.SSHKey(t.Context(), key.Fingerprint); err != nil || k.UsedAt == nil {
		t.Errorf("that the key was used is not kept: %v, %v", k, err)
	}
}

// TestWhoWorksBySSHIsNotIdle: keys count, an open connection does not.
func TestWhoWorksBySSHIsNotIdle(t *testing.T) {
	g := mustGate(t)
	user, key, _ := g.person(t, "ada")
	o := owner(user, "one")
	g.ready(t, o)
	c := g.login(t, "labmark", key)
	run(t, c, "hello", "")
	if from := g.active.seen(o); from != "" {
		t.Errorf("work was seen from %s where nothing was typed", from)
	}
	run(t, c, "hello", "typed")
	if from := g.active.seen(o); from != "127.0.0.1" {
		t.Errorf("what was typed was seen from %q", from)
	}
}

func TestStrangersStayOutside(t *testing.T) {
	g := mustGate(t)
	_, known, _ := g.person(t, "ada")
	if _, banner, err := g.dial("labmark", newSigner(t)); err == nil || !strings.Contains(banner, "profile page") {
		t.Errorf("an unknown key: %v, %q", err, banner)
	}
	if _, banner, err := g.dial("root", known); err == nil || !strings.Contains(banner, "user name here is labmark") {
		t.Errorf("another name: %v, %q", err, banner)
	}
	c, err := ssh.Dial("tcp", g.address, &ssh.ClientConfig{User: "labmark", Auth: []ssh.AuthMethod{ssh.Password("x")}, HostKeyCallback: ssh.FixedHostKey(g.hostKey)})
	if err == nil {
		c.Close()
		t.Error("a password was taken")
	}
}

func TestWhichOfSeveralGuests(t *testing.T) {
	g := mustGate(t)
	ada, key, _ := g.person(t, "ada")
	if _, stderr, _ := run(t, g.login(t, "labmark", key), "x", ""); !strings.Contains(stderr, "Open a tutorial in your browser first") {
		t.Errorf("without a guest: %q", stderr)
	}
	one := g.ready(t, owner(ada, "one"))
	g.ready(t, owner(ada, "two"))
	right, err := g.guests.Machine(owner(ada, "two"), "right")
	if err != nil {
		t.Fatal(err)
	}
	_, stderr, status := run(t, g.login(t, "labmark", key), "x", "")
	for _, want := range []string{"several machines", "labmark+one ", "labmark+two.left ", "labmark+two.right "} {
		if !strings.Contains(stderr, want) || status == 0 {
			t.Errorf("the menu lacks %q: %q", want, stderr)
		}
	}
	for user, id := range map[string]string{"labmark+one": one, "labmark+two.right": right.ID, "labmark+linux/one": one} {
		if stdout, stderr, _ := run(t, g.login(t, user, key), "x", ""); !strings.HasPrefix(stdout, id+" ") {
			t.Errorf("%s leads to %q (%s), want %s", user, stdout, stderr, id)
		}
	}
	if _, stderr, _ := run(t, g.login(t, "labmark+three", key), "x", ""); !strings.Contains(stderr, "no machine of that name") {
		t.Errorf("an unknown name: %q", stderr)
	}
}

func TestStoppedGuestIsStarted(t *testing.T) {
	g := mustGate(t)
	ada, key, _ := g.person(t, "ada")
	o := owner(ada, "one")
	id := g.ready(t, o)
	g.guests.Stop(o)
	eventually(t, "the end", func() bool { return g.guests.Status(o).State == guests.None })
	stdout, stderr, _ := run(t, g.login(t, "labmark", key), "x", "")
	if !strings.HasPrefix(stdout, id+" ") || !strings.Contains(stderr, "Preparing your machine") {
		t.Errorf("got %q and %q", stdout, stderr)
	}
}

func TestWhoHasLeftTheCourseHasLeftItsGuests(t *testing.T) {
	g := mustGate(t)
	ada, key, _ := g.person(t, "ada")
	g.ready(t, owner(ada, "left-behind"))
	if _, stderr, _ := run(t, g.login(t, "labmark", key), "x", ""); !strings.Contains(stderr, "no longer in the course") {
		t.Errorf("got %q", stderr)
	}
}

func TestRemovedKeyEndsItsConnections(t *testing.T) {
	for name, end := range map[string]func(*gate, store.SSHKey){
		"here":               func(g *gate, k store.SSHKey) { g.EndKey(k.ID) },
		"by another gateway": func(*gate, store.SSHKey) {},
	} {
		t.Run(name, func(t *testing.T) {
			g := mustGate(t)
			ada, key, row := g.person(t, "ada")
			g.ready(t, owner(ada, "one"))
			c := g.login(t, "labmark", key)
			run(t, c, "x", "")
			if err := g.table.RemoveSSHKey(t.Context(), ada, row.ID); err != nil {
				t.Fatal(err)
			}
			end(g, row)
			ended := make(chan struct{})
			go func() { _ = c.Wait(); close(ended) }()
			select {
			case <-ended:
			case <-time.After(patience):
				t.Error("the connection lives on")
			}
			if _, _, err := g.dial("labmark", key); err == nil {
				t.Error("the key opens still")
			}
		})
	}
}

func TestWhatIsNotForPeopleIsRefused(t *testing.T) {
	g := mustGate(t)
	ada, key, _ := g.person(t, "ada")
	g.ready(t, owner(ada, "one"))
	c := g.login(t, "labmark", key)
	if l, err := c.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close()
		t.Error("the gateway listens for a client")
	}
	for _, channel := range []string{"x11", "forwarded-tcpip", "direct-streamlocal@openssh.com", "tun@openssh.com"} {
		if _, _, err := c.OpenChannel(channel, nil); err == nil {
			t.Errorf("a channel %s was opened", channel)
		}
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"labmark-check", "labmark-facts", "labmark-toolbox"} {
		if err := s.RequestSubsystem(name); err == nil {
			t.Errorf("the subsystem %s is open to people", name)
		}
	}
	if err := s.Setenv("LABMARK_TERMINAL", "main"); err == nil {
		t.Error("a client spoke to the agent in the gateway's name")
	}
	if ok, err := s.SendRequest("auth-agent-req@openssh.com", true, nil); ok || err != nil {
		t.Errorf("an agent was taken: %v", err)
	}
}

func TestSessionsOfOnePersonAreBounded(t *testing.T) {
	g := mustGate(t)
	ada, key, _ := g.person(t, "ada")
	g.ready(t, owner(ada, "one"))
	c := g.login(t, "labmark", key)
	for n := range 100 {
		ch, requests, err := c.OpenChannel("session", nil)
		if err != nil {
			var refused *ssh.OpenChannelError
			if n < 20 || !errors.As(err, &refused) || !strings.Contains(refused.Message, "close some") {
				t.Errorf("after %d: %v", n, err)
			}
			return
		}
		go ssh.DiscardRequests(requests)
		go func() { _, _ = io.Copy(io.Discard, ch) }()
	}
	t.Error("100 sessions were opened")
}
