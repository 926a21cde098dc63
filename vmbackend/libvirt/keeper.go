package libvirt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/digitalocean/go-libvirt"

	"github.com/labmark/labmark/vmbackend"
	"github.com/labmark/labmark/vmbackend/guestlink"
	"github.com/labmark/labmark/vmbackend/image"
	"github.com/labmark/labmark/vmbackend/libvirt/domain"
	"github.com/labmark/labmark/vmbackend/libvirt/wire"
)

// keeper joins a running guest's agent, again whenever the link breaks, until
// the guest ends.
type keeper struct {
	stop context.CancelFunc

	mu   sync.Mutex
	link *guestlink.Host // nil while there is none
}

const (
	// joinPatience bounds one attempt. Then the socket is dialled anew.
	joinPatience = 5 * time.Minute
	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
	// logPause lies between two lines of the log about one guest.
	logPause = time.Minute
	// window is how far the host may be ahead of the guest on its virtio port.
	window = 256 << 10
)

// join begins to keep the link to a running guest, unless that is done already.
// awake says that its agent listens already.
func (b *Backend) join(g *guest, r record, awake bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.keeper != nil || g.gone {
		return
	}
	ctx, stop := context.WithCancel(b.life)
	k := &keeper{stop: stop}
	g.keeper = k
	b.work.Go(func() {
		defer stop()
		b.keep(ctx, g, k, r, awake)
	})
}

// part ends the link to a guest.
func (b *Backend) part(g *guest) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.keeper != nil {
		g.keeper.stop()
		g.keeper = nil
	}
}

func (b *Backend) keep(ctx context.Context, g *guest, k *keeper, r record, awake bool) {
	pause, told, logged := firstPause, "", time.Time{}
	for ctx.Err() == nil {
		begun := time.Now()
		err := b.joinOnce(ctx, g, k, r, awake)
		awake = false
		if err == nil {
			told = ""
			if time.Since(begun) > longestPause { // not one that a guest breaks at once, over and over
				pause = firstPause
			}
		} else if text := err.Error(); ctx.Err() == nil && text != told {
			told = text
			if time.Since(logged) > logPause { // the guest has a say in the text
				logged = time.Now()
				b.log.Info("a guest's agent cannot be joined yet", "guest", g.id, "error", err)
			}
			if b.hasEnded(ctx, r.ID) {
				b.endedQuietly(g)
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

// joinOnce joins the agent and keeps the link until it breaks.
func (b *Backend) joinOnce(ctx context.Context, g *guest, k *keeper, r record, awake bool) error {
	attempt, cancel := context.WithTimeout(ctx, joinPatience)
	defer cancel()
	line, err := b.dialPort(attempt, b.domainOf(r.ID))
	if err != nil {
		return err
	}
	options := guestlink.Options{Window: window, Awake: awake}
	if b.cfg.Mirror != "" && slices.Contains(r.Open, vmbackend.OpenMirror) {
		options.Accept = guestlink.ToMirror(b.cfg.Mirror, r.ID)
	}
	link, err := guestlink.Connect(attempt, line, personal(r), options)
	if err != nil {
		return err
	}
	b.setLink(g, k, link)
	select {
	case <-link.Done():
	case <-ctx.Done():
	}
	b.setLink(g, k, nil)
	return link.Close()
}

func (b *Backend) setLink(g *guest, k *keeper, link *guestlink.Host) {
	k.mu.Lock()
	k.link = link
	k.mu.Unlock()
	g.mu.Lock()
	current := g.keeper == k
	if current {
		g.announce()
	}
	state := g.last.state
	g.mu.Unlock()
	if current && link != nil && state != vmbackend.Suspended {
		b.note(g, vmbackend.Running, "")
	}
}

func (k *keeper) now() *guestlink.Host {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.link
}

// dialPort opens the agent's port of a running domain: its socket, which does
// not depend on libvirtd, or by libvirtd where there is no way to sockets.
func (b *Backend) dialPort(ctx context.Context, dom libvirt.Domain) (net.Conn, error) {
	live, err := b.live(ctx, dom)
	if err != nil {
		return nil, err
	}
	path := live.Sockets[image.AgentPort]
	if path == "" {
		return nil, fmt.Errorf("the domain %s has no port %s", dom.Name, image.AgentPort)
	}
	conn, err := b.conn.DialSocket(ctx, path)
	if err == nil {
		return conn, nil
	}
	conn, second := b.conn.OpenChannel(ctx, dom, image.AgentPort)
	if second != nil {
		return nil, errors.Join(err, second)
	}
	return conn, nil
}

// live reads the description of a running domain.
func (b *Backend) live(ctx context.Context, dom libvirt.Domain) (domain.Live, error) {
	text, err := wire.Ask(ctx, b.conn, "read the domain's description", func(l *libvirt.Libvirt) (string, error) {
		return l.DomainGetXMLDesc(dom, 0)
	})
	if err != nil {
		return domain.Live{}, err
	}
	return domain.Read(text)
}

func personal(r record) guestlink.Personal {
	p := guestlink.Personal{
		Hostname: r.hostname(), HostKey: r.HostKey, AuthorizedKey: r.AuthorizedKey,
		Time: time.Now(), Entropy: make([]byte, 64), Networks: []guestlink.Network{network()},
	}
	_, _ = rand.Read(p.Entropy) // never fails, see crypto/rand
	return p
}

// endedQuietly notes an end of which no event tells why.
func (b *Backend) endedQuietly(g *guest) {
	b.work.Go(func() {
		select {
		case <-time.After(eventPatience):
			b.perhapsEnded(g, "it ended")
		case <-b.life.Done():
		}
	})
}

// eventPatience is how much later an event may come than what it tells of.
const eventPatience = time.Second
