package wire

import (
	"context"

	"github.com/digitalocean/go-libvirt"
)

// Event is something that happened on the node or to its connection.
type Event struct {
	// Link says that the event is about the connection: Up tells whether it
	// came or went. What happened while it was away is not told.
	Link, Up bool
	// Domain did something: Kind is libvirt's DomainEventType, Detail the kind's
	// own detail type.
	Domain       libvirt.Domain
	Kind, Detail int
}

// readerRoom is how many events a slow reader may fall behind.
const readerRoom = 256

// Events reports what happens from now on, until ctx ends or the Conn is
// closed; then it closes the channel. Slow readers lose events.
func (c *Conn) Events(ctx context.Context) <-chan Event {
	events := make(chan Event, readerRoom)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.readers == nil {
		close(events)
		return events
	}
	c.readers[events] = struct{}{}
	context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if _, there := c.readers[events]; there {
			delete(c.readers, events)
			close(events)
		}
	})
	return events
}

func (c *Conn) publish(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for reader := range c.readers {
		select {
		case reader <- e:
		default:
		}
	}
}

func (c *Conn) closeReaders() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for reader := range c.readers {
		close(reader)
	}
	c.readers = nil
}
