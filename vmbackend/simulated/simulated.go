package simulated

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/sshserver"
)

var (
	_ vmbackend.Backend   = (*Backend)(nil)
	_ vmbackend.Suspender = (*Backend)(nil)
	_ vmbackend.Host      = (*Backend)(nil)
)

// Options set up a Backend.
type Options struct {
	// Dir keeps the guests. It is made when missing.
	Dir string
	// HasImage says whether there is an image of that digest; nil means that
	// there is always one.
	HasImage func(digest string) bool
	// Max is how many guests there may be; 0 means any number.
	Max int
	// Machine makes the machine of a guest; nil gives every guest the default
	// machine, which knows a handful of commands (see Machine).
	Machine func(spec vmbackend.Spec, disk *Disk) Machine
	// Faults is what goes wrong; nil means nothing.
	Faults *Faults
	// Host is what the machine says of itself; nil is one with plenty of all.
	Host func() vmbackend.HostStats
}

// Backend is a vmbackend.Backend without machines.
type Backend struct {
	options  Options
	turns    turns
	watchers vmbackend.Watchers
	// ctx ends with Close; servers are all that Close waits for, and serving
	// guards that none begins after it.
	ctx     context.Context
	cancel  context.CancelFunc
	serving sync.Mutex
	servers sync.WaitGroup

	mu      sync.Mutex
	guests  map[string]*guest
	severed bool
}

var errClosed = errors.New("the simulated backend is closed")

// New opens the backend over o.Dir and takes over the guests that it finds.
func New(o Options) (*Backend, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	b := &Backend{options: o, guests: map[string]*guest{}}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	if err := b.load(); err != nil {
		b.cancel()
		return nil, err
	}
	return b, nil
}

// Close ends the servers in this process. For the guests it is as if the
// backend's process had died: the next New finds them as they were.
func (b *Backend) Close() error {
	b.serving.Lock()
	b.cancel()
	b.serving.Unlock()
	b.servers.Wait()
	b.watchers.Close()
	return nil
}

// serve runs a server until it ends, unless the backend is closed.
func (b *Backend) serve(server func()) error {
	b.serving.Lock()
	defer b.serving.Unlock()
	if b.ctx.Err() != nil {
		return errClosed
	}
	b.servers.Go(server)
	return nil
}

var imageForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Create implements vmbackend.Backend.
func (b *Backend) Create(ctx context.Context, spec vmbackend.Spec) error {
	if err := spec.Check(0); err != nil {
		return err
	}
	return b.inTurn(ctx, Create, spec.ID, func(ctx context.Context, f Fault) error {
		if b.find(spec.ID) != nil {
			return vmbackend.ErrExists
		}
		if !imageForm.MatchString(spec.Image) || b.options.HasImage != nil && !b.options.HasImage(spec.Image) {
			return fmt.Errorf("image %q: %w", spec.Image, vmbackend.ErrNoImage)
		}
		if err := f.befall(ctx, nil); err != nil {
			return err
		}
		return b.add(record{Spec: spec, State: vmbackend.Created, Since: time.Now(), Files: map[string]string{}})
	})
}

func (b *Backend) add(r record) error {
	g, err := b.newGuest(r)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.options.Max > 0 && len(b.guests) >= b.options.Max {
		return vmbackend.ErrFull
	}
	if err := b.save(r.Spec.ID, r); err != nil {
		return err
	}
	b.guests[r.Spec.ID] = g
	b.watchers.Tell(vmbackend.Event{ID: r.Spec.ID, State: vmbackend.Created})
	return nil
}

// takeOver adds a guest that a predecessor left. One that was just starting
// has lost its power in between.
func (b *Backend) takeOver(r record) error {
	if r.State == vmbackend.Starting {
		r.State, r.Since = vmbackend.Stopped, time.Now()
	}
	g, err := b.newGuest(r)
	if err != nil {
		return err
	}
	if r.State == vmbackend.Running || r.State == vmbackend.Suspended {
		g.run = newRun(b.ctx)
		if r.State == vmbackend.Suspended {
			g.run.freeze()
		}
	}
	b.guests[r.Spec.ID] = g
	return nil
}

func (b *Backend) newGuest(r record) (*guest, error) {
	signer, keys, err := sshserver.ParseKeys(r.Spec.HostKey, r.Spec.AuthorizedKey)
	if err != nil {
		return nil, err
	}
	g := &guest{backend: b, record: r, hostKey: signer, authorized: keys}
	if b.options.Machine != nil {
		g.machine = b.options.Machine(r.Spec, &Disk{g})
	}
	return g, nil
}

// Destroy implements vmbackend.Backend. It cuts short whatever other calls
// for the guest are under way.
func (b *Backend) Destroy(ctx context.Context, id string) error {
	return b.inTurn(ctx, Destroy, id, func(ctx context.Context, f Fault) error {
		if err := f.befall(ctx, nil); err != nil {
			return err
		}
		g := b.find(id)
		if g == nil {
			return nil
		}
		g.end("destroyed")
		g.remove()
		if err := b.forget(id); err != nil {
			return err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.guests, id)
		return nil
	})
}

// List implements vmbackend.Backend.
func (b *Backend) List(ctx context.Context) ([]vmbackend.Guest, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	if err := b.options.Faults.take(List, "").befall(ctx, nil); err != nil {
		return nil, fmt.Errorf("list the guests: %w", err)
	}
	if err := b.open(ctx); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]vmbackend.Guest, 0, len(b.guests))
	for _, g := range b.guests {
		list = append(list, g.line())
	}
	slices.SortFunc(list, func(x, y vmbackend.Guest) int { return strings.Compare(x.ID, y.ID) })
	return list, nil
}

// Watch implements vmbackend.Backend.
func (b *Backend) Watch(ctx context.Context) <-chan vmbackend.Event { return b.watchers.Add(ctx) }

// Kill ends a running guest as if it had crashed by itself.
func (b *Backend) Kill(id, reason string) {
	if g := b.find(id); g != nil {
		g.end(reason)
	}
}

// DropConnections ends all streams to a guest, which runs on.
func (b *Backend) DropConnections(id string) {
	if g := b.find(id); g != nil {
		g.dropConnections()
	}
}

func (b *Backend) find(id string) *guest {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.guests[id]
}

// inTurn runs a call that changes a guest when its turn has come.
func (b *Backend) inTurn(ctx context.Context, call Call, id string, do func(context.Context, Fault) error) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	ctx, leave, err := b.turns.enter(ctx, id, call == Destroy)
	if err != nil {
		return fmt.Errorf("%s guest %s: %w", call, id, err)
	}
	defer leave()
	if err := b.open(ctx); err != nil {
		return fmt.Errorf("%s guest %s: %w", call, id, err)
	}
	if err := do(ctx, b.options.Faults.take(call, id)); err != nil {
		return fmt.Errorf("%s guest %s: %w", call, id, err)
	}
	return nil
}

// open refuses calls that come too late.
func (b *Backend) open(ctx context.Context) error {
	if b.ctx.Err() != nil {
		return errClosed
	}
	if b.isSevered() {
		return vmbackend.ErrUnreachable
	}
	return context.Cause(ctx)
}
