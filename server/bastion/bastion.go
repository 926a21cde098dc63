// Package bastion is the gateway's SSH server: the way in for people with
// clients of their own. Whoever shows a key from a profile page comes straight
// into an own guest, over the same kept way as terminals in pages; nobody comes
// anywhere else. What a client may ask for is told in docs/ways-in.md.
package bastion

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/labmark/labmark/server/guests"
	"github.com/labmark/labmark/server/store"
)

// Keys are those that people have added. The store has them.
type Keys interface {
	SSHKey(ctx context.Context, fingerprint string) (store.SSHKey, error)
	NoteSSHKey(ctx context.Context, id uint, at time.Time) error
}

// Guests are what is entered; a guests.Manager has them.
type Guests interface {
	Holdings(user uint) []guests.Holding
	Start(store.Owner) (guests.Status, error)
	Active(o store.Owner, address string)
	Client(ctx context.Context, o store.Owner, name, user string, p guests.Purpose) (*ssh.Client, guests.Machine, error)
}

// Config is all that a Bastion needs.
type Config struct {
	HostKey ssh.Signer // what clients know this gateway by
	Keys    Keys
	Guests  Guests
	// Account is the guest's account that its student works on; false where
	// there is no such guest any more.
	Account func(o store.Owner, guest string) (string, bool)
	// Enrolled says whether the owner still belongs where the guest does.
	Enrolled func(context.Context, store.Owner) bool
	Log      *slog.Logger
	// Check is the pause between looks whether a client is alive and its key
	// still somebody's; 0 means 30 s.
	Check time.Duration
}

// Limits of what people's clients may do.
const (
	loginLimit  = 30 * time.Second // for key exchange and login
	authTries   = 8                // an agent may offer several keys
	perUser     = 20               // connections, and sessions, at the same time
	forwards    = 100              // connections to ports, of one user
	aliveLimit  = 3                // questions in a row that a client may leave unanswered
	openTimeout = 30 * time.Second // for the guest to open one channel
)

// Bastion serves any number of listeners. Its methods may be called from any
// goroutine.
type Bastion struct {
	cfg  Config
	door *door

	mu     sync.Mutex
	visits map[*visit]bool
}

// New returns a Bastion that serves nobody yet.
func New(cfg Config) *Bastion {
	if cfg.Check == 0 {
		cfg.Check = 30 * time.Second
	}
	return &Bastion{cfg: cfg, door: newDoor(time.Now), visits: map[*visit]bool{}}
}

// Serve answers on l until ctx ends. It returns when all connections have
// ended, having closed l.
func (b *Bastion) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var visits sync.WaitGroup
	defer visits.Wait()
	defer cancel()
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			// Out of files, mostly: it passes.
			b.cfg.Log.Warn("an SSH client was not let in", "err", err)
			pause(ctx, 100*time.Millisecond)
			continue
		}
		visits.Go(func() { b.serve(ctx, conn) })
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// EndKey ends all connections that came in by a key: its user has removed it.
func (b *Bastion) EndKey(id uint) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for v := range b.visits {
		if v.key.ID == id {
			_ = v.conn.Close()
		}
	}
}

// enter notes a visit, unless its user has enough.
func (b *Bastion) enter(v *visit) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for other := range b.visits {
		if other.key.UserID == v.key.UserID {
			n++
		}
	}
	if n >= perUser {
		return false
	}
	b.visits[v] = true
	return true
}

func (b *Bastion) leave(v *visit) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.visits, v)
}

// kind is what channels are counted by.
type kind int

const (
	sessions kind = iota
	ports
	kinds
)

var most = [kinds]int{sessions: perUser, ports: forwards}

// take counts a channel, unless its user has enough of the kind; give is the
// opposite.
func (b *Bastion) take(v *visit, k kind) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for other := range b.visits {
		if other.key.UserID == v.key.UserID {
			n += other.open[k]
		}
	}
	if n >= most[k] {
		return false
	}
	v.open[k]++
	return true
}

func (b *Bastion) give(v *visit, k kind) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v.open[k]--
}
