package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/digitalocean/go-libvirt"
)

// openPatience bounds the making of a connection.
const openPatience = 15 * time.Second

// link is one living connection to libvirtd.
type link struct {
	virt   *libvirt.Libvirt
	conn   *framed
	events <-chan libvirt.DomainEventLifecycleMsg // closed some time after dead; nil without
	slots  chan struct{}
}

// handed gives go-libvirt a connection that is there already.
type handed struct{ net.Conn }

func (h handed) Dial() (net.Conn, error) { return h.Conn, nil }

// open makes a link by a way, with events where asked for. It ends with over.
func open(ctx, over context.Context, w way, t target, calls int, events bool) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	raw, err := w.libvirt(ctx)
	if err != nil {
		return nil, err
	}
	l := &link{conn: newFramed(raw), slots: make(chan struct{}, calls)}
	// go-libvirt knows no contexts: what ends its calls is the connection's end.
	stop := context.AfterFunc(ctx, func() { _ = l.conn.Close() })
	defer stop()
	l.virt = libvirt.NewWithDialer(handed{newChecked(l.conn)})
	err = l.virt.ConnectToURI(libvirt.ConnectURI(t.open()))
	if err == nil && events {
		// Never cancelled: go-libvirt can lock up when an event comes while a
		// subscription ends. It ends with the connection.
		l.events, err = l.virt.LifecycleEvents(context.Background())
	}
	if err != nil {
		_ = l.conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		var refused libvirt.Error
		if errors.As(err, &refused) {
			return nil, fmt.Errorf("libvirtd answers, but does not open %s: %w", t.open(), err)
		}
		return nil, fmt.Errorf("libvirtd does not open %s: %w", t.open(), err)
	}
	go l.conn.watch(over, raw)
	return l, nil
}

func (l *link) isDead() bool {
	select {
	case <-l.conn.dead:
		return true
	default:
		return false
	}
}

// close ends the link without asking libvirtd, which may not answer.
func (l *link) close() { _ = l.conn.Close() }
