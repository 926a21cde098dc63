package proof

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/checks"
	"github.com/labmark/labmark/content"
	"github.com/labmark/labmark/server/lab"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// Guests is a Lab of real guests.
type Guests struct {
	Backend vmbackend.Backend
	// Digest finds the image that a name stands for.
	Digest func(image string) (string, error)
}

// Fresh implements Lab. The guests of one lab boot at the same time.
func (g *Guests) Fresh(ctx context.Context, t *content.Tutorial) (Machines, error) {
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	b := &bench{backend: g.Backend, tutorial: t, guests: map[string]*guest{}}
	login, public, err := guestssh.NewHostKey()
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(login)
	if err != nil {
		return nil, err
	}
	labID := "proof-" + hex.EncodeToString(id[:])
	cards, hosts := lab.Cards(t, labID), lab.Hosts(t)
	b.cards = cards
	for i, spec := range t.Guests {
		m := &guest{id: fmt.Sprintf("%s-%d", labID, i+1), signer: signer, backend: g.Backend}
		if m.spec, err = g.spec(m.id, spec); err != nil {
			return nil, fmt.Errorf("guest %s: %w", spec.Name, err)
		}
		m.spec.Cards, m.spec.Hosts = cards[spec.Name], hosts[spec.Name]
		m.spec.AuthorizedKey = ssh.MarshalAuthorizedKey(public)
		var hostKey []byte
		if hostKey, m.hostKey, err = guestssh.NewHostKey(); err != nil {
			return nil, err
		}
		m.spec.HostKey = hostKey
		b.guests[spec.Name] = m
	}
	if err := b.boot(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (g *Guests) spec(id string, of content.Guest) (vmbackend.Spec, error) {
	digest, err := g.Digest(of.Image)
	if err != nil {
		return vmbackend.Spec{}, err
	}
	// Nobody looks at a screen here, and not every backend has one.
	s := vmbackend.Spec{ID: id, Image: digest, Memory: of.Memory, Hostname: of.Name}
	if of.Mirror {
		s.Open = []string{vmbackend.OpenMirror}
	}
	return s, nil
}

// bench is one lab: the machines of one tutorial.
type bench struct {
	backend  vmbackend.Backend
	tutorial *content.Tutorial
	guests   map[string]*guest
	cards    map[string][]vmbackend.Card // by guest
}

type guest struct {
	id      string
	spec    vmbackend.Spec
	hostKey ssh.PublicKey
	signer  ssh.Signer
	backend vmbackend.Backend

	mu     sync.Mutex
	client *ssh.Client // nil before it is needed, and after it broke
}

func (b *bench) boot(ctx context.Context) error {
	boots := make(chan error, len(b.guests))
	for _, g := range b.guests {
		go func() { boots <- g.boot(ctx) }()
	}
	var all error
	for range b.guests {
		all = errors.Join(all, <-boots)
	}
	return all
}

func (g *guest) boot(ctx context.Context) error {
	if err := g.backend.Create(ctx, g.spec); err != nil {
		return err
	}
	if err := g.backend.Start(ctx, g.id); err != nil {
		return err
	}
	_, err := g.connect(ctx)
	return err
}

// connect gives the connection that all runs in a guest share.
func (g *guest) connect(ctx context.Context) (*ssh.Client, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.client != nil {
		return g.client, nil
	}
	ctx, cancel := context.WithTimeout(ctx, vmbackend.DefaultTimeout)
	defer cancel()
	client, err := guestssh.Connect(ctx, g.backend, g.id, "root", g.hostKey, g.signer)
	g.client = client
	return client, err
}

// drop forgets a connection that broke.
func (g *guest) drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.client != nil {
		_ = g.client.Close()
		g.client = nil
	}
}

// Run implements Machines.
func (b *bench) Run(ctx context.Context, guest string, s checks.Script) checks.Result {
	return b.with(ctx, guest, func(client *ssh.Client) checks.Result { return checks.Run(ctx, client, s) })
}

// Prepare implements Machines.
func (b *bench) Prepare(ctx context.Context, s *content.Setup, values content.Values) checks.Result {
	return b.with(ctx, s.Guest, func(client *ssh.Client) checks.Result { return lab.Prepare(ctx, client, s, values) })
}

// with gives a guest's kept connection. One that broke is made anew the next time:
// a solution may have restarted the machine.
func (b *bench) with(ctx context.Context, name string, do func(*ssh.Client) checks.Result) checks.Result {
	g := b.guests[name]
	if g == nil {
		return broken(fmt.Errorf("the tutorial has no guest %q", name))
	}
	client, err := g.connect(ctx)
	if err != nil {
		return broken(fmt.Errorf("%w: %w", checks.ErrConnection, err))
	}
	r := do(client)
	if errors.Is(r.Err, checks.ErrConnection) {
		g.drop()
	}
	return r
}

func broken(err error) checks.Result {
	return checks.Result{Verdict: checks.Unsure, Message: err.Error(), Err: err}
}

// Enter implements Machines: it cuts and mends cables.
func (b *bench) Enter(ctx context.Context, step string) error {
	for i := range b.tutorial.Networks {
		n := &b.tutorial.Networks[i]
		if len(n.CutAt) == 0 {
			continue
		}
		networker, ok := b.backend.(vmbackend.Networker)
		if !ok {
			return fmt.Errorf("the network %s can't be cut: %w", n.Name, vmbackend.ErrNotOffered)
		}
		for name, cards := range b.cards {
			for _, card := range cards {
				if card.Name != n.Name {
					continue
				}
				if err := networker.SetLink(ctx, b.guests[name].id, card.Network, lab.LinkAt(n, step)); err != nil {
					return fmt.Errorf("the network %s at the step %s: %w", n.Name, step, err)
				}
			}
		}
	}
	return nil
}

// Close implements Machines.
func (b *bench) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), vmbackend.DefaultTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, g := range b.guests {
		all.Go(func() {
			g.drop()
			_ = g.backend.Destroy(ctx, g.id) // what is left goes with the backend's folder
		})
	}
	all.Wait()
}
