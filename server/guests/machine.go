package guests

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestssh"
)

// gatewayLabel marks a backend's guests as an installation's own.
const gatewayLabel = "labmark-gateway"

// machine is one guest that this gateway holds, with its kept connections.
type machine struct {
	id      string
	kind    Kind
	hostKey ssh.PublicKey
	dialer  guestssh.Dialer
	signer  ssh.Signer

	// prepared says that the exercise in it was got ready. It is changed only
	// while its lease is busy.
	prepared bool
	// made is when it was made.
	made time.Time
	// news is what its student is told of it beside that it is ready.
	news string

	mu      sync.Mutex
	frozen  time.Time // since when it stands still; zero if it does not
	lines   map[login]*line
	screens map[*screen]bool
}

// login is what connections are kept by: terminals and checks never share
// one, so that a check's broken connection can be dropped without harm.
type login struct {
	purpose Purpose
	user    string
}

// Purpose is what a connection is for.
type Purpose string

// ForChecks connections run scripts; ForTerminals carry what people type in
// pages, ForPeople what their own clients and browsers do in the guest.
const (
	ForChecks    Purpose = "checks"
	ForTerminals Purpose = "terminals"
	ForPeople    Purpose = "people"
)

// line is the kept connection of one login. Its token is held while dialling,
// so that many who want a connection at once make one.
type line struct {
	token  chan struct{}
	client *ssh.Client // guarded by machine.mu
}

func (m *Manager) machine(id string, k Kind, hostKey ssh.PublicKey) *machine {
	return &machine{id: id, kind: k, made: time.Now(), hostKey: hostKey, dialer: m.cfg.Backend, signer: m.cfg.Signer,
		lines: map[login]*line{}, screens: map[*screen]bool{}}
}

// client returns the kept connection for a login, made when there is none.
func (g *machine) client(ctx context.Context, as login) (*ssh.Client, error) {
	g.mu.Lock()
	l := g.lines[as]
	if l == nil {
		l = &line{token: make(chan struct{}, 1)}
		g.lines[as] = l
	}
	g.mu.Unlock()

	select {
	case l.token <- struct{}{}:
		defer func() { <-l.token }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	g.mu.Lock()
	c := l.client
	g.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := guestssh.Connect(ctx, g.dialer, g.id, as.user, g.hostKey, g.signer)
	if err != nil {
		return nil, fmt.Errorf("log in to guest %s as %s: %w", g.id, as.user, err)
	}
	g.mu.Lock()
	l.client = c
	g.mu.Unlock()
	go func() {
		_ = c.Wait() // why it ended does not matter
		g.drop(as, c)
	}()
	return c, nil
}

// aliveWithin is how soon a pooled guest must answer.
const aliveWithin = 5 * time.Second

// answers asks the guest for a sign of life: of one that died a moment ago the
// kept connection may not know it yet.
func (g *machine) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, aliveWithin)
	defer cancel()
	c, err := g.client(ctx, login{ForChecks, "root"})
	if err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() {
		// Refused is an answer too (RFC 4254, section 4).
		_, _, err := c.SendRequest("alive@labmark", true, nil)
		answered <- err
	}()
	select {
	case err := <-answered:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drop forgets a connection, so that the next user of it makes a new one.
func (g *machine) drop(as login, c *ssh.Client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if l := g.lines[as]; l != nil && l.client == c {
		l.client = nil
	}
}

// hangUp ends all connections.
func (g *machine) hangUp() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.lines {
		if l.client != nil {
			l.client.Close()
			l.client = nil
		}
	}
	for s := range g.screens {
		s.Conn.Close() // whoever copies from it then closes the rest
	}
}

// createTries is how often a guest is made anew that a node was lost with.
const createTries = 2

// create makes a new guest, for an owner or (nil) for the pool, and returns
// when it lets the gateway in. On failure nothing of it is left. When its node
// is lost meanwhile another guest is made, elsewhere: nobody knows what became
// of the first.
func (m *Manager) create(ctx context.Context, p Plan, o *store.Owner) (g *machine, err error) {
	for range createTries {
		g, err = m.createOnce(ctx, p, o)
		if !errors.Is(err, vmbackend.ErrUnreachable) {
			break
		}
	}
	return g, err
}

