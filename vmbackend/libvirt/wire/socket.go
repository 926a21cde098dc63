package wire

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/labmark/labmark/vmbackend"
)

// DialSocket dials a unix socket on the node: vmbackend.ErrNotOffered with TLS,
// where OpenChannel is the way to a guest. The stream does not depend on
// libvirtd. By SSH it ends with the connection to the node, and has no deadlines.
func (c *Conn) DialSocket(ctx context.Context, path string) (net.Conn, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	conn, err := c.way.socket(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("socket %s on %s: %w", path, c.target, err)
	}
	return conn, nil
}

// Command runs a shell script on the node, as the user who may use libvirt
// there, with args as $1, $2 … and returns what it printed, at most 4 MiB. A
// script that fails gives an error with what it said on stderr. When ctx ends
// it is killed. vmbackend.ErrNotOffered with TLS.
func (c *Conn) Command(ctx context.Context, stdin io.Reader, script string, args ...string) ([]byte, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	out, err := c.way.command(ctx, stdin, script, args)
	if err != nil {
		return out, fmt.Errorf("command on %s: %w", c.target, err)
	}
	return out, nil
}

// notOffered is what a way without shell and sockets says.
func notOffered(what, instead string) error {
	return fmt.Errorf("%w: %s by TLS; %s", vmbackend.ErrNotOffered, what, instead)
}
