package libvirt

import (
	"context"
	"fmt"
	"net"

	"github.com/labmark/labmark/vmbackend"
)

var _ vmbackend.Desktop = (*Backend)(nil)

// DialDesktop opens a stream to QEMU's VNC server, whose socket only the user
// of libvirtd can reach. There is no way to it by TLS.
func (b *Backend) DialDesktop(ctx context.Context, id string) (net.Conn, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	conn, err := b.dialDesktop(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("dial the screen of guest %s: %w", id, err)
	}
	return conn, nil
}

func (b *Backend) dialDesktop(ctx context.Context, id string) (net.Conn, error) {
	r, err := b.read(ctx, id)
	if err != nil {
		return nil, err
	}
	if !r.Desktop {
		return nil, fmt.Errorf("it was created without one: %w", vmbackend.ErrNotOffered)
	}
	state, err := b.stateOf(ctx, r)
	if err != nil {
		return nil, err
	}
	if state != vmbackend.Running {
		return nil, fmt.Errorf("it is %s: %w", state, vmbackend.ErrWrongState)
	}
	live, err := b.live(ctx, b.domainOf(id))
	if err != nil {
		return nil, err
	}
	if live.Screen == "" {
		return nil, fmt.Errorf("its QEMU has no VNC socket: %w", vmbackend.ErrNotOffered)
	}
	return b.conn.DialSocket(ctx, live.Screen)
}