func (m *Manager) createOnce(ctx context.Context, p Plan, o *store.Owner) (*machine, error) {
	g, err := m.reserved(ctx, p, o)
	if err != nil {
		return nil, err
	}
	ready := store.Free
	if o != nil {
		ready = store.Assigned
	}
	if err := m.raise(ctx, g, ready); err != nil {
		return nil, err
	}
	return g, nil
}

// reserve makes a guest's disk, so that there is a place for it; it does not
// run yet. On failure nothing of it is left.
func (m *Manager) reserve(ctx context.Context, p Plan, o *store.Owner) (*machine, error) {
	pem, public, err := guestssh.NewHostKey()
	if err != nil {
		return nil, err
	}
	k := p.Kind
	row := store.Guest{ID: "g-" + strings.ToLower(rand.Text()[:12]), Mode: store.Preparing,
		Image: k.Image, Memory: k.Memory, Desktop: k.Desktop, Mirror: k.Mirror, HostKey: string(ssh.MarshalAuthorizedKey(public))}
	if o != nil {
		row.SetOwner(*o)
		row.Name = p.Name
	}
	// The row comes first: whatever happens next, the scan finds it.
	if err := m.cfg.Table.AddGuest(ctx, row); err != nil {
		return nil, err
	}
	g := m.machine(row.ID, k, public)
	err = m.cfg.Backend.Create(ctx, vmbackend.Spec{
		ID: row.ID, Image: k.Image, Memory: k.Memory, Hostname: p.hostname(),
		Desktop: k.Desktop, Open: k.open(), Cards: p.Cards, Hosts: p.Hosts, HostKey: pem, AuthorizedKey: ssh.MarshalAuthorizedKey(m.cfg.Signer.PublicKey()),
		Labels: m.labels(o),
	})
	if errors.Is(err, vmbackend.ErrFull) {
		// There is nothing to destroy, and no place that becomes free.
		if gone := m.cfg.Table.DeleteGuest(ctx, row.ID); gone == nil {
			return nil, err
		}
	}
	if err == nil {
		err = m.noteNode(ctx, row.ID)
	}
	if err != nil {
		m.discard(row.ID)
		return nil, err
	}
	return g, nil
}

// raise boots a reserved guest, which then is in a mode. On failure nothing of
// it is left.
func (m *Manager) raise(ctx context.Context, g *machine, ready store.Mode) error {
	err := m.boot(ctx, g)
	if err == nil {
		err = m.cfg.Table.SetGuestMode(ctx, g.id, ready)
	}
	if err != nil {
		g.hangUp()
		m.discard(g.id)
	}
	return err
}

// labels are what a guest is known by at the backend. Guests of one class are
// spread over the nodes; a node may be for one course alone.
func (m *Manager) labels(o *store.Owner) map[string]string {
	l := map[string]string{gatewayLabel: m.cfg.Gateway}
	if o != nil {
		l["course"] = o.Course
		l["class"] = fmt.Sprintf("%s/%d", o.Course, o.Context)
	}
	return l
}

// locator is a backend of many nodes.
type locator interface {
	NodeOf(id string) string // empty if it is not known
}

// noteNode keeps which node a guest is on, where there are several.
func (m *Manager) noteNode(ctx context.Context, id string) error {
	l, ok := m.cfg.Backend.(locator)
	if !ok {
		return nil
	}
	return m.cfg.Table.SetGuestNode(ctx, id, l.NodeOf(id))
}

// open is what the course opens for the guest, in the backend's words.
func (k Kind) open() []string {
	if k.Mirror {
		return []string{vmbackend.OpenMirror}
	}
	return nil
}

// boot starts a guest and proves that it lets the gateway in. A limited
// number boot at once: more would only make each slower.
func (m *Manager) boot(ctx context.Context, g *machine) error {
	if thawed, err := m.thaw(ctx, g); thawed {
		return err
	}
	select {
	case m.boots <- struct{}{}:
		defer func() { <-m.boots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := m.cfg.Backend.Start(ctx, g.id); err != nil {
		return err
	}
	_, err := g.client(ctx, login{ForChecks, "root"})
	return err
}
