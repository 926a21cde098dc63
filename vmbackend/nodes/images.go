package nodes

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/labmark/labmark/vmbackend"
)

// imageCopy is what is known of an image on a node.
type imageCopy struct {
	there    bool
	fetching bool
	next     time.Time // not to be tried before
}

// imageRetry is the pause after an image could not be brought to a node.
const imageRetry = time.Minute

// atHand says whether an image need not be brought first. The cluster's mutex
// is held.
func (m *member) atHand(digest string) bool {
	if _, holds := m.backend.(vmbackend.ImageHolder); !holds {
		return true
	}
	i := m.images[digest]
	return i != nil && i.there
}

// wantImage notes that guests of an image are made, so that the node is looked
// at for it. The cluster's mutex is held.
func (m *member) wantImage(digest string) {
	if m.images[digest] == nil {
		m.images[digest] = &imageCopy{}
		m.wake()
	}
}

// brings notes that the making of a guest brings the image, if it is missing:
// nobody else need do that. The cluster's mutex is held.
func (m *member) brings(digest string) {
	if i := m.images[digest]; !i.there {
		i.fetching = true
	}
}

// brought ends brings.
func (m *member) brought(digest string, err error) {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	if i := m.images[digest]; err == nil || i == nil || !i.there {
		m.images[digest] = &imageCopy{there: err == nil, next: time.Now().Add(imageRetry)}
	}
}

// lookForImages asks which of the images in use are at hand, and brings those
// that are missing in the background: the next guest need not wait for that.
func (m *member) lookForImages(ctx context.Context) {
	c := m.cluster
	holder, ok := m.open().(vmbackend.ImageHolder)
	if !ok {
		return
	}
	c.mu.Lock()
	var ask []string
	for digest, i := range m.images {
		if !i.there && !i.fetching && m.node.Wanted == WantedUp && !time.Now().Before(i.next) {
			ask = append(ask, digest)
		}
	}
	c.mu.Unlock()
	// For all together: meanwhile nobody looks whether the node is well.
	patience, cancel := context.WithTimeout(ctx, vmbackend.ProbePatience)
	defer cancel()
	for _, digest := range ask {
		there, err := holder.HasImage(patience, digest)
		c.mu.Lock()
		i := m.images[digest]
		switch {
		case i == nil || i.there || i.fetching: // a guest was made meanwhile, or it was dropped
		case err == nil && there:
			i.there = true
		case err == nil:
			i.fetching = true
			c.work.Go(func() { m.fetch(ctx, holder, digest) })
		}
		c.mu.Unlock()
	}
}

func (m *member) fetch(ctx context.Context, holder vmbackend.ImageHolder, digest string) {
	c := m.cluster
	err := holder.PutImage(ctx, digest, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := m.images[digest]; i != nil && i.there {
		return // a guest's making has brought it
	}
	m.images[digest] = &imageCopy{there: err == nil, next: time.Now().Add(imageRetry)}
	if err != nil && ctx.Err() == nil {
		c.cfg.Log.Warn("can't bring an image to a node", "node", m.node.Name, "image", digest, "err", err)
	}
}

// holder is a node with a storage for images.
type holder struct {
	name string
	vmbackend.ImageHolder
	member *member
}

// holders are the nodes that have a storage for images and may get guests.
// Those that do not answer are an error.
func (c *Cluster) holders(ctx context.Context) (out []holder, err error) {
	if err := c.settled(ctx); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		h, ok := m.backend.(vmbackend.ImageHolder)
		switch {
		case m.node.Wanted == Isolated:
		case m.state != Up:
			err = errors.Join(err, m.unreachable())
		case ok:
			out = append(out, holder{m.node.Name, h, m})
		}
	}
	return sorted(out, func(h holder) string { return h.name }), err
}

// HasImage implements vmbackend.ImageHolder: whether all nodes have the image.
func (c *Cluster) HasImage(ctx context.Context, digest string) (bool, error) {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	all, err := c.holders(ctx)
	for _, h := range all {
		there, failed := h.HasImage(ctx, digest)
		if failed == nil && !there {
			return false, nil
		}
		err = errors.Join(err, wrap(h.name, failed))
	}
	return err == nil, err
}

// PutImage implements vmbackend.ImageHolder: it brings the image to all nodes
// that lack it, one after another, and goes on when one fails.
func (c *Cluster) PutImage(ctx context.Context, digest string, report func(float64)) error {
	all, err := c.holders(ctx)
	for i, h := range all {
		failed := h.PutImage(ctx, digest, func(share float64) {
			if report != nil {
				report((float64(i) + share) / float64(len(all)))
			}
		})
		h.member.brought(digest, failed)
		err = errors.Join(err, wrap(h.name, failed))
	}
	return err
}

// DropImage implements vmbackend.ImageHolder, on all nodes.
func (c *Cluster) DropImage(ctx context.Context, digest string) error {
	ctx, cancel := vmbackend.WithDeadline(ctx)
	defer cancel()
	all, err := c.holders(ctx)
	for _, h := range all {
		err = errors.Join(err, wrap(h.name, h.DropImage(ctx, digest)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.members {
		delete(m.images, digest)
	}
	return err
}

// Prepare implements vmbackend.Preparer, on all nodes at once that can and that
// may get guests.
func (c *Cluster) Prepare(ctx context.Context, shape vmbackend.Shape) error {
	if err := c.settled(ctx); err != nil {
		return err
	}
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, m := range c.all() {
		c.mu.Lock()
		p, able := m.backend.(vmbackend.Preparer)
		use, name := m.state == Up && m.node.Wanted == WantedUp, m.node.Name
		c.mu.Unlock()
		if !able || !use {
			continue
		}
		all.Go(func() {
			err := wrap(name, m.while(ctx, func(ctx context.Context) error { return p.Prepare(ctx, shape) }))
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func wrap(node string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("node %s: %w", node, err)
}
