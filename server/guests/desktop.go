package guests

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/labmark/labmark/server/store"
	"github.com/labmark/labmark/vmbackend"
)

// ErrNoScreen is returned where a guest was made without a screen,
// ErrManyScreens where too many connections to it are open.
var (
	ErrNoScreen    = errors.New("your machine was made without a screen")
	ErrManyScreens = errors.New("your machine's screen is open in too many places; close some")
)

// maxScreens is how many connections to one guest's screen may be open: each
// costs its QEMU memory for a picture, and the gateway two open files.
const maxScreens = 8

// Desktop opens a connection to the screen of the owner's running guest of
// that name, which speaks RFB (RFC 6143). It ends with the guest, and when the guest is taken
// from its owner. ErrNoGuest if none runs, ErrNoScreen or
// vmbackend.ErrNotOffered if there is nothing to be seen, ErrManyScreens if
// enough are open.
func (m *Manager) Desktop(ctx context.Context, o store.Owner, name string) (net.Conn, error) {
	g, err := m.running(o, name)
	if err != nil {
		return nil, err
	}
	if !g.kind.Desktop {
		return nil, ErrNoScreen
	}
	backend, able := m.cfg.Backend.(vmbackend.Desktop)
	if !able {
		return nil, fmt.Errorf("screens of guests: %w", vmbackend.ErrNotOffered)
	}
	conn, err := backend.DialDesktop(ctx, g.id)
	if err != nil {
		return nil, fmt.Errorf("open the screen of guest %s: %w", g.id, err)
	}
	return g.watched(conn)
}

// screen is a connection to a guest's screen that its machine can end.
type screen struct {
	net.Conn
	of *machine
}

// watched keeps a connection in mind until it is closed.
func (g *machine) watched(conn net.Conn) (net.Conn, error) {
	s := &screen{conn, g}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.screens) >= maxScreens {
		conn.Close()
		return nil, ErrManyScreens
	}
	g.screens[s] = true
	return s, nil
}

func (s *screen) Close() error {
	s.of.mu.Lock()
	delete(s.of.screens, s)
	s.of.mu.Unlock()
	return s.Conn.Close()
}
