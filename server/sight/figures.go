package sight

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend/nodes"
)

// Sources are where figures of the moment come from. A nil one is left out.
type Sources struct {
	Guests   func(context.Context) ([]store.Guest, error)
	Nodes    func() []nodes.Status
	Outbox   func(context.Context) (store.OutboxFigures, error)
	Attempts func(context.Context) (running int, err error)
	// Queue tells how many wait for a guest, and since when the first does.
	Queue func(context.Context) (length int, first time.Time, err error)
	// Mends counts what was mended since the start, by what it was.
	Mends func() map[string]uint64
	// Pool is how many guests of each image are to wait ready, by digest.
	Pool func() map[string]int
	// Dropped counts entries of the audit that were lost under overload.
	Dropped func() uint64
}

// Figures are those of one moment.
type Figures struct {
	At     time.Time
	Guests map[GuestKey]int
	Nodes  []nodes.Status
	Outbox store.OutboxFigures
	// Running is how many attempts are under way.
	Running int
	// Queue is how many wait for a guest, QueueFirst since when the first does;
	// zero where nobody waits.
	Queue      int
	QueueFirst time.Time
	Mends      map[string]uint64
	Pool       map[string]int
	Dropped    uint64
}

// GuestKey is what guests are counted by.
type GuestKey struct {
	Mode        store.Mode
	Image, Node string // a digest; empty where there is only one node
}

// InMode counts the guests of a mode.
func (f Figures) InMode(m store.Mode) int {
	n := 0
	for k, c := range f.Guests {
		if k.Mode == m {
			n += c
		}
	}
	return n
}

// read asks all sources. An error names those that did not answer; what the
// others told is there all the same.
func (s Sources) read(ctx context.Context) (Figures, error) {
	f := Figures{At: time.Now().UTC(), Guests: map[GuestKey]int{}}
	var errs []error
	ask := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	if s.Guests != nil {
		rows, err := s.Guests(ctx)
		for _, g := range rows {
			f.Guests[GuestKey{g.Mode, g.Image, g.Node}]++
		}
		ask("guests", err)
	}
	if s.Nodes != nil {
		f.Nodes = s.Nodes()
	}
	if s.Outbox != nil {
		var err error
		f.Outbox, err = s.Outbox(ctx)
		ask("outbox", err)
	}
	if s.Attempts != nil {
		var err error
		f.Running, err = s.Attempts(ctx)
		ask("attempts", err)
	}
	if s.Queue != nil {
		var err error
		f.Queue, f.QueueFirst, err = s.Queue(ctx)
		ask("queue", err)
	}
	if s.Mends != nil {
		f.Mends = s.Mends()
	}
	if s.Pool != nil {
		f.Pool = s.Pool()
	}
	if s.Dropped != nil {
		f.Dropped = s.Dropped()
	}
	return f, errors.Join(errs...)
}

const (
	// fresh is how old figures may be: many may look at the same time.
	fresh = 2 * time.Second
	// askWithin bounds the look at all sources.
	askWithin = 5 * time.Second
)

// moment keeps the figures of the last look for those who look next.
type moment struct {
	sources Sources
	mu      sync.Mutex
	last    Figures
	err     error
}

func (m *moment) figures(ctx context.Context) (Figures, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.last.At) < fresh {
		return m.last, m.err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	m.last, m.err = m.sources.read(ctx)
	return m.last, m.err
}
