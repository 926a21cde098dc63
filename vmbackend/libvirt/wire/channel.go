package wire

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
)

// OpenChannel opens the channel of a running guest that has this target name,
// through libvirtd: it works with every transport, and ends with libvirtd. A
// channel has one user; whoever had it open through libvirtd loses it, as that
// may be ourselves before the network broke.
func (c *Conn) OpenChannel(ctx context.Context, domain libvirt.Domain, name string) (net.Conn, error) {
	var args xdr
	args.text(domain.Name)
	args = append(args, domain.UUID[:]...)
	args.number(uint32(domain.ID))
	args.number(1) // the name is there
	args.text(name)
	args.number(uint32(libvirt.DomainChannelForce))
	r, err := c.stream(ctx, procDomainChannel, args)
	if err != nil {
		return nil, fmt.Errorf("channel %s of %s: %w", name, domain.Name, err)
	}
	return &channel{framed: r.conn, rpc: r}, nil
}

// stream makes a call that opens a stream.
func (c *Conn) stream(ctx context.Context, procedure uint32, args []byte) (*rpc, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	if _, err := c.await(ctx); err != nil {
		return nil, err
	}
	r, err := dialRPC(ctx, c.ctx, c.way, c.target)
	if err != nil {
		return nil, fmt.Errorf("%w (%s): %w", vmbackend.ErrUnreachable, c.target, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = r.conn.Close() })
	_, err = r.call(procedure, args)
	if !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = r.conn.Close()
		return nil, c.brokeUnlessRefused(err)
	}
	return r, nil
}

// brokeUnlessRefused makes ErrUnreachable of what is neither libvirt's answer
// nor the caller's own end.
func (c *Conn) brokeUnlessRefused(err error) error {
	var refused libvirt.Error
	if errors.As(err, &refused) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w (%s): %w", vmbackend.ErrUnreachable, c.target, err)
}

// channel is a stream with a guest. Deadlines are the transport's: SSH has none.
type channel struct {
	*framed
	rpc  *rpc
	rest []byte // come, but not read yet
	end  error
}

func (c *channel) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(c.rest) == 0 {
		if c.end != nil {
			return 0, c.end
		}
		c.rest, c.end = c.rpc.receiveStream()
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// maxData is the most that one packet of a stream carries, in bytes; libvirt
// before 2.0 took no more (VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX).
const maxData = 256 << 10

func (c *channel) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n := min(len(p)-done, maxData)
		if err := c.rpc.send(typeStream, statusContinue, p[done:done+n]); err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}
