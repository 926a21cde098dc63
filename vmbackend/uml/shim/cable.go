package shim

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

const (
	// cableHolds bounds what is under way on one cable, in bytes: 100 Mbit/s
	// for 160 ms. More is lost, as it is where a real queue is full.
	cableHolds = 2 << 20
	// backlogTime and leastBacklog bound what waits for a slow cable.
	backlogTime  = 250 * time.Millisecond
	leastBacklog = 16 << 10
)

// cable gives what a guest sends the shape of its link. It carries frames to
// deliver, in order, until close.
type cable struct {
	deliver func(frame []byte)
	random  *rand.Rand

	mu   sync.Mutex
	link vmbackend.Link
	// free is when the cable can take the next frame.
	free  time.Time
	queue []parcel
	held  int // bytes in queue
	// changed is closed and replaced when the carrier must look again.
	changed chan struct{}
	closed  bool
	carrier sync.WaitGroup
}

// parcel is a frame and when it arrives.
type parcel struct {
	due   time.Time
	frame []byte
}

func newCable(link vmbackend.Link, random *rand.Rand, deliver func([]byte)) *cable {
	c := &cable{deliver: deliver, random: random, link: link, changed: make(chan struct{})}
	c.carrier.Go(c.carry)
	return c
}

// set changes the cable's shape. What is under way is lost.
func (c *cable) set(link vmbackend.Link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.link, c.free, c.queue, c.held = link, time.Time{}, nil, 0
	c.wake()
}

// cut says whether nothing passes.
func (c *cable) cut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link.Cut
}

// send takes a frame that the guest has sent; the caller may use its memory
// again.
func (c *cable) send(frame []byte) {
	if c.atOnce(frame) {
		c.deliver(frame)
	}
}

// atOnce queues the frame, or loses it, unless it needs no time.
func (c *cable) atOnce(frame []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link.Cut || c.closed || c.link.Loss > 0 && c.random.Float64() < c.link.Loss {
		return false
	}
	if c.link.Rate == 0 && c.link.Delay == 0 {
		return true
	}
	due := time.Now()
	if c.link.Rate > 0 {
		begin := due
		if c.free.After(due) {
			begin = c.free
		}
		if begin.Sub(due) > c.patience() {
			return false
		}
		c.free = begin.Add(c.takes(len(frame)))
		due = c.free
	}
	if c.held+len(frame) > cableHolds {
		return false
	}
	c.held += len(frame)
	c.queue = append(c.queue, parcel{due.Add(c.link.Delay), append([]byte(nil), frame...)})
	if len(c.queue) == 1 {
		c.wake()
	}
	return false
}

// takes is how long so many bytes take at the link's rate.
func (c *cable) takes(bytes int) time.Duration {
	return time.Duration(float64(bytes) * 8 / float64(c.link.Rate) * float64(time.Second))
}

// patience is how long a frame may wait for those before it.
func (c *cable) patience() time.Duration { return max(backlogTime, c.takes(leastBacklog)) }

// wake makes the carrier look again. The caller holds mu.
func (c *cable) wake() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// carry delivers queued frames when they are due.
func (c *cable) carry() {
	for {
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			return
		}
		changed := c.changed
		var due <-chan time.Time
		if len(c.queue) > 0 {
			first := c.queue[0]
			wait := time.Until(first.due)
			if wait <= 0 {
				c.queue, c.held = c.queue[1:], c.held-len(first.frame)
				c.mu.Unlock()
				c.deliver(first.frame)
				continue
			}
			due = time.After(wait)
		}
		c.mu.Unlock()
		select {
		case <-due:
		case <-changed:
		}
	}
}

// close ends the carrier.
func (c *cable) close() {
	c.mu.Lock()
	c.closed = true
	c.wake()
	c.mu.Unlock()
	c.carrier.Wait()
}
